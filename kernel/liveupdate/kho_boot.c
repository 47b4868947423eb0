// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): taking over from the previous kernel.
 *
 * This goes in two steps, neither of which trusts what was handed in:
 *
 *  - kho_populate() looks at the root FDT and at the scratch areas. From then
 *    on memblock allocates from scratch alone.
 *  - kho_memory_init_early() walks the tree of preserved memory and reserves,
 *    in memblock, each large block of memory in which anything is preserved.
 *    Block by block, because memblock takes time quadratic in the number of
 *    reserved ranges. From then on memblock allocates from anywhere, but from
 *    scratch last, to leave that to the next kexec image.
 *
 * If one of them finds the handover unusable, it says so and the kernel goes on
 * as from a cold boot. What is reserved so is sorted out later, in kho_sort.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bitmap.h>
#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kmemleak.h>
#include <linux/kstrtox.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sizes.h>
#include <linux/sort.h>

#include <trace/events/kho.h>

#include <asm/early_ioremap.h>
#include <asm/sections.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* A scratch array larger than this is taken for damaged. */
#define KHO_SCRATCH_ARRAY_MAX	((2 + MAX_NUMNODES) * sizeof(struct kho_scratch))

/*
 * With more entries of the tree that cannot be right, which is what one damaged
 * word may lead to, nothing of it can be trusted.
 */
#define KHO_DAMAGE_MAX		BITS_PER_LONG

/* The map of blocks in which something is preserved has at most so many bits. */
#define KHO_BLOCKS_MAX		BIT(15)

/* A region of RAM: where it is, its first block, and the blocks up to its end. */
struct ram {
	phys_addr_t start;
	phys_addr_t end;
	unsigned long block;
	unsigned long nr;
};

bool kho_enabled __ro_after_init =
	IS_ENABLED(CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT);

/* What came in; @fdt is 0 when nothing did, or nothing usable. */
static struct {
	phys_addr_t fdt;
	phys_addr_t tree;
	phys_addr_t scratch;
	unsigned int nr_scratch;
} kho_in __ro_after_init;

/*
 * Blocks of memory, naturally aligned, in which something is preserved. They are
 * numbered in the order of their addresses, without those in which there is no
 * RAM: a machine may have little of it and that far apart.
 */
static struct {
	unsigned long *map;
	unsigned long nr;
	unsigned int shift;
	/* Where the last range that was marked lies. */
	struct ram last;
} kho_blocks __initdata;

/* What came of taking over, for the trace event; sizes in bytes. */
static struct {
	unsigned long nodes;
	u64 preserved;
	u64 reserved;
} kho_takeover __initdata;

/* The orders of the preserved blocks, one bit each. */
static u64 kho_orders __initdata;

/*
 * The frame numbers of the tree's nodes, ascending. Nobody preserved them, and
 * they are read until all blocks are sorted out.
 */
static struct {
	unsigned long *pfns;
	unsigned long nr;
} kho_nodes __initdata;

static int __init early_kho(char *p)
{
	return kstrtobool(p ?: "on", &kho_enabled);
}
early_param("kho", early_kho);

/**
 * is_kho_boot - did this kernel receive a usable handover?
 *
 * Context: any, once kho_populate() ran; what it says may change from true to
 * false until kho_memory_init_early() ran.
 * Return: whether it did.
 */
bool is_kho_boot(void)
{
	return kho_in.fdt;
}
EXPORT_SYMBOL_GPL(is_kho_boot);

/**
 * kho_incoming_fdt - the root FDT that was handed in
 *
 * Return: the FDT, or NULL when there is none.
 */
const void *kho_incoming_fdt(void)
{
	return kho_in.fdt ? phys_to_virt(kho_in.fdt) : NULL;
}

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
static bool __init is_ram(phys_addr_t phys, u64 size)
{
	phys_addr_t end;

	return size && PAGE_ALIGNED(phys) &&
	       !check_add_overflow(phys, size, &end) &&
	       ((memblock_is_map_memory(phys) &&
		 memblock_is_region_memory(phys, size)) ||
		is_split_ram(phys, end));
}

/* Is it memory that the previous kernel may have preserved? */
static bool __init may_be_preserved(phys_addr_t phys, u64 size)
{
	return is_ram(phys, size) && !kho_scratch_overlap(phys, size);
}

