/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the areas of reserve_mem=.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_MEMBLOCK_H
#define _LINUX_KHO_ABI_MEMBLOCK_H

/**
 * DOC: Areas of reserve_mem=
 *
 * The blob of the subtree "memblock" is a flattened device tree::
 *
 *   / {
 *           compatible = "memblock-v1";
 *           NAME {
 *                   compatible = "reserve-mem-v1";
 *                   start = <u64>;
 *                   size = <u64>;
 *           };
 *   };
 *
 * with a node for each area, by the name that it has on the command line.
 * Numbers are raw native-endian u64 property values, not FDT cells. The first
 * is the physical address of the area; the size in bytes is the one asked for.
 * All pages that the area touches are preserved, as contiguous order-0 pages.
 */
#define KHO_MEMBLOCK_NODE_NAME		"memblock"
#define KHO_MEMBLOCK_COMPATIBLE		"memblock-v1"
#define KHO_RESERVE_MEM_COMPATIBLE	"reserve-mem-v1"
#define KHO_RESERVE_MEM_START_PROP_NAME	"start"
#define KHO_RESERVE_MEM_SIZE_PROP_NAME	"size"

#endif /* _LINUX_KHO_ABI_MEMBLOCK_H */
