// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the map of granules, by which memory in which something
 * is preserved is reserved in memblock.
 *
 * A granule is a large, naturally aligned piece of memory. memblock takes time
 * quadratic in the number of reserved ranges, and preserved pages can be many
 * and isolated. So each granule in which anything is preserved is reserved as a
 * whole; kho_sort.c finds out later which of its pages are preserved.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/bitmap.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>

#include "kho_internal.h"

/* The map has at most so many bits. */
#define GRANULES_MAX	BIT(15)

/* A region of RAM: where it is, its first granule, and the granules up to its end. */
struct ram {
	phys_addr_t start;
	phys_addr_t end;
	unsigned long granule;
	unsigned long nr;
};

/*
 * Granules are numbered in the order of their addresses, without those in which
 * there is no RAM: a machine may have little of it and that far apart.
 */
static struct {
	unsigned long *map;
	unsigned long nr;
	unsigned int shift;
	/* Where the last range that was marked lies. */
	struct ram last;
} granules __initdata;

/* Nothing preserved is in scratch, nor in memory that is not mapped. */
static bool __init has_granules(const struct memblock_region *r)
{
	return !(r->flags & (MEMBLOCK_NOMAP | MEMBLOCK_KHO_SCRATCH));
}

/* The next region of RAM, in a walk that begins with a @ram of zeroes. */
static bool __init next_ram(const struct memblock_region **r, struct ram *ram)
{
	const struct memblock_region *end = memblock.memory.regions +
					    memblock.memory.cnt;
	const unsigned int shift = granules.shift;
	unsigned long first, last;

	*r = *r ? *r + 1 : memblock.memory.regions;
	while (*r < end && !has_granules(*r))
		++*r;
	if (*r == end)
		return false;

	first = (*r)->base >> shift;
	last = ((*r)->base + (*r)->size - 1) >> shift;
	/* It may begin in the granule in which the one before ends. */
	if (ram->end && (ram->end - 1) >> shift == first)
		ram->nr--;
	*ram = (struct ram) {
		.start = (*r)->base,
		.end = (*r)->base + (*r)->size,
		.granule = ram->nr,
		.nr = ram->nr + last - first + 1,
	};

	return true;
}

/* The number of the granule in which an address lies. */
static unsigned long __init granule_of(const struct ram *ram, phys_addr_t phys)
{
	return ram->granule + (phys >> granules.shift) -
	       (ram->start >> granules.shift);
}

static phys_addr_t __init start_of(const struct ram *ram, unsigned long granule)
{
	return ((ram->start >> granules.shift) + granule - ram->granule) <<
	       granules.shift;
}

static void __init mark_in(const struct ram *ram, phys_addr_t start,
			   phys_addr_t end)
{
	unsigned long first = granule_of(ram, max(start, ram->start));
	unsigned long last = granule_of(ram, min(end, ram->end) - 1);

	bitmap_set(granules.map, first, last - first + 1);
}

/**
 * kho_granules_mark - something in a range is preserved
 * @start: physical address of the range, which is RAM
 * @size:  its size in bytes
 *
 * Most often the range is near the one before.
 *
 * Context: early boot, after kho_granules_alloc(), before kho_granules_free().
 */
void __init kho_granules_mark(phys_addr_t start, phys_addr_t size)
{
	const phys_addr_t end = start + size;
	const struct memblock_region *r = NULL;
	struct ram ram = {};

	if (start >= granules.last.start && end <= granules.last.end)
		return mark_in(&granules.last, start, end);

	while (next_ram(&r, &ram)) {
		if (ram.end <= start)
			continue;
		if (ram.start >= end)
			break;
		mark_in(&ram, start, end);
		granules.last = ram;
	}
}

static unsigned long __init count_granules(void)
{
	const struct memblock_region *r = NULL;
	struct ram ram = {};

	while (next_ram(&r, &ram))
		;

	return ram.nr;
}

/**
 * kho_granules_alloc - make an empty map
 *
 * Granules are of the size of the buddy allocator's largest block, or larger on
 * a machine of many of those.
 *
 * Context: early boot, once kho_populate() ran.
 * Return: true, or false when there is no memory.
 */
bool __init kho_granules_alloc(void)
{
	granules.shift = PAGE_SHIFT + MAX_PAGE_ORDER;
	while (count_granules() > GRANULES_MAX)
		granules.shift++;

	granules.nr = count_granules();
	granules.map = memblock_alloc(bitmap_size(granules.nr),
				      SMP_CACHE_BYTES);

	return granules.map;
}

/**
 * kho_granules_free - free the map
 *
 * Context: early boot. A second call does nothing.
 */
void __init kho_granules_free(void)
{
	if (granules.map)
		memblock_free(granules.map, bitmap_size(granules.nr));
	granules.map = NULL;
}

/**
 * kho_granule_size - the size of a granule
 *
 * Context: boot, after kho_granules_alloc().
 * Return: the bytes, a power of two.
 */
phys_addr_t __init kho_granule_size(void)
{
	return (phys_addr_t)1 << granules.shift;
}

/* Reserve the granules of a region, as far as they are in it. */
static int __init reserve_in(const struct ram *ram)
{
	unsigned long granule = ram->granule, next;

	for_each_set_bitrange_from(granule, next, granules.map, ram->nr) {
		phys_addr_t start = max(start_of(ram, granule), ram->start);
		phys_addr_t end = min(start_of(ram, next), ram->end);
		int err;

		err = memblock_reserve_kho(start, end - start);
		if (err)
			return err;
		kho_takeover.reserved += end - start;
	}

	return 0;
}

/**
 * kho_granules_reserve - reserve the marked granules in memblock
 *
 * Context: early boot, before kho_granules_free().
 * Return: true, or false when memblock has no memory for its array of regions.
 */
bool __init kho_granules_reserve(void)
{
	const struct memblock_region *r = NULL;
	struct ram ram = {};

	while (next_ram(&r, &ram))
		if (reserve_in(&ram))
			return false;

	return true;
}

/**
 * kho_granules_unreserve - let memblock reserve nothing more for KHO
 *
 * Context: boot, while memblock is there.
 */
void __init kho_granules_unreserve(void)
{
	const struct memblock_region *r;
	unsigned long i = memblock.reserved.cnt;

	/* From the last region on, since those that are left move up. */
	while (i--) {
		r = &memblock.reserved.regions[i];
		if (r->flags & MEMBLOCK_RSRV_KHO)
			memblock_phys_free(r->base, r->size);
	}
}

/**
 * kho_reserved_early - is a part of a range reserved for what is preserved?
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * For callers that reserve memory at an address of their own choice. memblock does
 * not tell them: what was taken over and nobody claimed counts as free there.
 *
 * Context: early boot, until memblock is gone.
 * Return: whether it is.
 */
bool __init kho_reserved_early(phys_addr_t phys, phys_addr_t size)
{
	const struct memblock_region *r;

	for_each_reserved_mem_region(r)
		if (r->flags & MEMBLOCK_RSRV_KHO &&
		    memblock_addrs_overlap(phys, size, r->base, r->size))
			return true;

	return false;
}