static const char * __init check_incoming_fdt(phys_addr_t phys, u64 len)
{
	const char *fault = NULL;
	void *fdt;

	if (len != KHO_FDT_SIZE)
		return "the root FDT is not one page of this kernel's page size";
	if (!is_ram(phys, len))
		return "the root FDT is not in RAM";

	fdt = early_memremap(phys, len);
	if (!fdt)
		return "the root FDT cannot be mapped";

	switch (kho_check_fdt(fdt, len, &kho_in.tree)) {
	case 0:
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

static const char * __init
check_kernel_place(const struct kho_scratch *areas, unsigned int nr)
{
	phys_addr_t start = __pa_symbol(_text), end = __pa_symbol(_end);
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (start >= areas[i].addr &&
		    end <= areas[i].addr + areas[i].size)
			return NULL;

	return "this kernel is not in scratch memory and may have overwritten what was preserved";
}

/* The array may lie anywhere in a page: on x86 it is part of the setup_data. */
static bool __init array_is_ram(phys_addr_t phys, u64 len)
{
	const unsigned int offset = offset_in_page(phys);

	return len && len <= KHO_SCRATCH_ARRAY_MAX &&
	       IS_ALIGNED(len, sizeof(struct kho_scratch)) &&
	       IS_ALIGNED(phys, __alignof__(struct kho_scratch)) &&
	       is_ram(phys - offset, PAGE_ALIGN(offset + len));
}

static const char * __init check_incoming_scratch(phys_addr_t phys, u64 len,
						  phys_addr_t fdt_phys)
{
	struct kho_scratch *areas;
	const char *fault;
	unsigned int i, nr;

	if (!array_is_ram(phys, len))
		return "the array of scratch areas is not in RAM";

	areas = early_memremap(phys, len);
	if (!areas)
		return "the array of scratch areas cannot be mapped";

	nr = kho_scratch_compact(areas, len / sizeof(*areas));
	if (!kho_scratch_check(areas, nr))
		fault = "a scratch area is not RAM";
	else
		fault = check_kernel_place(areas, nr);

	for (i = 0; !fault && i < nr; i++)
		if (memblock_addrs_overlap(fdt_phys, KHO_FDT_SIZE,
					   areas[i].addr, areas[i].size))
			fault = "the root FDT is in scratch memory";

	for (i = 0; !fault && i < nr; i++)
		memblock_mark_kho_scratch(areas[i].addr, areas[i].size);
	early_memunmap(areas, len);
	kho_in.scratch = phys;
	kho_in.nr_scratch = nr;

	return fault;
}

static void __init refuse(const char *fault)
{
	pr_warn("handover not usable, going on as from a cold boot: %s\n",
		fault);
}

/**
 * kho_populate - take a handover up
 * @fdt_phys:     physical address of the root FDT, 0 for no handover
 * @fdt_len:      its length in bytes
 * @scratch_phys: physical address of the array of scratch areas
 * @scratch_len:  its length in bytes
 *
 * Context: called by architecture code once, when memblock knows all RAM and
 * has not been asked for any, and early parameters are parsed.
 */
void __init kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
			 phys_addr_t scratch_phys, u64 scratch_len)
{
	const char *fault;

	if (!fdt_phys && !scratch_phys)
		return;

	kho_timeline_mark(KHO_TAKEOVER);
	if (is_kdump_kernel())
		return refuse("this is a crash kernel");
	if (!kho_enabled)
		return refuse("it is switched off, boot with kho=on to use it");
	if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT))
		return refuse("this kernel encrypts memory, boot with mem_encrypt=off to use it");

	fault = check_incoming_fdt(fdt_phys, fdt_len);
	if (!fault)
		fault = check_incoming_scratch(scratch_phys, scratch_len,
					       fdt_phys);
	if (fault)
		return refuse(fault);

	memblock_reserve(scratch_phys, scratch_len);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_ONLY);
	kho_in.fdt = fdt_phys;
	kho_poison_receive(fdt_phys);
}

/* Nothing preserved is in scratch, nor in memory that is not mapped. */
static bool __init has_blocks(const struct memblock_region *r)
{
	return !(r->flags & (MEMBLOCK_NOMAP | MEMBLOCK_KHO_SCRATCH));
}

