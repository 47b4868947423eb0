// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMUs over a live update: domains of tables that came in, for iommufd, which maps
 * memory again.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/minmax.h>

/**
 * iommu_liveupdate_take - get the domain of the tables that a device came in with
 * @dev: the device, behind an IOMMU
 *
 * As iommu_liveupdate_adopt(), for iommufd, which may ask again when it could not
 * attach the domain.
 *
 * Context: may sleep
 * Return: the domain; an ERR_PTR; or NULL when the device needs another one.
 */
struct iommu_domain *iommu_liveupdate_take(struct device *dev)
{
	if (!iommu_liveupdate_is_untouched(dev))
		return NULL;
	return dev->iommu->adopted ?: iommu_liveupdate_adopt(dev);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_take);

/*
 * Is a range mapped by entries of its own? One that is for more than the range would be
 * unmapped with it, or, worse, be taken for a table.
 */
static bool iommu_is_whole(struct iommu_domain *domain, unsigned long iova,
			   size_t size)
{
	const struct iommu_liveupdate_ops *ops = domain->owner->liveupdate;
	int prot;

	return IS_ALIGNED(iova, ops->leaf(domain, iova, &prot)) &&
	       IS_ALIGNED(iova + size,
			  ops->leaf(domain, iova + size - 1, &prot));
}

/*
 * Does the domain map the range to this memory? -EBUSY when it maps another, or with
 * other rights, or more by the same entry.
 */
static int iommu_is_mapped(struct iommu_domain *domain, unsigned long iova,
			   phys_addr_t paddr, size_t size, int prot)
{
	const struct iommu_liveupdate_ops *ops = domain->owner->liveupdate;
	bool mapped = iommu_iova_to_phys(domain, iova);

	prot &= IOMMU_READ | IOMMU_WRITE;
	for (size_t at = 0; at < size; at += PAGE_SIZE) {
		phys_addr_t phys = iommu_iova_to_phys(domain, iova + at);
		int rights;

		ops->leaf(domain, iova + at, &rights);
		if (phys != (mapped ? paddr + at : 0) ||
		    rights != (mapped ? prot : 0))
			return -EBUSY;
	}
	if (mapped && !iommu_is_whole(domain, iova, size))
		return -EBUSY;
	return mapped;
}

/**
 * iommu_liveupdate_may_map - may memory be mapped in a domain?
 * @domain: the domain
 * @iova:   where
 * @paddr:  the memory
 * @size:   of the memory
 * @prot:   IOMMU_READ, IOMMU_WRITE, and others
 *
 * Who has taken a domain over maps the memory that is mapped already: from then on the
 * memory is known to be in use. Nothing changes for the device.
 *
 * Context: as iommu_map()
 * Return: 0; 1 when it is mapped already; -EBUSY when other memory is, or this memory
 * with other rights to read and to write, or by a large page that is not all in the
 * range, or when the domain must stay as it is.
 */
int iommu_liveupdate_may_map(struct iommu_domain *domain, unsigned long iova,
			     phys_addr_t paddr, size_t size, int prot)
{
	int mapped;

	if (iommu_liveupdate_is_fixed(domain))
		return -EBUSY;
	if (atomic64_read(&domain->unclaimed) <= 0)
		return 0;
	mapped = iommu_is_mapped(domain, iova, paddr, size, prot);
	if (mapped > 0)
		atomic64_sub(size, &domain->unclaimed);
	return mapped;
}

/**
 * iommu_liveupdate_unclaimed - how much can a device reach that nobody has mapped?
 * @dev: the device
 *
 * Return: bytes that were mapped in the domain when it was taken over, and have not
 * been mapped again.
 */
u64 iommu_liveupdate_unclaimed(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain ? max(atomic64_read(&domain->unclaimed), 0) : 0;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unclaimed);
