// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): keeps areas of reserve_mem= over kexec.
 *
 * Each area is preserved as long as the kernel runs, and described in a subtree.
 * The next kernel, asked for an area of the same name, size and alignment, finds
 * it where it was. Any other that came in becomes free memory, except when what
 * is said of it cannot be true: then it is not known what would be freed.
 *
 * Parameters are parsed while memblock is alive: what is preserved is reserved
 * then, but not marked (the order of the boot is in a table in
 * Documentation/core-api/kho/internals.rst). An area that is claimed becomes
 * memblock's own, like a fresh one, and its marks are removed as soon as they are
 * there.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: reserve_mem: " fmt

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_early.h>
#include <linux/libfdt.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include <linux/kho/abi/memblock.h>

#include "kho_internal.h"

/* Room for the FDT, of which an area with a name of 15 bytes takes 92. */
#define FDT_SIZE	PAGE_ALIGN(SZ_256 + RESERVE_MEM_MAX_ENTRIES * SZ_128)

/* An FDT larger than this is taken for damaged. */
#define FDT_MAX_SIZE	SZ_64K

static_assert(KHO_LEFT_OUT_MAX >= RESERVE_MEM_MAX_ENTRIES);

/* This kernel's areas. */
static struct kho_reserve_area areas[RESERVE_MEM_MAX_ENTRIES] __initdata;
static unsigned int nr_areas __initdata;

/* What came in; @fdt is NULL when nothing did, or nothing usable. */
static struct {
	const void *fdt;
	u64 phys;
	u64 size;
} incoming __initdata;

/**
 * kho_reserve_mem_check - check an FDT of areas as a whole
 * @fdt: the FDT
 * @len: bytes that may be read
 *
 * Return: NULL, or what is wrong with it.
 */
const char *kho_reserve_mem_check(const void *fdt, u64 len)
{
	if (!kho_fdt_is_sound(fdt, len))
		return "its FDT is damaged";
	if (fdt_node_check_compatible(fdt, 0, KHO_MEMBLOCK_COMPATIBLE))
		return "its FDT is not of format " KHO_MEMBLOCK_COMPATIBLE;

	return NULL;
}

/**
 * kho_reserve_mem_read - read the description of an area
 * @fdt:  an FDT that passed kho_reserve_mem_check()
 * @node: a node below its root
 * @area: set to what is said there, for the caller to check; only @area->name
 *        when there is an error
 *
 * Return: NULL, or what is wrong with the description.
 */
const char *kho_reserve_mem_read(const void *fdt, int node,
				 struct kho_reserve_area *area)
{
	area->name = fdt_get_name(fdt, node, NULL) ?: "";
	if (fdt_node_check_compatible(fdt, node, KHO_RESERVE_MEM_COMPATIBLE))
		return "it is not of format " KHO_RESERVE_MEM_COMPATIBLE;
	if (kho_fdt_get_u64(fdt, node, KHO_RESERVE_MEM_START_PROP_NAME,
			    &area->start) ||
	    kho_fdt_get_u64(fdt, node, KHO_RESERVE_MEM_SIZE_PROP_NAME,
			    &area->size))
		return "it is described without address or size";

	return NULL;
}

static int write_area(void *fdt, const struct kho_reserve_area *area)
{
	return fdt_begin_node(fdt, area->name) ?:
	       fdt_property_string(fdt, "compatible",
				   KHO_RESERVE_MEM_COMPATIBLE) ?:
	       fdt_property(fdt, KHO_RESERVE_MEM_START_PROP_NAME, &area->start,
			    sizeof(area->start)) ?:
	       fdt_property(fdt, KHO_RESERVE_MEM_SIZE_PROP_NAME, &area->size,
			    sizeof(area->size)) ?:
	       fdt_end_node(fdt);
}

/**
 * kho_reserve_mem_write - describe areas in an FDT
 * @fdt:   where to
 * @len:   bytes there
 * @areas: the areas
 * @nr:    how many
 *
 * Names need not be those that a tree of devices can have: only nodes written
 * in sequence may be called "a" and "a@b".
 *
 * Return: 0, or -ENOSPC when there is not enough room.
 */
int kho_reserve_mem_write(void *fdt, size_t len,
			  const struct kho_reserve_area *areas, unsigned int nr)
{
	unsigned int i;
	int err;

	err = fdt_create(fdt, len) ?:
	      fdt_finish_reservemap(fdt) ?:
	      fdt_begin_node(fdt, "") ?:
	      fdt_property_string(fdt, "compatible", KHO_MEMBLOCK_COMPATIBLE);
	for (i = 0; !err && i < nr; i++)
		err = write_area(fdt, &areas[i]);
	if (!err)
		err = fdt_end_node(fdt) ?: fdt_finish(fdt);

	return err ? -ENOSPC : 0;
}