/* The next region of RAM, in a walk that begins with a @ram of zeroes. */
static bool __init next_ram(const struct memblock_region **r, struct ram *ram)
{
	const struct memblock_region *end = memblock.memory.regions +
					    memblock.memory.cnt;
	const unsigned int shift = kho_blocks.shift;
	unsigned long first, last;

	*r = *r ? *r + 1 : memblock.memory.regions;
	while (*r < end && !has_blocks(*r))
		++*r;
	if (*r == end)
		return false;

	first = (*r)->base >> shift;
	last = ((*r)->base + (*r)->size - 1) >> shift;
	/* It may begin in the block in which the one before ends. */
	if (ram->end && (ram->end - 1) >> shift == first)
		ram->nr--;
	*ram = (struct ram) {
		.start = (*r)->base,
		.end = (*r)->base + (*r)->size,
		.block = ram->nr,
		.nr = ram->nr + last - first + 1,
	};

	return true;
}

/* The number of the block in which an address lies. */
static unsigned long __init block_of(const struct ram *ram, phys_addr_t phys)
{
	return ram->block + (phys >> kho_blocks.shift) -
	       (ram->start >> kho_blocks.shift);
}

static phys_addr_t __init start_of(const struct ram *ram, unsigned long block)
{
	return ((ram->start >> kho_blocks.shift) + block - ram->block) <<
	       kho_blocks.shift;
}

static void __init mark_blocks_in(const struct ram *ram, phys_addr_t start,
				  phys_addr_t end)
{
	unsigned long first = block_of(ram, max(start, ram->start));
	unsigned long last = block_of(ram, min(end, ram->end) - 1);

	bitmap_set(kho_blocks.map, first, last - first + 1);
}

/* Most often the range is near the one before. */
static void __init mark_blocks(phys_addr_t start, phys_addr_t size)
{
	const phys_addr_t end = start + size;
	const struct memblock_region *r = NULL;
	struct ram ram = {};

	if (start >= kho_blocks.last.start && end <= kho_blocks.last.end)
		return mark_blocks_in(&kho_blocks.last, start, end);

	while (next_ram(&r, &ram)) {
		if (ram.end <= start)
			continue;
		if (ram.start >= end)
			break;
		mark_blocks_in(&ram, start, end);
		kho_blocks.last = ram;
	}
}

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

/*
 * What cannot be memory that was preserved is left out, for one flipped bit must
 * not cost everything. The tree is not repaired: a damaged one may share nodes
 * with itself.
 */
static bool __init node_ok(phys_addr_t phys, void *data)
{
	unsigned long *nodes_left = data;

	/* It may seem endless, too. */
	if (!*nodes_left)
		return false;
	--*nodes_left;

	return may_be_preserved(phys, PAGE_SIZE);
}

static bool __init take_node(phys_addr_t phys, void *data)
{
	if (!node_ok(phys, data))
		return false;

	mark_blocks(phys, PAGE_SIZE);
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
	    !may_be_preserved(start, size) || is_reserved(start, size))
		return -EINVAL;

	mark_blocks(start, size);
	kho_orders |= BIT_ULL(order);
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
	if (!may_be_preserved(span_start, span_size) ||
	    memblock_is_region_reserved(span_start, span_size))
		return false;

	if (span_size <= 1UL << kho_blocks.shift)
		mark_blocks(span_start, span_size);
	else
		for_each_set_bitrange(bit, end, bitmap, KHO_RADIX_CHUNK)
			mark_blocks(start + (bit << shift),
				    (end - bit) << shift);
	kho_orders |= BIT_ULL(order);
	kho_takeover.preserved +=
		(u64)bitmap_weight(bitmap, KHO_RADIX_CHUNK) << shift;

	return true;
}

static const struct kho_radix_run_cb take_cb __initconst = {
	.node_ok = take_node,
	.run = take_run,
	.chunk = take_chunk,
};

static const char * __init check_tree(void)
{
	unsigned long nodes_left = max_nodes();
	long damaged;

	damaged = kho_radix_walk_runs(kho_in.tree, &take_cb, &nodes_left);
	if (damaged < 0 || damaged > KHO_DAMAGE_MAX || !nodes_left)
		return "the tree of preserved memory is damaged";

	if (damaged)
		pr_warn("the tree of preserved memory is damaged, %ld entries are ignored; what they described is lost\n",
			damaged);

	return NULL;
}

