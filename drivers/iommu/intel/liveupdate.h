/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Intel VT-d over a live update: what iommu.c calls, and what the files of live
 * update share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef DRIVERS_IOMMU_INTEL_LIVEUPDATE_H
#define DRIVERS_IOMMU_INTEL_LIVEUPDATE_H

#include <linux/crash_dump.h>
#include <linux/types.h>

#include "iommu.h"

struct intel_iommu_ser;
struct liveupdate_flb_op_args;
struct liveupdate_session;

#ifdef CONFIG_IOMMU_LIVEUPDATE

extern const struct iommu_liveupdate_ops intel_iommu_liveupdate_ops;
#define INTEL_IOMMU_LIVEUPDATE_OPS	(&intel_iommu_liveupdate_ops)

/* liveupdate.c */
bool intel_liveupdate_take(struct intel_iommu *iommu);
void intel_liveupdate_stop(struct intel_iommu *iommu);

/* liveupdate_out.c */
bool intel_liveupdate_shutdown(struct intel_iommu *iommu);

/* liveupdate_in.c */
bool intel_liveupdate_defers(struct device_domain_info *info);

/* liveupdate_adopt.c */
bool intel_liveupdate_attach(struct device_domain_info *info,
			     struct dmar_domain *domain);

#define VTD_ROOT_ENTRIES	(VTD_PAGE_SIZE / sizeof(struct root_entry))

/**
 * struct vtd_top - how DMA of a device is translated
 * @pasid_dir:   PASID directory, 0 in legacy mode
 * @pasid_table: PASID table, 0 in legacy mode
 * @pgd:         top page table
 * @agaw:        its levels, as the hardware counts them
 * @did:         domain ID
 */
struct vtd_top {
	phys_addr_t pasid_dir;
	phys_addr_t pasid_table;
	phys_addr_t pgd;
	int agaw;
	u16 did;
};

/**
 * struct vtd_walk - a walk over the tables of a device, from the top
 * @table:     called with each page of tables before anything in it is read; may be NULL
 * @leaf:      called with each range of memory that the device can reach; may be NULL
 * @session:   for @leaf
 * @left:      for @table: how many pages there are
 * @top:       what vtd_find_top() has found
 * @nr_tables: output, pages that were read
 * @sum:       output, XXH64 of them
 * @mapped:    for @leaf: bytes that the device can reach
 *
 * A failure of a callback ends the walk.
 */
struct vtd_walk {
	int (*table)(struct vtd_walk *walk, phys_addr_t phys);
	int (*leaf)(struct vtd_walk *walk, phys_addr_t phys, u64 size);
	struct liveupdate_session *session;
	u32 left;
	struct vtd_top top;
	u32 nr_tables;
	u64 sum;
	u64 mapped;
};

/* liveupdate_tables.c */
int vtd_find_top(struct vtd_walk *walk, const struct context_entry *ce,
		 bool sm);
int vtd_walk_tables(struct vtd_walk *walk);
struct context_entry *vtd_context(struct root_entry *root, bool sm, u16 bdf,
				  u64 **entry);
u64 vtd_list_sum(const struct intel_iommu_ser *ser);

/* liveupdate_out.c */
int vtd_out_flb_preserve(struct liveupdate_flb_op_args *args);
void vtd_out_flb_unpreserve(struct liveupdate_flb_op_args *args);
void *vtd_out_preserve(struct device *dev, struct iommu_domain *domain,
		       struct liveupdate_session *session);
void vtd_out_unpreserve(void *cookie);
int vtd_out_freeze(void *cookie);

/* liveupdate_in.c */
int vtd_in_flb_retrieve(struct liveupdate_flb_op_args *args);
int vtd_in_take(struct intel_iommu *iommu, struct intel_iommu_ser *ser);
void vtd_in_flb_finish(struct liveupdate_flb_op_args *args);
bool vtd_in_is_incoming(struct device *dev);

/* liveupdate_adopt.c */
struct iommu_domain *vtd_adopt(struct device *dev);
size_t vtd_leaf(struct iommu_domain *domain, unsigned long iova, int *prot);
void vtd_abandon(struct device *dev, struct iommu_domain *domain);

#else /* CONFIG_IOMMU_LIVEUPDATE */

#define INTEL_IOMMU_LIVEUPDATE_OPS	NULL

static inline bool intel_liveupdate_shutdown(struct intel_iommu *iommu)
{
	return false;
}

static inline bool intel_liveupdate_take(struct intel_iommu *iommu)
{
	return is_kdump_kernel();
}

static inline void intel_liveupdate_stop(struct intel_iommu *iommu) { }

static inline bool intel_liveupdate_defers(struct device_domain_info *info)
{
	return is_kdump_kernel();
}

static inline bool intel_liveupdate_attach(struct device_domain_info *info,
					   struct dmar_domain *domain)
{
	return false;
}

#endif /* CONFIG_IOMMU_LIVEUPDATE */

#endif /* DRIVERS_IOMMU_INTEL_LIVEUPDATE_H */
