// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): sizes of scratch memory, and its areas.
 *
 * The next kernel must not touch preserved memory before it knows where that
 * is, so it starts in areas of which it is known that nothing in them is
 * preserved. They are chosen once, at the first boot, and handed on from kernel
 * to kernel. In a running system they hold only movable pages (CMA), and kexec
 * images are loaded into them, by kho_image.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/cma.h>
#include <linux/crash_reserve.h>
#include <linux/ctype.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kmemleak.h>
#include <linux/math64.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sizes.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* The areas that are chosen so far, on a cold boot. */
static struct kho_scratch *chosen __initdata;
static unsigned int nr_chosen __initdata;

/* See kho_scratch_leave_out(). */
static struct kho_scratch left_out[KHO_LEFT_OUT_MAX] __initdata;
static unsigned int nr_left_out __initdata;

static struct kho_scratch_param kho_scratch_param __initdata = {
	.percent = KHO_SCRATCH_DEFAULT_PERCENT,
};

static int parse_size(const char *p, const char **end, phys_addr_t *size)
{
	char *next;

	if (!isdigit(*p))
		return -EINVAL;

	*size = memparse(p, &next);
	*end = next;

	return 0;
}

/**
 * kho_parse_scratch - parse the value of kho_scratch=
 * @p:     "nn%", or "low,global,node" with K/M/G suffixes
 * @param: filled on success, else left as it is
 *
 * A size of zero asks for no such area.
 *
 * Return: 0, or -EINVAL when the value is malformed or asks for no area at all.
 */
int kho_parse_scratch(const char *p, struct kho_scratch_param *param)
{
	struct kho_scratch_param new = {};
	unsigned int percent;
	size_t digits = strspn(p, "0123456789");
	char buf[8];

	if (digits && p[digits] == '%' && !p[digits + 1]) {
		if (strscpy(buf, p) < 0)
			return -EINVAL;
		buf[digits] = '\0';
		if (kstrtouint(buf, 10, &percent) || !percent)
			return -EINVAL;
		new.percent = percent;
		*param = new;
		return 0;
	}

	if (parse_size(p, &p, &new.low) || *p++ != ',' ||
	    parse_size(p, &p, &new.global) || *p++ != ',' ||
	    parse_size(p, &p, &new.node) || *p)
		return -EINVAL;
	if (!new.low && !new.global && !new.node)
		return -EINVAL;

	*param = new;
	return 0;
}

static int __init set_param(const char *name, const char *p)
{
	if (!p || kho_parse_scratch(p, &kho_scratch_param))
		pr_warn("malformed %s=%s ignored, write nn%% or low,global,node sizes such as 64M,256M,128M\n",
			name, p ?: "");

	return 0;
}

static int __init early_kho_scratch(char *p)
{
	return set_param("kho_scratch", p);
}
early_param("kho_scratch", early_kho_scratch);

/* What Linux 7.4 calls it. */
static int __init early_kho_bootmem(char *p)
{
	return set_param("kho_bootmem", p);
}
early_param("kho_bootmem", early_kho_bootmem);

/* Bytes of [start, end) that lie in the range of @res. */
static phys_addr_t __init overlap_of(const struct resource *res,
				     phys_addr_t start, phys_addr_t end)
{
	phys_addr_t s, e;

	if (!res->end)
		return 0;

	s = max_t(phys_addr_t, start, res->start);
	e = min_t(phys_addr_t, end, res->end + 1);

	return s < e ? e - s : 0;
}

/* A crash kernel's memory is reserved, but not by what a kernel boots with. */
static phys_addr_t __init crash_size(phys_addr_t start, phys_addr_t end)
{
#ifdef CONFIG_CRASH_RESERVE
	return overlap_of(&crashk_res, start, end) +
	       overlap_of(&crashk_low_res, start, end);
#else
	return 0;
#endif
}

/**
 * kho_scratch_leave_out - do not count an area as what a kernel boots with
 * @start: its physical address
 * @size:  its size in bytes
 *
 * For an area that is at the same place in the next kernel: the next kernel needs
 * no scratch memory for it.
 *
 * Context: early boot, before kho_memory_init(); no more than KHO_LEFT_OUT_MAX
 * areas.
 */
void __init kho_scratch_leave_out(phys_addr_t start, phys_addr_t size)
{
	if (WARN_ON(nr_left_out == KHO_LEFT_OUT_MAX))
		return;

	left_out[nr_left_out].addr = start;
	left_out[nr_left_out++].size = size;
}