static bool __init note_node(phys_addr_t phys, void *data)
{
	if (!node_ok(phys, data) || kho_nodes.nr == kho_takeover.nodes)
		return false;

	kho_nodes.pfns[kho_nodes.nr++] = PHYS_PFN(phys);

	return true;
}

static int __init note_no_run(phys_addr_t start, unsigned long nr_blocks,
			      unsigned int order, void *data)
{
	return 0;
}

static bool __init note_no_chunk(phys_addr_t start, unsigned int order,
				 const unsigned long *bitmap, void *data)
{
	return true;
}

static const struct kho_radix_run_cb note_cb __initconst = {
	.node_ok = note_node,
	.run = note_no_run,
	.chunk = note_no_chunk,
};

static int __init compare_pfns(const void *a, const void *b)
{
	const unsigned long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* check_tree() counted them. Whole pages, which kho_forget_tree() frees. */
static size_t __init nodes_size(void)
{
	return PAGE_ALIGN(array_size(kho_takeover.nodes,
				     sizeof(*kho_nodes.pfns)));
}

static bool __init note_nodes(void)
{
	unsigned long nodes_left = max_nodes();

	kho_nodes.pfns = memblock_alloc(nodes_size(), PAGE_SIZE);
	if (!kho_nodes.pfns)
		return false;

	kho_radix_walk_runs(kho_in.tree, &note_cb, &nodes_left);
	sort(kho_nodes.pfns, kho_nodes.nr, sizeof(*kho_nodes.pfns),
	     compare_pfns, NULL);

	return true;
}

static unsigned long __init count_blocks(void)
{
	const struct memblock_region *r = NULL;
	struct ram ram = {};

	while (next_ram(&r, &ram))
		;

	return ram.nr;
}

/* Blocks are the buddy's largest, or larger on a machine of many of those. */
static bool __init alloc_block_map(void)
{
	kho_blocks.shift = PAGE_SHIFT + MAX_PAGE_ORDER;
	while (count_blocks() > KHO_BLOCKS_MAX)
		kho_blocks.shift++;

	kho_blocks.nr = count_blocks();
	kho_blocks.map = memblock_alloc(bitmap_size(kho_blocks.nr),
					SMP_CACHE_BYTES);

	return kho_blocks.map;
}

/* Reserve the blocks of a region, as far as they are in it. */
static int __init reserve_blocks_in(const struct ram *ram)
{
	unsigned long block = ram->block, end_block;

	for_each_set_bitrange_from(block, end_block, kho_blocks.map, ram->nr) {
		phys_addr_t start = max(start_of(ram, block), ram->start);
		phys_addr_t end = min(start_of(ram, end_block), ram->end);
		int err;

		err = memblock_reserve_kho(start, end - start);
		if (err)
			return err;
		kho_takeover.reserved += end - start;
	}

	return 0;
}

static bool __init reserve_blocks(void)
{
	const struct memblock_region *r = NULL;
	struct ram ram = {};

	while (next_ram(&r, &ram))
		if (reserve_blocks_in(&ram))
			return false;

	return true;
}

/* From the last region on, since those that are left move up. */
static void __init unreserve_blocks(void)
{
	unsigned long i = memblock.reserved.cnt;
	const struct memblock_region *r;

	while (i--) {
		r = &memblock.reserved.regions[i];
		if (r->flags & MEMBLOCK_RSRV_KHO)
			memblock_phys_free(r->base, r->size);
	}
}

static void __init free_block_map(void)
{
	memblock_free(kho_blocks.map, bitmap_size(kho_blocks.nr));
}

static void __init give_up(const char *fault)
{
	refuse(fault);
	unreserve_blocks();
	if (kho_nodes.pfns)
		memblock_free(kho_nodes.pfns, nodes_size());
	if (kho_blocks.map)
		free_block_map();
	kho_in.fdt = 0;
	kho_poison_forget();
	kho_scratch_forget();
	memblock_clear_kho_scratch(0, PHYS_ADDR_MAX);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_NONE);
}

/**
 * kho_memory_init_early - reserve all preserved memory
 *
 * From now on the kernel may use memory outside of scratch.
 *
 * Context: early boot, when the kernel's direct mapping of RAM and its NUMA
 * nodes are set up, before the first large allocations: crash kernel, CMA,
 * memory map. Firmware's memory must be reserved by then.
 */
