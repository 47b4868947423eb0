/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A PCI driver whose devices go on over a live update: what its two files share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef LUO_PCI_SAMPLE_H
#define LUO_PCI_SAMPLE_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct device;
struct file;
struct folio;
struct iommu_domain;
struct liveupdate_session;

/**
 * struct luo_pci_sample_map - let the device, which is behind an IOMMU, reach memory
 * @fd:       a memfd. All of it, and nothing else
 * @reserved: 0
 * @iova:     the address for the device, a multiple of the size of pages
 */
struct luo_pci_sample_map {
	__s32 fd;
	__u32 reserved;
	__u64 iova;
};

#define LUO_PCI_SAMPLE_MAP	_IOW(0xbb, 0x01, struct luo_pci_sample_map)

/**
 * struct sample_ser - what is handed over of a file
 * @domain: of the address of the device
 * @bdf:    of the address of the device
 * @memory: has the device memory that it can reach?
 * @token:  of that, in the same session
 * @iova:   where the device finds it
 */
struct sample_ser {
	u32 domain;
	u16 bdf;
	u16 memory;
	u64 token;
	u64 iova;
};

/**
 * struct sample_memory - memory that a device behind an IOMMU can reach
 * @file:     the memfd, NULL if there is none
 * @folios:   its folios, pinned
 * @nr:       how many
 * @iova:     where the device finds them
 * @domain:   maps them
 * @attached: is @domain attached?
 */
struct sample_memory {
	struct file *file;
	struct folio **folios;
	long nr;
	u64 iova;
	struct iommu_domain *domain;
	bool attached;
};

int sample_memory_map(struct sample_memory *memory, struct device *dev,
		      const struct luo_pci_sample_map *map);
void sample_memory_detach(struct sample_memory *memory, struct device *dev);
void sample_memory_free(struct sample_memory *memory);
int sample_memory_preserve(struct sample_memory *memory, struct device *dev,
			   struct liveupdate_session *session,
			   struct sample_ser *ser);
int sample_memory_retrieve(struct sample_memory *memory, struct device *dev,
			   struct liveupdate_session *session,
			   const struct sample_ser *ser);

#endif /* LUO_PCI_SAMPLE_H */
