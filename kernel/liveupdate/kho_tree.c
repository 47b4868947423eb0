// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the tree of preserved memory that the previous kernel
 * handed over: checking it as a whole, the list of its nodes, and what early
 * boot asks of it.
 *
 * What cannot be memory that was preserved is left out, for one flipped bit must
 * not cost everything. The tree is not repaired: a damaged one may share nodes
 * with itself.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kmemleak.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/sort.h>

#include "kho_internal.h"

/*
 * With more entries of the tree that cannot be right, which is what one damaged
 * word may lead to, nothing of it can be trusted.
 */
#define KHO_DAMAGE_MAX		BITS_PER_LONG

/* The orders of the preserved blocks, one bit each. */
static u64 orders __initdata;

/*
 * The frame numbers of the tree's nodes, ascending. The previous kernel did not
 * preserve them, and they are read until all pages are sorted.
 */
static struct {
	unsigned long *pfns;
	unsigned long nr;
} nodes __initdata;

/*
 * A tree of all memory has a leaf for each 2^KHO_TREE_BITMAP_LOG2 blocks of each
 * order, and no more tables than leaves on each level above.
 */
static unsigned long __init max_nodes(void)
{
	unsigned long pages = PHYS_PFN(memblock_end_of_DRAM());
	unsigned long leaves = 2 * (pages >> KHO_TREE_BITMAP_LOG2) +
			       2 * KHO_TREE_KEY_WIDTH;

	return leaves * KHO_TREE_DEPTH;
}

static bool __init node_ok(phys_addr_t phys, void *data)
{
	unsigned long *nodes_left = data;

	/* A damaged tree may have a loop. */
	if (!*nodes_left)
		return false;
	--*nodes_left;

	return kho_may_be_preserved(phys, PAGE_SIZE);
}

static bool __init take_node(phys_addr_t phys, void *data)
{
	if (!node_ok(phys, data))
		return false;

	kho_granules_mark(phys, PAGE_SIZE);
	kho_takeover.nodes++;

	return true;
}

/* Most isolated pages need no look at each reserved region. */
static bool __init is_reserved(phys_addr_t start, phys_addr_t size)
{
	if (size == PAGE_SIZE)
		return memblock_is_reserved(start);

	return memblock_is_region_reserved(start, size);
}

static int __init take_run(phys_addr_t start, unsigned long nr_blocks,
			   unsigned int order, void *data)
{
	phys_addr_t size;

	if (check_mul_overflow(nr_blocks, PAGE_SIZE << order, &size) ||
	    !kho_may_be_preserved(start, size) || is_reserved(start, size))
		return -EINVAL;

	kho_granules_mark(start, size);
	orders |= BIT_ULL(order);
	kho_takeover.preserved += size;

	return 0;
}

/* What a chunk spans, from its first block to its last one. */
static void __init chunk_span(phys_addr_t start, unsigned int order,
			      const unsigned long *bitmap,
			      phys_addr_t *span_start, phys_addr_t *span_size)
{
	unsigned long first = find_first_bit(bitmap, KHO_RADIX_CHUNK);
	unsigned long last = find_last_bit(bitmap, KHO_RADIX_CHUNK);

	*span_start = start + (first << (PAGE_SHIFT + order));
	*span_size = (last - first + 1) << (PAGE_SHIFT + order);
}

/* Most often all that lies between may be preserved, too. */
static bool __init take_chunk(phys_addr_t start, unsigned int order,
			      const unsigned long *bitmap, void *data)
{
	const unsigned int shift = PAGE_SHIFT + order;
	phys_addr_t span_start, span_size;
	unsigned long bit, end;

	chunk_span(start, order, bitmap, &span_start, &span_size);
	if (!kho_may_be_preserved(span_start, span_size) ||
	    memblock_is_region_reserved(span_start, span_size))
		return false;

	if (span_size <= kho_granule_size())
		kho_granules_mark(span_start, span_size);
	else
		for_each_set_bitrange(bit, end, bitmap, KHO_RADIX_CHUNK)
			kho_granules_mark(start + (bit << shift),
					  (end - bit) << shift);
	orders |= BIT_ULL(order);
	kho_takeover.preserved +=
		(u64)bitmap_weight(bitmap, KHO_RADIX_CHUNK) << shift;

	return true;
}

static const struct kho_radix_run_cb take_cb __initconst = {
	.node_ok = take_node,
	.run = take_run,
	.chunk = take_chunk,
};