void __init kho_memory_init_early(void)
{
	const char *fault;

	if (!is_kho_boot())
		return;

	kho_scratch_inherit(phys_to_virt(kho_in.scratch), kho_in.nr_scratch);

	if (!alloc_block_map())
		return give_up("no scratch memory left to map what is preserved");

	/* Its writer preserved it like any other memory, but do not count on it. */
	mark_blocks(kho_in.fdt, KHO_FDT_SIZE);
	fault = check_tree();
	if (fault)
		return give_up(fault);
	if (!note_nodes())
		return give_up("no scratch memory left to note the nodes of the tree");

	if (memblock_reserve(kho_in.fdt, KHO_FDT_SIZE) || !reserve_blocks())
		return give_up("no scratch memory left to reserve what is preserved");

	free_block_map();
	kho_poison_reserve();
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_LAST);
	kho_reserve_mem_receive();
}

/* Is all that is reserved in a range still kexec handover's alone? */
static bool __init is_unclaimed(phys_addr_t phys, u64 size)
{
	struct memblock_region *r;

	for_each_reserved_mem_region(r)
		if (memblock_addrs_overlap(phys, size, r->base, r->size) &&
		    !(r->flags & MEMBLOCK_RSRV_KHO))
			return false;

	return true;
}

static const struct kho_radix_run_cb read_cb __initconst = {
	.node_ok = node_ok,
};

/**
 * kho_preserved_bits - which blocks of memory are preserved?
 * @phys:  physical address of one
 * @order: of all of them
 * @bit:   set to the bit that stands for the one at @phys
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: a bitmap in which the bits before and after @bit stand for the blocks
 * before and after, as far as the naturally aligned KHO_TREE_BITMAP_BITS of them
 * reach; NULL when none of these is preserved.
 */
const unsigned long * __init kho_preserved_bits(phys_addr_t phys,
						unsigned int order,
						unsigned long *bit)
{
	unsigned long nodes_left = KHO_TREE_DEPTH + 1;

	return kho_radix_handed_over(kho_in.tree,
				     kho_radix_encode_key(phys, order),
				     &read_cb, &nodes_left, bit);
}

/**
 * kho_preserved_orders - of which sizes are preserved blocks?
 *
 * Return: a bit for each order that there is.
 */
u64 __init kho_preserved_orders(void)
{
	return kho_orders;
}

/**
 * kho_tree_nodes - where the nodes of the tree of preserved memory are
 * @pfn: the first frame number of interest
 * @nr:  set to the number of nodes from there on
 *
 * Return: the frame numbers of these nodes, ascending. A damaged tree may have a
 * node twice.
 */
const unsigned long * __init kho_tree_nodes(unsigned long pfn, unsigned long *nr)
{
	unsigned long low = 0, high = kho_nodes.nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (kho_nodes.pfns[middle] < pfn)
			low = middle + 1;
		else
			high = middle;
	}
	*nr = kho_nodes.nr - low;

	return kho_nodes.pfns + low;
}

/**
 * kho_forget_tree - the tree of preserved memory will not be read any more
 *
 * Context: when kho_memory_release_late() ends.
 */
void __init kho_forget_tree(void)
{
	struct page *page = virt_to_page(kho_nodes.pfns);
	unsigned long nr = PHYS_PFN(nodes_size());

	/* Not memblock_free_late(), which leaves out what was deferred before. */
	kmemleak_free_part_phys(__pa(kho_nodes.pfns), nodes_size());
	while (nr--)
		free_reserved_page(page++);
	kho_nodes.nr = 0;
}

static bool __init was_preserved(phys_addr_t phys, unsigned int order)
{
	const unsigned long *bits;
	unsigned long bit;

	bits = kho_preserved_bits(phys, order, &bit);

	return bits && test_bit(bit, bits);
}

/**
 * kho_in_preserved_early - is a page in a preserved block?
 * @phys: its physical address
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: whether it is.
 */
bool __init kho_in_preserved_early(phys_addr_t phys)
{
	u64 orders = kho_orders;
	unsigned int order;

	for (; orders; orders ^= BIT_ULL(order)) {
		order = __fls(orders);
		if (was_preserved(round_down(phys, (phys_addr_t)PAGE_SIZE << order),
				  order))
			return true;
	}

	return false;
}

