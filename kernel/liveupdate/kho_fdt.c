// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): reads and checks root FDTs, and keeps no state.
 *
 * An FDT may be another kernel's. It is checked by kho_check_fdt() before
 * anything else of it is read.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/libfdt.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#include <linux/kho/abi/kexec_handover.h>

#include "kho_internal.h"

/**
 * kho_fdt_is_sound - can all of an FDT be read?
 * @fdt: the FDT
 * @len: bytes that may be read
 *
 * Context: any, early boot included.
 * Return: whether it can.
 */
bool kho_fdt_is_sound(const void *fdt, u64 len)
{
	int node = 0;

	if (fdt_check_header(fdt) || fdt_totalsize(fdt) > len)
		return false;

	/* The walk ends in FDT_ERR_NOTFOUND unless a tag is malformed. */
	while (node >= 0)
		node = fdt_next_node(fdt, node, NULL);

	return node == -FDT_ERR_NOTFOUND;
}

/**
 * kho_fdt_get_u64 - read a number in an FDT
 * @fdt:   the FDT
 * @node:  the node
 * @name:  of the property
 * @value: set to the number
 *
 * Context: any, early boot included.
 * Return: 0, or -EINVAL when there is none.
 */
int kho_fdt_get_u64(const void *fdt, int node, const char *name, u64 *value)
{
	const void *prop;
	int len;

	prop = fdt_getprop(fdt, node, name, &len);
	if (!prop || len != sizeof(*value))
		return -EINVAL;

	*value = get_unaligned((const u64 *)prop);

	return 0;
}

static int check_fdt_root(const void *fdt, phys_addr_t *tree)
{
	const void *prop;
	u64 phys;
	int len;

	prop = fdt_getprop(fdt, 0, "compatible", &len);
	if (!prop || len != sizeof(KHO_FDT_COMPATIBLE) ||
	    memcmp(prop, KHO_FDT_COMPATIBLE, len))
		return -EPROTONOSUPPORT;

	if (kho_fdt_get_u64(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME, &phys))
		return -EINVAL;

	*tree = phys;

	return 0;
}

/**
 * kho_check_fdt - check a root FDT
 * @fdt:  the FDT
 * @len:  bytes that may be read
 * @tree: set to the physical address of the tree of preserved memory
 *
 * Context: any, early boot included.
 * Return: 0, -EPROTONOSUPPORT for another format than ours, or -EINVAL.
 */
int kho_check_fdt(const void *fdt, u64 len, phys_addr_t *tree)
{
	if (!kho_fdt_is_sound(fdt, len))
		return -EINVAL;

	return check_fdt_root(fdt, tree);
}

/* Of all but the checksum itself, which is at @sum. */
static u64 sum_of(const void *fdt, const void *sum)
{
	const void *behind = sum + sizeof(u64);
	u32 crc = crc32_le(~0, fdt, sum - fdt);

	return crc32_le(crc, behind, fdt + fdt_totalsize(fdt) - behind);
}

/**
 * kho_fdt_write_sum - write the checksum of a root FDT
 * @fdt: the FDT, which has the property
 *
 * Context: any.
 */
void kho_fdt_write_sum(void *fdt)
{
	void *sum = fdt_getprop_w(fdt, 0, KHO_FDT_SUM_PROP_NAME, NULL);

	put_unaligned(sum_of(fdt, sum), (u64 *)sum);
}

/**
 * kho_fdt_is_damaged - is a root FDT not as it was written?
 * @fdt: the FDT
 *
 * Context: any, early boot included.
 * Return: false if it is, or if its writer, another kernel, does not let that be seen.
 */
bool kho_fdt_is_damaged(const void *fdt)
{
	const void *sum;
	int len;

	sum = fdt_getprop(fdt, 0, KHO_FDT_SUM_PROP_NAME, &len);

	return sum && (len != sizeof(u64) ||
		       get_unaligned((const u64 *)sum) != sum_of(fdt, sum));
}

/**
 * kho_find_subtree_in - what a root FDT says of a blob
 * @fdt:  the root FDT
 * @name: of the subtree
 * @phys: set to the physical address of the blob, for the caller to check
 * @size: set to its size, likewise
 *
 * Context: any, early boot included.
 * Return: 0, -ENOENT when there is no such subtree, -EIO when there is none but the
 * FDT is damaged, or -EINVAL when the address is not that of a page or the size
 * cannot be.
 */
int kho_find_subtree_in(const void *fdt, const char *name, u64 *phys, u64 *size)
{
	int node;

	node = fdt_subnode_offset(fdt, 0, name);
	if (node < 0)
		return kho_fdt_is_damaged(fdt) ? -EIO : -ENOENT;

	if (kho_fdt_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME, phys) ||
	    kho_fdt_get_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME, size) ||
	    !*size || *size > U32_MAX || !PAGE_ALIGNED(*phys))
		return -EINVAL;

	return 0;
}

/**
 * kho_fdt_find_blob - find a blob in a root FDT by its address
 * @fdt:  the root FDT
 * @phys: physical address of the blob
 *
 * Context: any; the caller keeps the FDT from being written.
 * Return: the offset of the node of the subtree, or -FDT_ERR_NOTFOUND.
 */
int kho_fdt_find_blob(const void *fdt, phys_addr_t phys)
{
	u64 addr;
	int node;

	fdt_for_each_subnode(node, fdt, 0)
		if (!kho_fdt_get_u64(fdt, node, KHO_SUB_TREE_PROP_NAME, &addr) &&
		    addr == phys)
			return node;

	return -FDT_ERR_NOTFOUND;
}