static const char * __init check_blob(u64 phys, u64 size)
{
	if (size > FDT_MAX_SIZE || !kho_readable_early(phys, size))
		return "its FDT was not preserved, or its memory has failed";

	return kho_reserve_mem_check(phys_to_virt(phys), size);
}

/* See which areas came in. */
static void __init receive_areas(void)
{
	const char *fault;
	u64 phys, size;
	int err;

	err = kho_find_subtree(KHO_MEMBLOCK_NODE_NAME, &phys, &size);
	if (err == -ENOENT)
		return;

	fault = err ? "its subtree is malformed" : check_blob(phys, size);
	if (fault) {
		pr_warn("no area of the previous kernel is used, their memory stays reserved until the next reboot: %s\n",
			fault);
		return;
	}

	incoming.fdt = phys_to_virt(phys);
	incoming.phys = phys;
	incoming.size = size;
}

static bool __init overlaps(const struct kho_reserve_area *area, u64 start,
			    u64 size)
{
	return memblock_addrs_overlap(area->start, area->size, start, size);
}

/*
 * Of areas that overlap, at least one is described falsely, and nothing tells
 * which: neither is used. One that was not preserved does no harm to others.
 */
static bool __init overlaps_another(int node,
				    const struct kho_reserve_area *area)
{
	struct kho_reserve_area other;
	int i;

	fdt_for_each_subnode(i, incoming.fdt, 0)
		if (i != node &&
		    !kho_reserve_mem_read(incoming.fdt, i, &other) &&
		    overlaps(area, other.start, other.size) &&
		    kho_claimable_early(other.start, other.size))
			return true;

	return false;
}

/* Read the description of an area that came in, and check that it can be true. */
static const char * __init read_incoming(int node,
					 struct kho_reserve_area *area)
{
	const char *fault;

	fault = kho_reserve_mem_read(incoming.fdt, node, area);
	if (fault)
		return fault;
	if (!kho_claimable_early(area->start, area->size) ||
	    kho_memmap_overlap(area->start, area->size))
		return "its memory was not preserved";
	if (overlaps(area, incoming.phys, incoming.size) ||
	    overlaps_another(node, area))
		return "its memory is used otherwise as well";

	return NULL;
}

/* For fdt_subnode_offset(), "a@b" has the name "a", too. */
static int __init find_incoming(const char *name)
{
	int node;

	if (!incoming.fdt)
		return -ENOENT;

	fdt_for_each_subnode(node, incoming.fdt, 0)
		if (!strcmp(fdt_get_name(incoming.fdt, node, NULL) ?: "", name))
			return node;

	return -ENOENT;
}

/* Returns NULL, or why the area that is wanted cannot be had. */
static const char * __init try_claim(struct kho_reserve_area *want,
				     u64 align)
{
	struct kho_reserve_area area;
	const char *fault;
	int node;

	node = find_incoming(want->name);
	if (node < 0)
		return "none of that name was handed over";

	fault = read_incoming(node, &area);
	if (fault)
		return fault;
	if (area.size != want->size)
		return "its size was another";
	if (!IS_ALIGNED(area.start, align))
		return "its alignment was another";
	if (!kho_claim_early(area.start, area.size))
		return "memblock cannot reserve it";

	want->start = area.start;

	return NULL;
}

static void __init claim_area(struct kho_reserve_area *want, u64 align)
{
	const char *fault = try_claim(want, align);

	if (fault)
		pr_notice("%s is allocated afresh: %s\n", want->name, fault);
	else
		pr_info("%s is where it was\n", want->name);
}

/**
 * kho_reserve_mem - find memory for an area of reserve_mem=
 * @name:  of the area; must stay where it is
 * @size:  in bytes
 * @align: what the address is to be a multiple of
 * @start: set to the physical address, or to 0 when there is no memory
 *
 * The area is that of the previous kernel if there is one and it agrees. It
 * begins and ends with a page, so that it can be preserved.
 *
 * Context: early boot, while memblock is alive, after kho_memory_init_early();
 * for no more than RESERVE_MEM_MAX_ENTRIES areas.
 * Return: true, or false when KHO is off and the area is not for it to place.
 */
bool __init kho_reserve_mem(const char *name, phys_addr_t size,
			    phys_addr_t align, phys_addr_t *start)
{
	struct kho_reserve_area area = { .name = name, .size = size };

	size = PAGE_ALIGN(size);
	align = PAGE_ALIGN(align);
	/* Zero after an overflow: memblock is going to refuse that. */
	if (!kho_is_enabled() || !size || !align)
		return false;

	if (is_kho_boot())
		claim_area(&area, align);
	if (!area.start)
		area.start = memblock_phys_alloc(size, align);

	*start = area.start;
	if (*start) {
		areas[nr_areas++] = area;
		kho_scratch_leave_out(area.start, size);
	}

	return true;
}

