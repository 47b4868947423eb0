// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): taking over from the previous kernel.
 *
 * This goes in four steps, none of which trusts what was handed in:
 *
 *  - kho_populate() looks at the root FDT and at the scratch areas. From then
 *    on memblock allocates from scratch alone.
 *  - kho_memory_init_early() walks the tree of preserved memory and reserves,
 *    in memblock, each large block of memory in which anything is preserved.
 *    Block by block, because memblock takes time quadratic in the number of
 *    reserved ranges. From then on memblock allocates from anywhere, but from
 *    scratch last, to leave that to the next kexec image.
 *  - kho_memory_hold_scratch() reserves what is left of scratch, too.
 *  - kho_memory_release() gives all that was reserved so to the buddy
 *    allocator, but for the pages that are preserved. Those stay PageReserved,
 *    and the first page of each preserved block is marked with its order, by
 *    which kho_restore_folio() and kho_restore_pages() know it.
 *
 * If one of the first two steps finds the handover unusable, it says so and
 * the kernel goes on as from a cold boot.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/bitmap.h>
#include <linux/crash_dump.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/libfdt.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>

#include <trace/events/kho.h>

#include <asm/early_ioremap.h>
#include <asm/sections.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

/* In the private field of the first page of a preserved block, with the order. */
#define KHO_PAGE_MAGIC		0x4b484f0000000000UL	/* "KHO" */
#define KHO_PAGE_ORDER_MASK	0xffUL
/* Blocks of several orders begin here; whose the page is, nobody can tell. */
#define KHO_PAGE_AMBIGUOUS	0x100UL

/* A scratch array larger than this is taken for damaged. */
#define KHO_SCRATCH_ARRAY_MAX	((2 + MAX_NUMNODES) * sizeof(struct kho_scratch))

/*
 * With more entries of the tree that cannot be right, which is what one damaged
 * word may lead to, nothing of it can be trusted.
 */
#define KHO_DAMAGE_MAX		BITS_PER_LONG

/* The map of blocks in which something is preserved has at most so many bits. */
#define KHO_BLOCK_MAP_MAX_LOG2	15

bool kho_enabled __ro_after_init =
	IS_ENABLED(CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT);

/* What came in; @fdt is 0 when nothing did, or nothing usable. */
static struct {
	phys_addr_t fdt;
	phys_addr_t tree;
	phys_addr_t scratch;
	unsigned int nr_scratch;
} kho_in __ro_after_init;

/* Blocks of memory in which something is preserved. */
static struct {
	unsigned long *map;
	unsigned long nr;
	unsigned int shift;
} kho_blocks __initdata;

/* What came of taking over, for the trace event; sizes in bytes. */
static struct {
	unsigned long nodes;
	u64 preserved;
	u64 reserved;
	u64 released;
} kho_takeover __initdata;

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

static int check_fdt_root(const void *fdt, phys_addr_t *tree)
{
	const void *prop;
	int len;

	prop = fdt_getprop(fdt, 0, "compatible", &len);
	if (!prop || len != sizeof(KHO_FDT_COMPATIBLE) ||
	    memcmp(prop, KHO_FDT_COMPATIBLE, len))
		return -EPROTONOSUPPORT;

	prop = fdt_getprop(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME, &len);
	if (!prop || len != sizeof(u64))
		return -EINVAL;

	*tree = get_unaligned((const u64 *)prop);

	return 0;
}

/**
 * kho_fdt_is_sound - can all of an FDT be read?
 * @fdt: the FDT
 * @len: bytes that may be read
 *
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
 * kho_check_fdt - check a root FDT
 * @fdt:  the FDT
 * @len:  bytes that may be read
 * @tree: set to the physical address of the tree of preserved memory
 *
 * Return: 0, -EPROTONOSUPPORT for another format than ours, or -EINVAL.
 */
