// SPDX-License-Identifier: GPL-2.0
/*
 * Intel VT-d over a live update: domains of the tables that came in.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/err.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "liveupdate.h"
#include "pasid.h"
#include "../iommu-pages.h"

/* A page of tables becomes one of this kernel. The hardware goes on reading it. */
static int vtd_restore_table(struct vtd_walk *walk, phys_addr_t phys)
{
	struct page *page = kho_restore_pages(phys, 1);

	if (!page)
		return -EINVAL;
	__iommu_alloc_account(page, 0);
	return 0;
}

static int vtd_count_leaf(struct vtd_walk *walk, phys_addr_t phys, u64 size)
{
	walk->mapped += size;
	return 0;
}

static bool vtd_copied_context(struct device_domain_info *info,
			       struct context_entry *ce)
{
	struct context_entry *from = NULL;

	spin_lock(&info->iommu->lock);
	/* An entry that was copied is found only if one may be allocated. */
	if (context_copied(info->iommu, info->bus, info->devfn))
		from = iommu_context_addr(info->iommu, info->bus, info->devfn, 1);
	if (from)
		*ce = *from;
	spin_unlock(&info->iommu->lock);
	return from;
}

/* Instead of the PASID table that was made for the device when it was found. */
static void vtd_adopt_pasid_table(struct device *dev, phys_addr_t dir)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct pasid_table *table = kzalloc(sizeof(*table), GFP_KHO_RESTORE);

	table->table = phys_to_virt(dir);
	table->max_pasid = 1 << (PAGE_SHIFT + 3);
	intel_pasid_free_table(dev);
	info->pasid_table = table;
}

/* Its users are counted when the domain is attached. */
static void vtd_adopt_did(struct dmar_domain *domain, struct intel_iommu *iommu,
			  u16 did)
{
	struct iommu_domain_info *id = kzalloc(sizeof(*id), GFP_KHO_RESTORE);

	id->did = did;
	id->iommu = iommu;
	xa_store(&domain->iommu_array, iommu->seq_id, id, GFP_KHO_RESTORE);
}

/**
 * vtd_adopt - make a domain of the tables that a device came in with
 * @dev: the device
 *
 * Return: the domain, or an ERR_PTR.
 */
struct iommu_domain *vtd_adopt(struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct vtd_walk walk = {
		.table = vtd_restore_table,
		.leaf = vtd_count_leaf,
	};
	struct iommu_domain *domain;
	struct dmar_domain *dmar;
	struct context_entry ce;
	int err;

	if (!vtd_copied_context(info, &ce))
		return ERR_PTR(-ENODEV);
	domain = intel_iommu_ops.domain_alloc_user(dev, 0, NULL, NULL);
	if (IS_ERR(domain))
		return domain;
	err = vtd_find_top(&walk, &ce, sm_supported(info->iommu));
	if (!err)
		err = vtd_walk_tables(&walk);
	if (err) {
		iommu_domain_free(domain);
		return ERR_PTR(err);
	}

	dmar = to_dmar_domain(domain);
	iommu_free_page(dmar->pgd);
	dmar->pgd = phys_to_virt(walk.top.pgd);
	/* Who wants it, as vfio does, has had it for what is mapped already. */
	if (ecap_sc_support(info->iommu->ecap))
		domain->ops->enforce_cache_coherency(domain);
	dmar->has_mappings = true;
	atomic64_set(&domain->unclaimed, walk.mapped);
	vtd_adopt_did(dmar, info->iommu, walk.top.did);
	if (walk.top.pasid_dir)
		vtd_adopt_pasid_table(dev, walk.top.pasid_dir);
	info->adopted = dmar;
	clear_context_copied(info->iommu, info->bus, info->devfn);
	return domain;
}

/**
 * intel_liveupdate_attach - is a domain what a device is translated by already?
 * @info:   the device
 * @domain: the domain that is being attached to it
 *
 * Return: true once, for the domain of the tables that the device came in with:
 * nothing is to be programmed.
 */
bool intel_liveupdate_attach(struct device_domain_info *info,
			     struct dmar_domain *domain)
{
	if (!info->adopted || info->adopted != domain)
		return false;
	info->adopted = NULL;
	return true;
}

/**
 * vtd_leaf - how much memory does an entry map, and with what rights?
 * @domain: the domain
 * @iova:   the address that the entry is for
 * @prot:   output; IOMMU_READ and IOMMU_WRITE, 0 when the entry is not present
 *
 * Return: bytes, also when the entry is not present.
 */
size_t vtd_leaf(struct iommu_domain *domain, unsigned long iova, int *prot)
{
	struct dmar_domain *dmar = to_dmar_domain(domain);
	int level = agaw_to_level(dmar->agaw);
	struct dma_pte *pte = dmar->pgd;

	for (;; level--) {
		pte += pfn_level_offset(iova >> VTD_PAGE_SHIFT, level);
		if (level == 1 || !dma_pte_present(pte) ||
		    dma_pte_superpage(pte))
			break;
		pte = phys_to_virt(dma_pte_addr(pte));
	}
	*prot = (pte->val & DMA_PTE_READ ? IOMMU_READ : 0) |
		(pte->val & DMA_PTE_WRITE ? IOMMU_WRITE : 0);
	return level_size(level) << VTD_PAGE_SHIFT;
}

/**
 * vtd_abandon - end the translation that a device came in with
 * @dev:    the device, which has stopped
 * @domain: from vtd_adopt(), not attached
 */
void vtd_abandon(struct device *dev, struct iommu_domain *domain)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct dmar_domain *dmar = to_dmar_domain(domain);
	struct iommu_domain_info *id;

	info->adopted = NULL;
	info->domain_attached = true;
	device_block_translation(dev);

	/* Gone when an attempt to attach the domain has failed on its way. */
	id = xa_erase(&dmar->iommu_array, info->iommu->seq_id);
	if (!id)
		return;
	spin_lock(&info->iommu->lock);
	clear_bit(id->did, info->iommu->domain_ids);
	spin_unlock(&info->iommu->lock);
	kfree(id);
}