/**
 * kho_tree_take - check the tree, and mark the granules of what is preserved
 *
 * The nodes of the tree are marked like what is preserved.
 *
 * Context: early boot, after kho_granules_alloc(), when firmware's memory is
 * reserved.
 * Return: NULL, or what is wrong with the tree. Entries that cannot be right are
 * left out, with a message, unless they are too many.
 */
const char * __init kho_tree_take(void)
{
	unsigned long nodes_left = max_nodes();
	long damaged;

	damaged = kho_radix_walk_runs(kho_in.tree, &take_cb, &nodes_left);
	if (damaged < 0 || damaged > KHO_DAMAGE_MAX || !nodes_left)
		return "the tree of preserved memory is damaged";

	if (damaged)
		pr_warn("the tree of preserved memory is damaged, %ld entries are ignored; what they described is lost\n",
			damaged);
	kho_takeover.damaged |= damaged > 0;

	return NULL;
}

static bool __init list_node(phys_addr_t phys, void *data)
{
	if (!node_ok(phys, data) || nodes.nr == kho_takeover.nodes)
		return false;

	nodes.pfns[nodes.nr++] = PHYS_PFN(phys);

	return true;
}

static int __init skip_run(phys_addr_t start, unsigned long nr_blocks,
			   unsigned int order, void *data)
{
	return 0;
}

static bool __init skip_chunk(phys_addr_t start, unsigned int order,
			      const unsigned long *bitmap, void *data)
{
	return true;
}

static const struct kho_radix_run_cb list_cb __initconst = {
	.node_ok = list_node,
	.run = skip_run,
	.chunk = skip_chunk,
};

static int __init compare_pfns(const void *a, const void *b)
{
	const unsigned long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* kho_tree_take() counted them. Whole pages, which kho_tree_free() frees. */
static size_t __init list_size(void)
{
	return PAGE_ALIGN(array_size(kho_takeover.nodes, sizeof(*nodes.pfns)));
}

/**
 * kho_tree_list_nodes - list the nodes of the tree, for kho_tree_nodes()
 *
 * Context: early boot, after kho_tree_take().
 * Return: true, or false when there is no memory.
 */
bool __init kho_tree_list_nodes(void)
{
	unsigned long nodes_left = max_nodes();

	nodes.pfns = memblock_alloc(list_size(), PAGE_SIZE);
	if (!nodes.pfns)
		return false;

	kho_radix_walk_runs(kho_in.tree, &list_cb, &nodes_left);
	sort(nodes.pfns, nodes.nr, sizeof(*nodes.pfns), compare_pfns, NULL);

	return true;
}

/**
 * kho_tree_drop - free the list of nodes of a handover that is not usable
 *
 * Context: early boot.
 */
void __init kho_tree_drop(void)
{
	if (nodes.pfns)
		memblock_free(nodes.pfns, list_size());
}

/**
 * kho_tree_free - free the list of nodes: the tree will not be read any more
 *
 * Context: when kho_memory_release_late() ends.
 */
void __init kho_tree_free(void)
{
	struct page *page = virt_to_page(nodes.pfns);
	unsigned long nr = PHYS_PFN(list_size());

	/* Not memblock_free_late(), which leaves out what was deferred before. */
	kmemleak_free_part_phys(__pa(nodes.pfns), list_size());
	while (nr--)
		free_reserved_page(page++);
	nodes.nr = 0;
}

/**
 * kho_tree_nodes - where the nodes of the tree of preserved memory are
 * @pfn: the first frame number of interest
 * @nr:  set to the number of nodes from there on
 *
 * Context: boot, after kho_tree_list_nodes(), before kho_tree_free().
 * Return: the frame numbers of these nodes, ascending. A damaged tree may have a
 * node twice.
 */
const unsigned long * __init kho_tree_nodes(unsigned long pfn, unsigned long *nr)
{
	unsigned long low = 0, high = nodes.nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (nodes.pfns[middle] < pfn)
			low = middle + 1;
		else
			high = middle;
	}
	*nr = nodes.nr - low;

	return nodes.pfns + low;
}

static const struct kho_radix_run_cb read_cb __initconst = {
	.node_ok = node_ok,
};

/**
 * kho_tree_bits - which blocks of memory are preserved?
 * @phys:  physical address of one
 * @order: of all of them
 * @bit:   set to the bit that stands for the one at @phys
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: a bitmap in which the bits before and after @bit stand for the blocks
 * before and after, as far as the naturally aligned KHO_TREE_BITMAP_BITS of them
 * reach; NULL when none of these is preserved.
 */
const unsigned long * __init kho_tree_bits(phys_addr_t phys, unsigned int order,
					   unsigned long *bit)
{
	unsigned long nodes_left = KHO_TREE_DEPTH + 1;

	return kho_radix_handed_over(kho_in.tree,
				     kho_radix_encode_key(phys, order),
				     &read_cb, &nodes_left, bit);
}

