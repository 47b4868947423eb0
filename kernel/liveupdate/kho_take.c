// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): checks of the root FDT and the scratch areas that the
 * previous kernel handed over.
 *
 * Nothing that comes from there is trusted: each address is checked to be RAM
 * before it is followed.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/errno.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include <asm/early_ioremap.h>
#include <asm/sections.h>

#include "kho_internal.h"

/* A scratch array larger than this is taken for damaged. */
#define KHO_SCRATCH_ARRAY_MAX	((2 + MAX_NUMNODES) * sizeof(struct kho_scratch))

/* Do memblock's regions of RAM, more than one of them, cover [start, end)? */
static bool __init is_split_ram(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t ram_start, ram_end;
	u64 i;

	for_each_mem_range(i, &ram_start, &ram_end) {
		if (start < ram_start)
			return false;
		if (start < ram_end)
			start = ram_end;
		if (start >= end)
			return true;
	}

	return false;
}

/* Is this page-aligned RAM of ours, in the direct mapping? */
static bool __init is_mapped_ram(phys_addr_t phys, u64 size)
{
	phys_addr_t end;

	return size && PAGE_ALIGNED(phys) &&
	       !check_add_overflow(phys, size, &end) &&
	       ((memblock_is_map_memory(phys) &&
		 memblock_is_region_memory(phys, size)) ||
		is_split_ram(phys, end));
}

/**
 * kho_may_be_preserved - can the previous kernel have preserved a range?
 * @phys: physical address of the range, any number
 * @size: its size in bytes, any number
 *
 * Context: early boot, once kho_populate() ran, until memblock is gone.
 * Return: true if it is page-aligned RAM outside of scratch memory.
 */
bool __init kho_may_be_preserved(phys_addr_t phys, u64 size)
{
	return is_mapped_ram(phys, size) && !kho_scratch_overlap(phys, size);
}

/**
 * kho_take_fdt - check the root FDT
 * @phys: its physical address, any number
 * @len:  its length in bytes, any number
 * @tree: set to the physical address of the tree of preserved memory, for the
 *        caller to check
 *
 * Context: early boot, once memblock knows all RAM.
 * Return: NULL, or what is wrong with it.
 */
const char * __init kho_take_fdt(phys_addr_t phys, u64 len, phys_addr_t *tree)
{
	const char *fault = NULL;
	void *fdt;

	if (len != KHO_FDT_SIZE)
		return "the root FDT is not one page of this kernel's page size";
	if (!is_mapped_ram(phys, len))
		return "the root FDT is not in RAM";

	fdt = early_memremap(phys, len);
	if (!fdt)
		return "the root FDT cannot be mapped";

	switch (kho_check_fdt(fdt, len, tree)) {
	case 0:
		kho_takeover.damaged = kho_fdt_is_damaged(fdt);
		break;
	case -EPROTONOSUPPORT:
		fault = "the root FDT is not of format " KHO_FDT_COMPATIBLE;
		break;
	default:
		fault = "the root FDT is damaged";
	}
	early_memunmap(fdt, len);

	return fault;
}

/**
 * kho_scratch_compact - leave out areas without any memory
 * @areas: areas as the previous kernel handed them on; those of a size stay, in
 *         their order, at the beginning of the array
 * @nr:    their number
 *
 * Other kernels hand on an area of size 0 where they need none of its kind.
 *
 * Return: the number of areas that are left.
 */
unsigned int kho_scratch_compact(struct kho_scratch *areas, unsigned int nr)
{
	unsigned int i, left = 0;

	for (i = 0; i < nr; i++)
		if (areas[i].size)
			areas[left++] = areas[i];

	return left;
}

static bool __init area_ok(const struct kho_scratch *area)
{
	phys_addr_t end;

	return !check_add_overflow(area->addr, area->size, &end) &&
	       IS_ALIGNED(area->addr | area->size, KHO_SCRATCH_ALIGN) &&
	       memblock_is_map_memory(area->addr) &&
	       memblock_is_region_memory(area->addr, area->size);
}

/* Is each area RAM, aligned, and apart from the others? */
static bool __init areas_ok(const struct kho_scratch *areas, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++) {
		if (!area_ok(&areas[i]))
			return false;

		for (j = 0; j < i; j++)
			if (memblock_addrs_overlap(areas[i].addr, areas[i].size,
						   areas[j].addr, areas[j].size))
				return false;
	}

	return nr > 0;
}

static bool __init is_kernel_in(const struct kho_scratch *areas, unsigned int nr)
{
	phys_addr_t start = __pa_symbol(_text), end = __pa_symbol(_end);
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (start >= areas[i].addr &&
		    end <= areas[i].addr + areas[i].size)
			return true;

	return false;
}

static bool __init is_fdt_in(const struct kho_scratch *areas, unsigned int nr,
			     phys_addr_t fdt_phys)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (memblock_addrs_overlap(fdt_phys, KHO_FDT_SIZE,
					   areas[i].addr, areas[i].size))
			return true;

	return false;
}

static const char * __init check_areas(const struct kho_scratch *areas,
				       unsigned int nr, phys_addr_t fdt_phys)
{
	if (!areas_ok(areas, nr))
		return "a scratch area is not RAM";
	if (is_kernel_in(areas, nr))
		return is_fdt_in(areas, nr, fdt_phys) ?
		       "the root FDT is in scratch memory" : NULL;

	return "this kernel is not in scratch memory and may have overwritten what was preserved";
}

/* The array may lie anywhere in a page: on x86 it is part of the setup_data. */
static bool __init is_array_in_ram(phys_addr_t phys, u64 len)
{
	const unsigned int offset = offset_in_page(phys);

	return len && len <= KHO_SCRATCH_ARRAY_MAX &&
	       IS_ALIGNED(len, sizeof(struct kho_scratch)) &&
	       IS_ALIGNED(phys, __alignof__(struct kho_scratch)) &&
	       is_mapped_ram(phys - offset, PAGE_ALIGN(offset + len));
}

/**
 * kho_take_scratch - check the scratch areas, and mark them in memblock
 * @phys:     physical address of their array, any number
 * @len:      its length in bytes, any number
 * @fdt_phys: physical address of the root FDT
 * @nr:       set to the number of the areas, which are at the beginning of the
 *            array then; areas without memory are left out
 *
 * Context: early boot, once memblock knows all RAM.
 * Return: NULL, or what is wrong with them. Then none is marked.
 */
const char * __init kho_take_scratch(phys_addr_t phys, u64 len,
				     phys_addr_t fdt_phys, unsigned int *nr)
{
	struct kho_scratch *areas;
	const char *fault;
	unsigned int i;

	if (!is_array_in_ram(phys, len))
		return "the array of scratch areas is not in RAM";

	areas = early_memremap(phys, len);
	if (!areas)
		return "the array of scratch areas cannot be mapped";

	*nr = kho_scratch_compact(areas, len / sizeof(*areas));
	fault = check_areas(areas, *nr, fdt_phys);
	for (i = 0; !fault && i < *nr; i++)
		memblock_mark_kho_scratch(areas[i].addr, areas[i].size);
	early_memunmap(areas, len);

	return fault;
}