/* Bytes of [start, end) that are in some areas. */
static phys_addr_t __init size_in(const struct kho_scratch *areas,
				  unsigned int nr, phys_addr_t start,
				  phys_addr_t end)
{
	phys_addr_t sum = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		phys_addr_t s = max(start, areas[i].addr);
		phys_addr_t e = min(end, areas[i].addr + areas[i].size);

		if (s < e)
			sum += e - s;
	}

	return sum;
}

#ifdef CONFIG_CMA
struct cma_sum {
	phys_addr_t start;
	phys_addr_t end;
	phys_addr_t size;
};

static int __init add_cma_area(struct cma *cma, void *data)
{
	const struct kho_scratch area = {
		.addr = cma_get_base(cma),
		.size = cma_get_size(cma),
	};
	struct cma_sum *sum = data;

	sum->size += size_in(&area, 1, sum->start, sum->end);
	return 0;
}

/* Bytes of [start, end) in areas such as that of hugetlb_cma=. */
static phys_addr_t __init cma_size(phys_addr_t start, phys_addr_t end)
{
	struct cma_sum sum = { .start = start, .end = end };

	cma_for_each_area(add_cma_area, &sum);
	return sum.size;
}
#else
static phys_addr_t __init cma_size(phys_addr_t start, phys_addr_t end)
{
	return 0;
}
#endif

/*
 * What the kernel itself has reserved in [start, end): its image, its initrd
 * and its allocations. Gigantic pages (known by their flag) and CMA areas are for
 * userspace and drivers: the next kernel makes its own when it has all memory.
 * Areas of reserve_mem= are where they are in the next kernel as well.
 */
static phys_addr_t __init kernel_size(phys_addr_t start, phys_addr_t end)
{
	struct memblock_region *r;
	phys_addr_t sum = 0;

	for_each_reserved_mem_region(r) {
		phys_addr_t s = max(start, r->base);
		phys_addr_t e = min(end, r->base + r->size);

		if (s < e && !memblock_is_reserved_noinit(r))
			sum += e - s - crash_size(s, e) - cma_size(s, e) -
			       size_in(left_out, nr_left_out, s, e) -
			       size_in(chosen, nr_chosen, s, e);
	}

	return sum;
}

struct scratch_size {
	phys_addr_t total;
	phys_addr_t kernel;
};

/* RAM of a node (or all) below @limit, and the kernel's part of it. */
static struct scratch_size __init size_of_node(int nid, phys_addr_t limit)
{
	struct scratch_size size = {};
	unsigned long start_pfn, end_pfn;
	int i;

	for_each_mem_pfn_range(i, nid, &start_pfn, &end_pfn, NULL) {
		phys_addr_t start = PFN_PHYS(start_pfn);
		phys_addr_t end = min(PFN_PHYS(end_pfn), limit);

		if (start >= end)
			continue;
		size.total += end - start;
		size.kernel += kernel_size(start, end);
	}

	return size;
}

/*
 * The size that was asked for, or a percentage of what the kernel reserved. That
 * is no more than 1/@share of all: a machine of little memory must not be all
 * scratch.
 */
static phys_addr_t __init area_size(phys_addr_t asked, struct scratch_size size,
				    unsigned int share)
{
	const unsigned int percent = kho_scratch_param.percent;
	phys_addr_t scaled;

	if (!percent)
		return asked;

	scaled = mul_u64_u32_div(size.kernel, percent, 100);
	scaled = min(scaled, div_u64(size.total, share));

	return max_t(phys_addr_t, scaled, KHO_SCRATCH_ALIGN);
}

static bool __init add_area(phys_addr_t size, phys_addr_t limit, int nid,
			    const char *what)
{
	struct kho_scratch *area = &chosen[nr_chosen];

	if (!size)
		return true;

	size = ALIGN(size, KHO_SCRATCH_ALIGN);
	area->addr = memblock_alloc_range_nid(size, KHO_SCRATCH_ALIGN, 0, limit,
					      nid, true);
	if (!area->addr) {
		pr_warn("no room for %llu MiB of %s scratch memory, disabled; set a smaller kho_scratch=\n",
			(u64)size / SZ_1M, what);
		return false;
	}

	area->size = size;
	/* Its pages are going to be the buddy allocator's. */
	kmemleak_ignore_phys(area->addr);
	nr_chosen++;

	return true;
}

