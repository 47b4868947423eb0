/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of what units of Intel VT-d go on translating by over a live update.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_INTEL_IOMMU_H
#define _LINUX_KHO_ABI_INTEL_IOMMU_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define INTEL_IOMMU_LUO_FLB_COMPATIBLE	"intel-iommu-lts-v2"

/**
 * struct intel_iommu_dev_ser - a device whose unit goes on translating for it
 * @unit:       physical address of the registers of the unit
 * @root:       physical address of the root table that the unit is left with. It,
 *              and the context tables that it points to, have entries of the
 *              devices in the list, and no others
 * @context_lo: low half of the context entry of the device
 * @context_hi: high half
 * @sum:        XXH64 over the pages of the tables that the context entry points to:
 *              PASID directory, PASID table, and page tables, each before those that
 *              it points to. The sum of a page is the seed for the next, and the
 *              first seed is 0
 * @nr_tables:  how many pages these are
 * @domain:     PCI domain of the device
 * @bdf:        bus in bits 15-8, device and function in bits 7-0
 * @scalable:   1 in scalable mode, 0 in legacy mode
 * @reserved:   0
 *
 * The tables have the hardware's format, and each page of them is preserved.
 */
struct intel_iommu_dev_ser {
	u64 unit;
	u64 root;
	u64 context_lo;
	u64 context_hi;
	u64 sum;
	u32 nr_tables;
	u32 domain;
	u16 bdf;
	u16 scalable;
	u32 reserved;
} __packed;

static_assert(sizeof(struct intel_iommu_dev_ser) == 56);
static_assert(offsetof(struct intel_iommu_dev_ser, nr_tables) == 40);
static_assert(offsetof(struct intel_iommu_dev_ser, bdf) == 48);

/**
 * struct intel_iommu_ser - all devices
 * @sum:            XXH64 of the @nr_devices first entries of @devices, whose seed is
 *                  @nr_devices, and then of the root table of each of them. The sum of
 *                  one is the seed for the next
 * @max_nr_devices: entries in @devices
 * @nr_devices:     of these, how many are used
 * @devices:        the devices
 */
struct intel_iommu_ser {
	u64 sum;
	u32 max_nr_devices;
	u32 nr_devices;
	struct intel_iommu_dev_ser devices[];
} __packed;

static_assert(sizeof(struct intel_iommu_ser) == 16);
static_assert(offsetof(struct intel_iommu_ser, nr_devices) == 12);

#endif /* _LINUX_KHO_ABI_INTEL_IOMMU_H */