static bool __init is_claimed(const struct kho_reserve_area *area)
{
	unsigned int i;

	for (i = 0; i < nr_areas; i++)
		if (areas[i].start == area->start &&
		    areas[i].size == area->size)
			return true;

	return false;
}

/* The tree is still read, and its nodes are freed when it is not any more. */
static bool __init has_tree_node(const struct kho_reserve_area *area)
{
	const unsigned long *pfns;
	unsigned long nr;

	pfns = kho_tree_nodes(PHYS_PFN(area->start), &nr);

	return nr && PFN_PHYS(*pfns) < area->start + area->size;
}

/* What was claimed is memblock's, and nobody else can restore it. */
static void __init release_area(int node)
{
	struct kho_reserve_area area = {};
	const char *fault;
	struct page *page;
	u64 nr_pages;

	fault = read_incoming(node, &area);
	if (fault && is_claimed(&area))
		return;
	if (!fault && has_tree_node(&area))
		fault = "the tree of preserved memory leads into it";

	nr_pages = PHYS_PFN(PAGE_ALIGN(area.size));
	page = fault ? NULL : kho_restore_pages(area.start, nr_pages);
	if (!page) {
		pr_warn("%s of the previous kernel stays reserved until the next reboot: %s\n",
			area.name, fault ?: "others use it");
		return;
	}

	pr_info("%s of the previous kernel is freed, %llu bytes at %#llx\n",
		area.name, area.size, area.start);
	while (nr_pages--) {
		__free_page(page++);
		cond_resched();
	}
}

/* Release what came in and was not claimed. */
static void __init release_areas(void)
{
	int node;

	if (!incoming.fdt)
		return;

	fdt_for_each_subnode(node, incoming.fdt, 0)
		release_area(node);
}

KHO_EARLY_CLIENT(reserve_mem, receive_areas, release_areas);

static const char * __init preserve_area(const struct kho_reserve_area *area)
{
	u64 size = PAGE_ALIGN(area->size);

	if (kho_scratch_overlap(area->start, size))
		return "no memory was left for it but scratch memory, boot cold to give it other";
	if (kho_preserve_pages(pfn_to_page(PHYS_PFN(area->start)),
			       PHYS_PFN(size)))
		return "memory is short";

	return NULL;
}

/* Drop the areas that cannot be preserved. */
static void __init preserve_areas(void)
{
	unsigned int i, nr = 0;
	const char *fault;

	for (i = 0; i < nr_areas; i++) {
		fault = preserve_area(&areas[i]);
		if (fault) {
			pr_err("%s will not survive a kexec: %s\n",
			       areas[i].name, fault);
			continue;
		}
		pr_info("%s at %#llx survives kexec, %llu bytes\n",
			areas[i].name, areas[i].start, areas[i].size);
		areas[nr++] = areas[i];
	}

	nr_areas = nr;
}

static void __init unpreserve_areas(void)
{
	unsigned int i;

	for (i = 0; i < nr_areas; i++)
		kho_unpreserve_pages(pfn_to_page(PHYS_PFN(areas[i].start)),
				     PHYS_PFN(PAGE_ALIGN(areas[i].size)));
}

static int __init hand_on_areas(void)
{
	void *fdt;
	int err;

	fdt = kho_alloc_preserve(FDT_SIZE);
	if (IS_ERR(fdt))
		return PTR_ERR(fdt);

	err = kho_reserve_mem_write(fdt, FDT_SIZE, areas, nr_areas);
	if (!err)
		err = kho_add_subtree(KHO_MEMBLOCK_NODE_NAME, fdt,
				      fdt_totalsize(fdt));
	if (err)
		kho_unpreserve_free(fdt);

	return err;
}

static int __init kho_reserve_mem_init(void)
{
	int err;

	if (!kho_is_enabled())
		return 0;

	preserve_areas();
	if (!nr_areas)
		return 0;

	err = hand_on_areas();
	if (err) {
		unpreserve_areas();
		pr_err("no area will survive a kexec, cannot describe them: %d\n",
		       err);
	}

	return 0;
}
subsys_initcall(kho_reserve_mem_init);

/* A late_initcall, since debugfs copies the blob in an earlier one. */
static int __init kho_reserve_mem_cleanup(void)
{
	if (incoming.fdt)
		kho_restore_free(phys_to_virt(incoming.phys));

	return 0;
}
late_initcall(kho_reserve_mem_cleanup);