static bool __init add_areas(void)
{
	const struct kho_scratch_param *param = &kho_scratch_param;
	struct scratch_size low, all, node;
	phys_addr_t limit;
	int nid;

	low = size_of_node(MAX_NUMNODES, ARCH_LOW_ADDRESS_LIMIT);
	/* Without low memory nothing asks for it. */
	limit = low.total ? ARCH_LOW_ADDRESS_LIMIT : MEMBLOCK_ALLOC_ACCESSIBLE;
	all = size_of_node(MAX_NUMNODES, PHYS_ADDR_MAX);
	/* What is low has its area already. */
	all.kernel -= low.kernel;

	if (!add_area(area_size(param->low, low, 8), limit, NUMA_NO_NODE,
		      "low") ||
	    !add_area(area_size(param->global, all, 8),
		      MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE, "global"))
		return false;

	for_each_node_state(nid, N_ONLINE) {
		node = size_of_node(nid, PHYS_ADDR_MAX);
		if (!node.total)
			continue;
		if (!add_area(area_size(param->node, node, 4),
			      MEMBLOCK_ALLOC_ACCESSIBLE, nid, "node"))
			return false;
	}

	return true;
}

/**
 * kho_scratch_choose - choose the scratch areas, on a cold boot
 *
 * Context: early boot, while memblock is alive and all that the kernel reserves
 * at boot is reserved.
 * Return: true, or false with a message when there is no room.
 */
bool __init kho_scratch_choose(void)
{
	unsigned int max = 2 + num_node_state(N_ONLINE);

	chosen = memblock_alloc(array_size(max, sizeof(*chosen)), PAGE_SIZE);
	if (!chosen) {
		pr_warn("no memory to describe scratch memory, disabled\n");
		return false;
	}

	if (add_areas()) {
		kho_scratch_set(chosen, nr_chosen);
		return true;
	}

	while (nr_chosen--)
		memblock_phys_free(chosen[nr_chosen].addr,
				   chosen[nr_chosen].size);
	nr_chosen = 0;
	memblock_free(chosen, array_size(max, sizeof(*chosen)));

	return false;
}

/**
 * kho_scratch_reserve - reserve what is left of the areas of the previous kernel
 *
 * Context: when memblock hands over to the buddy allocator.
 * Return: true, or false when memblock has no memory for its array of regions.
 */
bool __init kho_scratch_reserve(void)
{
	const struct kho_scratch *areas;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++)
		if (memblock_reserve_kho(areas[i].addr, areas[i].size))
			return false;

	return true;
}

/**
 * kho_scratch_mark_cma - make the areas of the previous kernel CMA memory
 *
 * Whatever was allocated from them so far stays; what is freed from now on is
 * for movable pages only.
 *
 * Context: early boot, when the struct pages of the areas are initialised, and
 * before any of them is freed. Those of a gigantic page are not: it lies in
 * scratch when it found no other room.
 */
void __init kho_scratch_mark_cma(void)
{
	const struct kho_scratch *areas;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++) {
		unsigned long pfn = PHYS_PFN(areas[i].addr);
		unsigned long end = pfn + PHYS_PFN(areas[i].size);

		for (; pfn < end; pfn += pageblock_nr_pages) {
			struct zone *zone = kho_zone_of(pfn, early_pfn_to_nid(pfn));

			set_pageblock_migratetype(pfn_to_page(pfn), MIGRATE_CMA);
			zone->cma_pages += pageblock_nr_pages;
		}
	}
}

static void __init give_to_buddy(const struct kho_scratch *area)
{
	unsigned long pfn = PHYS_PFN(area->addr);
	unsigned long end = pfn + PHYS_PFN(area->size);

	for (; pfn < end; pfn += pageblock_nr_pages)
		init_cma_reserved_pageblock(pfn_to_page(pfn));
}

/**
 * kho_scratch_init - give freshly chosen areas to the buddy allocator, as CMA
 *
 * Context: an initcall, after deferred initialisation of struct pages.
 */
void __init kho_scratch_init(void)
{
	const struct kho_scratch *areas;
	unsigned int i, nr;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++) {
		totalcma_pages += PHYS_PFN(areas[i].size);
		if (!is_kho_boot())
			give_to_buddy(&areas[i]);
	}
}