int kho_check_fdt(const void *fdt, u64 len, phys_addr_t *tree)
{
	if (!kho_fdt_is_sound(fdt, len))
		return -EINVAL;

	return check_fdt_root(fdt, tree);
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

/* Is this page-aligned RAM of ours? */
static bool __init is_ram(phys_addr_t phys, u64 size)
{
	phys_addr_t end;

	return size && PAGE_ALIGNED(phys) &&
	       !check_add_overflow(phys, size, &end) &&
	       (memblock_is_region_memory(phys, size) ||
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

static const char * __init check_incoming_scratch(phys_addr_t phys, u64 len,
						  phys_addr_t fdt_phys)
{
	unsigned int i, nr = len / sizeof(struct kho_scratch);
	struct kho_scratch *areas;
	const char *fault;

	if (!len || len > KHO_SCRATCH_ARRAY_MAX || len % sizeof(*areas) ||
	    !is_ram(phys, PAGE_ALIGN(len)))
		return "the array of scratch areas is not in RAM";

	areas = early_memremap(phys, len);
	if (!areas)
		return "the array of scratch areas cannot be mapped";

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

	fault = check_incoming_fdt(fdt_phys, fdt_len);
	if (!fault)
		fault = check_incoming_scratch(scratch_phys, scratch_len,
					       fdt_phys);
	if (fault)
		return refuse(fault);

	memblock_reserve(scratch_phys, scratch_len);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_ONLY);
	kho_in.fdt = fdt_phys;
	kho_in.scratch = scratch_phys;
	kho_in.nr_scratch = scratch_len / sizeof(struct kho_scratch);
}

static void __init mark_blocks(phys_addr_t start, phys_addr_t size)
{
	unsigned long first = start >> kho_blocks.shift;
	unsigned long last = (start + size - 1) >> kho_blocks.shift;

	bitmap_set(kho_blocks.map, first, last - first + 1);
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

/* Blocks are the buddy's largest, or larger on a machine of many of those. */
static bool __init alloc_block_map(void)
{
	phys_addr_t end = memblock_end_of_DRAM();

	kho_blocks.shift = PAGE_SHIFT + MAX_PAGE_ORDER;
	while (end >> kho_blocks.shift >> KHO_BLOCK_MAP_MAX_LOG2)
		kho_blocks.shift++;

	kho_blocks.nr = (end >> kho_blocks.shift) + 1;
	kho_blocks.map = memblock_alloc(bitmap_size(kho_blocks.nr),
					SMP_CACHE_BYTES);

	return kho_blocks.map;
}

/* Reserve the blocks, as far as they are RAM, in [ram_start, ram_end). */
static void __init reserve_blocks_in(phys_addr_t ram_start, phys_addr_t ram_end)
{
	unsigned long block = ram_start >> kho_blocks.shift, end_block;

	for_each_set_bitrange_from(block, end_block, kho_blocks.map,
				   kho_blocks.nr) {
		phys_addr_t start = max((phys_addr_t)block << kho_blocks.shift,
					ram_start);
		phys_addr_t end = min((phys_addr_t)end_block << kho_blocks.shift,
				      ram_end);

		if (start >= end)
			break;
		memblock_reserve_kho(start, end - start);
		kho_takeover.reserved += end - start;
	}
}

static void __init reserve_blocks(void)
{
	phys_addr_t start, end;
	u64 i;

	for_each_mem_range(i, &start, &end)
		reserve_blocks_in(start, end);
	memblock_free(kho_blocks.map, bitmap_size(kho_blocks.nr));
}

static void __init give_up(const char *fault)
{
	refuse(fault);
	kho_in.fdt = 0;
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

	memblock_reserve(kho_in.fdt, KHO_FDT_SIZE);
	reserve_blocks();
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

static bool __init was_preserved(phys_addr_t phys, unsigned int order)
{
	unsigned long nodes_left = KHO_TREE_DEPTH + 1;

	return kho_radix_was_added(kho_in.tree, kho_radix_encode_key(phys, order),
				   &read_cb, &nodes_left);
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
 * kho_is_preserved_early - kho_is_preserved() for early boot
 * @phys: physical address of a range, any number
 * @size: its size in bytes, any number
 *
 * Context: early boot, when kho_memory_init_early() has found the handover
 * usable, until kho_memory_release() ends.
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
 * kho_own_early - make memblock own a preserved range
 * @phys: its physical address
 * @size: its size in bytes; kho_is_preserved_early() is true for it
 *
 * The range then is like one that memblock allocated. Who takes it has to call
 * kho_unmark() when it is marked.
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

	if (kho_enabled && !is_kho_boot())
		kho_enabled = kho_scratch_choose();
}

/**
 * kho_memory_hold_scratch - reserve what is left of scratch memory
 *
 * Not before this, for where something is preserved in each large block there is
 * no other memory to allocate from.
 *
 * Context: called by memblock_free_all() at its beginning.
 */
void __init kho_memory_hold_scratch(void)
{
	const struct kho_scratch *areas;
	unsigned int i, nr;

	if (!is_kho_boot())
		return;

	areas = kho_scratch_areas(&nr);
	for (i = 0; i < nr; i++)
		memblock_reserve_kho(areas[i].addr, areas[i].size);
	memblock_clear_kho_scratch(0, PHYS_ADDR_MAX);
	memblock_set_kho_policy(MEMBLOCK_KHO_POLICY_NONE);
}

static inline void __init mark_block(unsigned long pfn, unsigned int order)
{
	struct page *page = pfn_to_page(pfn);

	/* The walk comes to the larger block first. */
	if (page_private(page))
		set_page_private(page, page_private(page) | KHO_PAGE_AMBIGUOUS);
	else
		set_page_private(page, KHO_PAGE_MAGIC | order);
}

/* As far as it was reserved for us, and nobody got hold of it since. */
static bool __init may_be_marked(phys_addr_t start, phys_addr_t size)
{
	return memblock_is_region_reserved_kho(start, size) &&
	       !kho_scratch_overlap(start, size);
}

static int __init mark_run(phys_addr_t start, unsigned long nr_blocks,
			   unsigned int order, void *data)
{
	unsigned long pfn = PHYS_PFN(start);
	phys_addr_t size;

	if (check_mul_overflow(nr_blocks, PAGE_SIZE << order, &size) ||
	    !may_be_marked(start, size))
		return -EINVAL;

	for (; nr_blocks; nr_blocks--, pfn += 1UL << order)
		mark_block(pfn, order);

	return 0;
}

static bool __init mark_chunk(phys_addr_t start, unsigned int order,
			      const unsigned long *bitmap, void *data)
{
	phys_addr_t span_start, span_size;
	unsigned long bit, pfn = PHYS_PFN(start), bits;

	chunk_span(start, order, bitmap, &span_start, &span_size);
	if (!may_be_marked(span_start, span_size))
		return false;

	for (bit = 0; bit < KHO_RADIX_CHUNK; bit += BITS_PER_LONG)
		for (bits = bitmap[BIT_WORD(bit)]; bits; bits &= bits - 1)
			mark_block(pfn + ((bit + __ffs(bits)) << order), order);

	return true;
}

static const struct kho_radix_run_cb mark_cb __initconst = {
	.node_ok = node_ok,
	.run = mark_run,
	.chunk = mark_chunk,
};

/* The order of the preserved block that a page is first of, or -1. */
static int marked_order(const struct page *page)
{
	unsigned long private = page_private(page);

	if (!PageReserved(page) ||
	    (private & ~(KHO_PAGE_ORDER_MASK | KHO_PAGE_AMBIGUOUS)) !=
	    KHO_PAGE_MAGIC)
		return -1;

	return private & KHO_PAGE_ORDER_MASK;
}

/**
 * kho_preserved_order - the order of the preserved block that begins at a page
 * @pfn: the page's frame number
 *
 * Return: the order, or -1 when no preserved block begins there, several do, or
 * it was taken back.
 */
int kho_preserved_order(unsigned long pfn)
{
	struct page *page;

	if (!is_kho_boot() || !pfn_valid(pfn))
		return -1;

	page = pfn_to_page(pfn);
	if (page_private(page) & KHO_PAGE_AMBIGUOUS)
		return -1;

	return marked_order(page);
}

/**
 * kho_preserved_pages - how far do preserved blocks cover a range?
 * @pfn:      its first page
 * @nr_pages: its length
 *
 * Return: the number of pages in the preserved blocks that cover the range one
 * after the other, @nr_pages or more; 0 when they do not cover it.
 */
unsigned long kho_preserved_pages(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long covered = 0;
	int order;

	while (covered < nr_pages) {
		order = kho_preserved_order(pfn + covered);
		if (order < 0)
			return 0;
		covered += 1UL << order;
	}

	return covered;
}

/**
 * kho_claim_pages - take pages out of what is preserved
 * @pfn:      the first page
 * @nr_pages: how many; preserved blocks of just that size begin at @pfn
 *
 * A damaged tree may describe blocks within each other. The first to claim a
 * page gets it, and all of a range or nothing.
 *
 * Context: any but NMI.
 * Return: true when the caller got the pages, which have no mark left; false
 * when not, then nothing changed.
 */
bool kho_claim_pages(unsigned long pfn, unsigned long nr_pages)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long i;

	for (i = 0; i < nr_pages; i++) {
		if (!test_and_clear_bit(PG_reserved, &page[i].flags))
			goto undo;
	}
	for (i = 0; i < nr_pages; i++)
		set_page_private(page + i, 0);

	return true;

undo:
	while (i--)
		set_bit(PG_reserved, &page[i].flags);

	return false;
}

/**
 * kho_unmark - let nobody take a preserved range back any more
 * @phys: its physical address, page-aligned
 * @size: its size in bytes
 *
 * What of it is not reserved by others is going to be freed.
 *
 * Context: from the time in kho_memory_release() at which blocks are marked.
 */
void __init kho_unmark(phys_addr_t phys, u64 size)
{
	unsigned long pfn = PHYS_PFN(phys), end = PHYS_PFN(phys + PAGE_ALIGN(size));

	for (; pfn < end; pfn++)
		if (marked_order(pfn_to_page(pfn)) >= 0)
			set_page_private(pfn_to_page(pfn), 0);
}

/* Free pages of which none is preserved, in the largest blocks. */
static void __init free_pages_from(unsigned long pfn, unsigned long end)
{
	unsigned int order;

	while (pfn < end) {
		order = pfn ? min_t(unsigned int, MAX_PAGE_ORDER, __ffs(pfn)) :
			      MAX_PAGE_ORDER;
		while (pfn + (1UL << order) > end)
			order--;

		clear_page_tag_ref(pfn_to_page(pfn));
		__free_pages_core(pfn_to_page(pfn), order, MEMINIT_EARLY);
		pfn += 1UL << order;
	}
}

/* Scratch is CMA already. */
static void __init set_blocks_movable(unsigned long pfn, unsigned long end)
{
	for (pfn = ALIGN(pfn, pageblock_nr_pages); pfn < end;
	     pfn += pageblock_nr_pages)
		if (!kho_scratch_overlap(PFN_PHYS(pfn), PAGE_SIZE))
			set_pageblock_migratetype(pfn_to_page(pfn),
						  MIGRATE_MOVABLE);
}

/*
 * Free what is not preserved of [pfn, end). All struct pages in it have been
 * initialised by memblock_free_all(), as have those of all buddies that pages
 * in it can have: what was reserved for us is made of the largest blocks.
 *
 * Returns the end of the last preserved block, which may lie beyond @end.
 */
static unsigned long __init free_unpreserved(unsigned long pfn,
					     unsigned long end,
					     unsigned long *freed)
{
	unsigned long start = pfn;
	int order;

	set_blocks_movable(pfn, end);

	while (pfn < end) {
		order = marked_order(pfn_to_page(pfn));
		if (order < 0) {
			pfn++;
			continue;
		}

		free_pages_from(start, pfn);
		*freed += pfn - start;
		pfn += 1UL << order;
		start = pfn;
	}

	if (start < end) {
		free_pages_from(start, end);
		*freed += end - start;
	}

	return start;
}

/**
 * kho_memory_release - give what is not preserved to the buddy allocator
 *
 * Context: called by memblock_free_all() at its end.
 */
void __init kho_memory_release(void)
{
	unsigned long start, end, next = 0, freed = 0;
	unsigned long nodes_left = max_nodes();
	struct memblock_region *r;

	if (!is_kho_boot())
		return;

	kho_scratch_mark_cma();
	kho_radix_walk_runs(kho_in.tree, &mark_cb, &nodes_left);
	kho_reserve_mem_release();

	for_each_reserved_mem_region(r) {
		start = max(PFN_UP(r->base), next);
		end = PFN_DOWN(r->base + r->size);
		if (r->flags & MEMBLOCK_RSRV_KHO && start < end)
			next = free_unpreserved(start, end, &freed);
	}

	totalram_pages_add(freed);
	kho_takeover.released = PFN_PHYS((u64)freed);
	kho_timeline_mark(KHO_MEMORY);
}

static int __init trace_takeover(void)
{
	if (is_kho_boot())
		trace_kho_takeover(kho_in.fdt, kho_in.nr_scratch,
				   kho_takeover.nodes, kho_takeover.preserved,
				   kho_takeover.reserved,
				   kho_takeover.released);

	return 0;
}
core_initcall(trace_takeover);