/* Do blocks in the tree of preserved memory cover [pfn, end) exactly? */
static bool __init tree_covers(unsigned long pfn, unsigned long end)
{
	unsigned int order;

	for (; pfn < end; pfn += 1UL << order) {
		order = min(__ffs(pfn), __fls(end - pfn));
		while (!was_preserved(PFN_PHYS(pfn), order))
			if (!order--)
				return false;
	}

	return true;
}

/**
 * kho_holds_early - is a part of a range reserved for what is preserved?
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * For who reserves memory at an address of their own choice. memblock does not
 * tell: others take what is only held for free.
 *
 * Context: early boot, until memblock is gone.
 * Return: whether it is.
 */
bool __init kho_holds_early(phys_addr_t phys, phys_addr_t size)
{
	const struct memblock_region *r;

	for_each_reserved_mem_region(r)
		if (r->flags & MEMBLOCK_RSRV_KHO &&
		    memblock_addrs_overlap(phys, size, r->base, r->size))
			return true;

	return false;
}

/**
 * kho_is_preserved_early - kho_is_preserved() for early boot
 * @phys: physical address of a range, any number
 * @size: its size in bytes, any number
 *
 * Context: early boot, when kho_memory_init_early() has found the handover
 * usable, until memblock is gone.
 * Return: true if the range is that of whole preserved blocks, page by page, and
 * is outside of scratch, and this kernel did not reserve any of it.
 */
bool __init kho_is_preserved_early(phys_addr_t phys, u64 size)
{
	u64 bytes = PAGE_ALIGN(size);

	return phys && may_be_preserved(phys, bytes) &&
	       is_unclaimed(phys, bytes) &&
	       tree_covers(PHYS_PFN(phys), PHYS_PFN(phys + bytes));
}

/**
 * kho_copy_subtree_early - copy what the previous kernel said, at early boot
 * @name: of the subtree
 * @buf:  where to
 * @size: of the subtree's blob, in bytes
 *
 * The blob stays preserved, for kho_retrieve_subtree() later.
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: 0, -ENOENT when there is no such subtree or no handover, or -EINVAL
 * when it is damaged, or of another size.
 */
int __init kho_copy_subtree_early(const char *name, void *buf, size_t size)
{
	u64 phys, len;
	int err;

	err = kho_find_subtree(name, &phys, &len);
	if (err)
		return err;
	if (len != size || !kho_is_preserved_early(phys, len))
		return -EINVAL;

	memcpy(buf, phys_to_virt(phys), size);

	return 0;
}

/**
 * kho_own_early - make memblock own a preserved range
 * @phys: its physical address
 * @size: its size in bytes; kho_is_preserved_early() is true for it
 *
 * The range then is like one that memblock allocated.
 *
 * Context: early boot, after kho_memory_init_early() and before
 * kho_memory_release().
 * Return: true, or false when memblock has no memory to note it.
 */
bool __init kho_own_early(phys_addr_t phys, u64 size)
{
	u64 bytes = PAGE_ALIGN(size);

	return !memblock_reserve(phys, bytes) && !is_unclaimed(phys, bytes);
}

/**
 * kho_memory_init - choose scratch memory, unless there is some
 *
 * Context: early boot, while memblock is still alive, just before the buddy
 * allocator takes over.
 */
void __init kho_memory_init(void)
{
	if (is_kdump_kernel())
		kho_enabled = false;

	/* The next kernel starts without, and would read what is written with. */
	if (kho_enabled && cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT)) {
		pr_warn("memory is encrypted, disabled; boot with mem_encrypt=off\n");
		kho_enabled = false;
	}

	if (kho_enabled && !is_kho_boot())
		kho_enabled = kho_scratch_choose();
}

/*
 * When struct pages are all initialised. Where memblock stays, it is asked later
 * on what is reserved, for /proc/iomem, say.
 */
static int __init finish_takeover(void)
{
	if (!is_kho_boot())
		return 0;

	trace_kho_takeover(kho_in.fdt, kho_in.nr_scratch, kho_takeover.nodes,
			   kho_takeover.preserved, kho_takeover.reserved,
			   BIT_ULL(kho_blocks.shift), kho_memory_released());
	if (IS_ENABLED(CONFIG_ARCH_KEEP_MEMBLOCK))
		unreserve_blocks();

	return 0;
}
core_initcall(finish_takeover);
