// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI driver whose devices go on over a live update: the memory that a device
 * behind an IOMMU can reach.
 *
 * This is one memfd, which the user puts into the session before the device. The
 * driver has an IOMMU domain of its own that maps it.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "luo_pci_sample.h"

#define SAMPLE_MAX_FOLIOS	64

/* Takes over the reference to @file. */
static int sample_memory_pin(struct sample_memory *memory, struct file *file)
{
	loff_t size = i_size_read(file_inode(file));
	pgoff_t offset;

	memory->file = file;
	memory->folios = kcalloc(SAMPLE_MAX_FOLIOS, sizeof(*memory->folios),
				 GFP_KERNEL);
	if (!memory->folios)
		return -ENOMEM;
	memory->nr = memfd_pin_folios(file, 0, size - 1, memory->folios,
				      SAMPLE_MAX_FOLIOS, &offset);
	return memory->nr < 0 ? memory->nr : 0;
}

/**
 * sample_memory_free - let go of the memory
 * @memory: the memory, which no device can reach any more
 */
void sample_memory_free(struct sample_memory *memory)
{
	if (memory->domain)
		iommu_domain_free(memory->domain);
	if (memory->nr > 0)
		unpin_folios(memory->folios, memory->nr);
	kfree(memory->folios);
	if (memory->file)
		fput(memory->file);
	*memory = (struct sample_memory) { };
}

/**
 * sample_memory_detach - let the device reach the memory no more
 * @memory: the memory
 * @dev:    the device, which is stopped
 */
void sample_memory_detach(struct sample_memory *memory, struct device *dev)
{
	if (memory->attached)
		iommu_detach_device(memory->domain, dev);
	memory->attached = false;
}

/* Maps the folios, one after the other. */
static int sample_memory_fill(struct sample_memory *memory)
{
	u64 iova = memory->iova;
	int err = 0;

	for (long i = 0; !err && i < memory->nr; i++) {
		size_t size = folio_size(memory->folios[i]);

		err = iommu_map(memory->domain, iova,
				PFN_PHYS(folio_pfn(memory->folios[i])), size,
				IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
		iova += size;
	}
	return err;
}

static int sample_memory_attach(struct sample_memory *memory,
				struct device *dev)
{
	int err = iommu_attach_device(memory->domain, dev);

	memory->attached = !err;
	return err;
}

static int sample_memory_make(struct sample_memory *memory, struct device *dev)
{
	struct iommu_domain *domain;
	int err;

	domain = iommu_paging_domain_alloc(dev);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	memory->domain = domain;
	err = sample_memory_attach(memory, dev);
	return err ?: sample_memory_fill(memory);
}

/**
 * sample_memory_map - let a device reach a memfd
 * @memory: the memory, none so far
 * @dev:    the device
 * @map:    from the user
 *
 * Return: 0; -ENODEV when the device is not behind an IOMMU; -EBUSY when it has memory;
 * or another errno.
 */
int sample_memory_map(struct sample_memory *memory, struct device *dev,
		      const struct luo_pci_sample_map *map)
{
	struct file *file;
	int err;

	if (!device_iommu_mapped(dev))
		return -ENODEV;
	if (memory->file)
		return -EBUSY;
	if (map->reserved || !PAGE_ALIGNED(map->iova))
		return -EINVAL;
	file = fget(map->fd);
	if (!file)
		return -EBADF;

	memory->iova = map->iova;
	err = sample_memory_pin(memory, file);
	if (!err)
		err = sample_memory_make(memory, dev);
	if (err) {
		sample_memory_detach(memory, dev);
		sample_memory_free(memory);
	}
	return err;
}

/**
 * sample_memory_preserve - preserve what the IOMMU knows of the memory
 * @memory:  the memory, if there is any
 * @dev:     the device
 * @session: must have the memfd
 * @ser:     gets its token
 *
 * Return: 0, or an errno of iommu_liveupdate_preserve().
 */
int sample_memory_preserve(struct sample_memory *memory, struct device *dev,
			   struct liveupdate_session *session,
			   struct sample_ser *ser)
{
	int err;

	if (!memory->file)
		return 0;
	err = iommu_liveupdate_preserve(dev, session);
	if (err)
		return err;
	ser->memory = 1;
	ser->iova = memory->iova;
	err = liveupdate_get_token_outgoing(session, memory->file, &ser->token);
	if (err)
		iommu_liveupdate_unpreserve(dev);
	return err;
}

/* Is this what the device has all the time? */
static bool sample_memory_is(struct sample_memory *memory,
			     struct iommu_domain *domain)
{
	u64 iova = memory->iova;

	for (long i = 0; i < memory->nr; i++) {
		if (iommu_iova_to_phys(domain, iova) !=
		    PFN_PHYS(folio_pfn(memory->folios[i])))
			return false;
		iova += folio_size(memory->folios[i]);
	}
	return true;
}

/**
 * sample_memory_retrieve - take over the memory that a device can reach
 * @memory:  output
 * @dev:     the device, which goes on
 * @session: has the memfd
 * @ser:     what was handed over
 *
 * Return: 0; -EINVAL when the device can reach something else; or an errno of
 * liveupdate_get_file_incoming() or iommu_liveupdate_adopt(). Then
 * iommu_liveupdate_finish() is going to stop the device.
 */
int sample_memory_retrieve(struct sample_memory *memory, struct device *dev,
			   struct liveupdate_session *session,
			   const struct sample_ser *ser)
{
	struct iommu_domain *domain;
	struct file *file;
	int err;

	if (!ser->memory)
		return 0;
	err = liveupdate_get_file_incoming(session, ser->token, &file);
	if (err)
		return err;
	memory->iova = ser->iova;
	err = sample_memory_pin(memory, file);
	if (err)
		goto free;

	domain = iommu_liveupdate_adopt(dev);
	if (IS_ERR(domain)) {
		err = PTR_ERR(domain);
		goto free;
	}
	err = -EINVAL;
	if (!sample_memory_is(memory, domain))
		goto free;
	memory->domain = domain;
	err = sample_memory_attach(memory, dev);
	if (!err)
		return 0;
	memory->domain = NULL;
free:
	sample_memory_free(memory);
	return err;
}
