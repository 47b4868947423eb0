/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): the structures that are handed over, for tests.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _KERNEL_LIVEUPDATE_KHO_STRUCTURES_H
#define _KERNEL_LIVEUPDATE_KHO_STRUCTURES_H

#include <linux/types.h>

/* In the order in which kho_corrupt.c names them. */
enum kho_structure {
	ROOT_FDT,
	TREE_NODE,
	TREE_LEAF,
	METADATA,
	MEMBLOCK,
	LUO,
	SESSION_BLOCK,
	SESSION,
	FILE_BLOCK,
	FILE_OWNER,
	FILE_RECORD,
	FLB,
	FLB_SUM,
	PCI_DEVICES,
	IOMMU,
	IOMMU_ROOT,
	IOMMU_CONTEXT,
	IOMMU_TABLE,
	MEMFD,
	HUGETLB,
	HUGETLB_POOL,
	TMPFS,
	TMPFS_INODE,
	TMPFS_NAME,
	TMPFS_ATTR,
	PIPE,
	VFIO_PCI,
	VMALLOC,
	VMALLOC_CHUNK,
	FOLIO,
	NR_STRUCTURES
};

struct kho_walk;

typedef void kho_found_t(const struct kho_walk *walk,
			 enum kho_structure structure, void *p, size_t size);

/**
 * struct kho_walk - where the walk is
 * @found:   called for each structure, with the bytes of it that mean something
 * @session: the session that the structure belongs to; empty for none
 * @file:    the file in the session, by the order of preservation; -1 for none
 */
struct kho_walk {
	kho_found_t *found;
	const char *session;
	int file;
};

void kho_walk_structures(kho_found_t *found);

#endif /* _KERNEL_LIVEUPDATE_KHO_STRUCTURES_H */