/**
 * kho_tree_orders - of which orders are preserved blocks?
 *
 * Context: boot, after kho_tree_take().
 * Return: a bit for each order that there is.
 */
u64 __init kho_tree_orders(void)
{
	return orders;
}

static bool __init has_block(phys_addr_t phys, unsigned int order)
{
	const unsigned long *bits;
	unsigned long bit;

	bits = kho_tree_bits(phys, order, &bit);

	return bits && test_bit(bit, bits);
}

/* Are there blocks of a lower order in a block? */
static bool __init has_blocks_in(phys_addr_t phys, unsigned int order,
				 unsigned int lower)
{
	const phys_addr_t end = phys + (PAGE_SIZE << order);
	const unsigned long *bits;
	unsigned long bit, nr;

	for (; phys < end; phys += (phys_addr_t)nr << (PAGE_SHIFT + lower)) {
		nr = min(1UL << (order - lower), KHO_TREE_BITMAP_BITS);
		bits = kho_tree_bits(phys, lower, &bit);
		if (bits && find_next_bit(bits, bit + nr, bit) < bit + nr)
			return true;
	}
	return false;
}

/**
 * kho_tree_has_only - is a block preserved, and no other that overlaps it?
 * @phys:  its physical address, aligned to its size
 * @order: its order
 *
 * A damaged tree may describe blocks within each other.
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: whether it is.
 */
bool __init kho_tree_has_only(phys_addr_t phys, unsigned int order)
{
	u64 left = orders & ~BIT_ULL(order);
	unsigned int other;

	if (left == orders || !has_block(phys, order))
		return false;
	for (; left; left ^= BIT_ULL(other)) {
		other = __fls(left);
		if (other < order ? has_blocks_in(phys, order, other) :
		    has_block(round_down(phys, (phys_addr_t)PAGE_SIZE << other),
			      other))
			return false;
	}

	return true;
}

/**
 * kho_tree_has_page - is a page in a preserved block?
 * @phys: its physical address
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: whether it is.
 */
bool __init kho_tree_has_page(phys_addr_t phys)
{
	unsigned int order;
	u64 left = orders;

	for (; left; left ^= BIT_ULL(order)) {
		order = __fls(left);
		if (has_block(round_down(phys, (phys_addr_t)PAGE_SIZE << order),
			      order))
			return true;
	}

	return false;
}

/* Do preserved blocks cover [pfn, end) exactly? */
static bool __init has_range(unsigned long pfn, unsigned long end)
{
	unsigned int order;

	for (; pfn < end; pfn += 1UL << order) {
		order = min(__ffs(pfn), __fls(end - pfn));
		while (!has_block(PFN_PHYS(pfn), order))
			if (!order--)
				return false;
	}

	return true;
}

/* Is all that is reserved in a range only taken over, and not claimed? */
static bool __init is_unclaimed(phys_addr_t phys, u64 size)
{
	struct memblock_region *r;

	for_each_reserved_mem_region(r)
		if (memblock_addrs_overlap(phys, size, r->base, r->size) &&
		    !(r->flags & MEMBLOCK_RSRV_KHO))
			return false;

	return true;
}

/**
 * kho_claimable_early - can a range be claimed with kho_claim_early()?
 * @phys: physical address of the range, any number
 * @size: its size in bytes, any number
 *
 * Context: early boot, when kho_memory_init_early() has found the handover
 * usable, until memblock is gone.
 * Return: true if the range is that of whole preserved blocks, page by page, and
 * is outside of scratch, and this kernel did not reserve any of it.
 */
bool __init kho_claimable_early(phys_addr_t phys, u64 size)
{
	u64 bytes = PAGE_ALIGN(size);

	return phys && kho_may_be_preserved(phys, bytes) &&
	       is_unclaimed(phys, bytes) &&
	       has_range(PHYS_PFN(phys), PHYS_PFN(phys + bytes));
}

/**
 * kho_claim_early - claim a preserved range
 * @phys: its physical address
 * @size: its size in bytes; kho_claimable_early() is true for it
 *
 * The range then is like one that memblock allocated.
 *
 * Context: early boot, after kho_memory_init_early() and before
 * kho_memory_release().
 * Return: true, or false when memblock has no memory for its array of regions.
 */
bool __init kho_claim_early(phys_addr_t phys, u64 size)
{
	u64 bytes = PAGE_ALIGN(size);

	return !memblock_reserve(phys, bytes) && !is_unclaimed(phys, bytes);
}
