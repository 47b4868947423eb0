/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): declarations private to its files.
 *
 * Which file may call which, and in which order early boot calls the hooks, is in
 * tables in Documentation/core-api/kho/internals.rst.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _KERNEL_LIVEUPDATE_KHO_INTERNAL_H
#define _KERNEL_LIVEUPDATE_KHO_INTERNAL_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/init.h>
#include <linux/kho_hooks.h>
#include <linux/kho_radix_tree.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pfn.h>
#include <linux/types.h>

#include <linux/kho/abi/block.h>
#include <linux/kho/abi/kexec_handover.h>

/* kho_fdt.c */

bool kho_fdt_is_sound(const void *fdt, u64 len);
int kho_fdt_get_u64(const void *fdt, int node, const char *name, u64 *value);
int kho_check_fdt(const void *fdt, u64 len, phys_addr_t *tree);
void kho_fdt_write_sum(void *fdt);
bool kho_fdt_is_damaged(const void *fdt);
int kho_find_subtree_in(const void *fdt, const char *name, u64 *phys, u64 *size);
int kho_fdt_find_blob(const void *fdt, phys_addr_t phys);

/* kexec_handover.c */

int kho_preserve_init(phys_addr_t *root);
void kho_preserve_exit(void);

/* kho_subtree.c */

/**
 * struct kho_subtrees_watcher - who is told of the subtrees of the root FDT
 * @added:   a subtree was added
 * @removed: a subtree is about to be removed
 */
struct kho_subtrees_watcher {
	void (*added)(const char *name, void *blob, size_t size);
	void (*removed)(void *blob);
};

phys_addr_t kho_root_fdt(void);
void kho_watch_subtrees(const struct kho_subtrees_watcher *w);
void kho_give_up(int err);

/* kho_state.c */

/**
 * struct kho_in - what came in
 * @fdt:        physical address of the root FDT; 0 when nothing came in, or nothing
 *              usable
 * @tree:       physical address of the tree of preserved memory
 * @scratch:    physical address of the array of scratch areas
 * @nr_scratch: their number
 */
struct kho_in {
	phys_addr_t fdt;
	phys_addr_t tree;
	phys_addr_t scratch;
	unsigned int nr_scratch;
};

extern struct kho_in kho_in;

/**
 * struct kho_takeover - what came of taking over
 * @damaged:   not all that is preserved is known
 * @nodes:     nodes of the tree of preserved memory
 * @preserved: bytes that the tree describes
 * @reserved:  bytes that were reserved because something there is preserved
 * @released:  pages that went to the buddy allocator
 */
struct kho_takeover {
	bool damaged;
	unsigned long nodes;
	u64 preserved;
	u64 reserved;
	atomic_long_t released;
};

extern struct kho_takeover kho_takeover;

void kho_disable(const char *reason);
const void *kho_incoming_fdt(void);
int kho_find_subtree(const char *name, u64 *phys, u64 *size);
void kho_scratch_set(const struct kho_scratch *areas, unsigned int nr);
bool kho_scratch_overlap(phys_addr_t phys, size_t size);

/* kho_marks.c */

/* In the private field of the first page of a preserved block, with the order. */
#define KHO_PAGE_MAGIC		0x4b484f0000000000UL	/* "KHO" */
#define KHO_PAGE_ORDER_MASK	0xffUL
/* Blocks from this order up to that of a unit may be compound pages. */
#define KHO_COMPOUND_ORDER	MIN_T(unsigned int, MAX_PAGE_ORDER, 9)
/* Blocks of several orders begin here; whose the page is, nobody can tell. */
#define KHO_PAGE_AMBIGUOUS	0x100UL

/**
 * kho_mark_block - mark a page as the first of a preserved block
 * @page:  the page, which is or becomes PageReserved, as all of the block, unless
 *         that is a compound page
 * @order: of the block; the larger block comes first
 *
 * Context: boot, as long as nobody else knows of the page.
 */
static inline void kho_mark_block(struct page *page, unsigned int order)
{
	if (page_private(page))
		set_page_private(page, page_private(page) | KHO_PAGE_AMBIGUOUS);
	else
		set_page_private(page, KHO_PAGE_MAGIC | order);
}

int kho_marked_order(unsigned long pfn);
unsigned long kho_marked_pages(unsigned long pfn, unsigned long nr_pages);
bool kho_claim_pages(unsigned long pfn, unsigned long nr_pages);
#ifdef CONFIG_MEMORY_FAILURE
bool kho_has_poison(unsigned long pfn, unsigned long nr_pages);
#else
static inline bool kho_has_poison(unsigned long pfn, unsigned long nr_pages)
{
	return false;
}
#endif

/* kho_take.c */

/* Scratch areas begin and end at this, the size of the buddy's largest block. */
#define KHO_SCRATCH_ALIGN	(PAGE_SIZE << MAX_PAGE_ORDER)

bool kho_may_be_preserved(phys_addr_t phys, u64 size);
unsigned int kho_scratch_compact(struct kho_scratch *areas, unsigned int nr);
const char *kho_take_fdt(phys_addr_t phys, u64 len, phys_addr_t *tree);
const char *kho_take_scratch(phys_addr_t phys, u64 len, phys_addr_t fdt_phys,
			     unsigned int *nr);

/* kho_granules.c */

bool kho_granules_alloc(void);
void kho_granules_free(void);
phys_addr_t kho_granule_size(void);
void kho_granules_mark(phys_addr_t start, phys_addr_t size);
bool kho_granules_reserve(void);
void kho_granules_unreserve(void);

/* kho_tree.c */

const char *kho_tree_take(void);
bool kho_tree_list_nodes(void);
void kho_tree_drop(void);
void kho_tree_free(void);
const unsigned long *kho_tree_nodes(unsigned long pfn, unsigned long *nr);
const unsigned long *kho_tree_bits(phys_addr_t phys, unsigned int order,
				   unsigned long *bit);
u64 kho_tree_orders(void);
bool kho_tree_has_only(phys_addr_t phys, unsigned int order);
bool kho_tree_has_page(phys_addr_t phys);
bool kho_claimable_early(phys_addr_t phys, u64 size);
bool kho_claim_early(phys_addr_t phys, u64 size);

/* kho_memmap.c */

/* What is mapped by one entry of the highest level that can do so. */
#define KHO_GIGANTIC_ORDER	(PUD_SHIFT - PAGE_SHIFT)
/* So many of its struct pages exist. */
#define KHO_MEMMAP_OWN		(PAGE_SIZE / sizeof(struct page))

#ifdef CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP
unsigned long kho_memmap_end(unsigned long pfn);
int kho_memmap_unshare(unsigned long pfn, unsigned long nr_pages);
bool kho_memmap_claim(unsigned long pfn);
bool kho_memmap_is_preserved(unsigned long pfn);
bool kho_memmap_overlap(phys_addr_t phys, u64 size);
#else
static inline unsigned long kho_memmap_end(unsigned long pfn)
{
	return 0;
}

static inline int kho_memmap_unshare(unsigned long pfn, unsigned long nr_pages)
{
	return 0;
}

static inline bool kho_memmap_is_preserved(unsigned long pfn)
{
	return false;
}

static inline bool kho_memmap_overlap(phys_addr_t phys, u64 size)
{
	return false;
}
#endif

/* kho_unit.c */

bool kho_find_taken(unsigned long *idx, unsigned long start, unsigned long stop,
		    unsigned long *pfn, unsigned long *end);
int kho_valid_nid(int nid);
struct zone *kho_zone_of(unsigned long pfn, int nid);
void kho_unit_init(unsigned long block, unsigned long idx);
void kho_unit_release(unsigned long block, unsigned long idx);

/* kho_sort.c */

void kho_sort_init_scratch(void);
void kho_sort_early(void);
void kho_sort_late(void);
void kho_sort_now(void);
void kho_sort_nodes(void);

/* kho_poison_in.c */

/* Entries of a list that fit a page. */
#define KHO_POISON_MAX	((PAGE_SIZE - sizeof(struct kho_poison_ser)) / sizeof(u64))

#ifdef CONFIG_MEMORY_FAILURE
void kho_poison_receive(phys_addr_t fdt_phys);
void kho_poison_reserve(void);
bool kho_readable_early(phys_addr_t phys, u64 size);
void kho_poison_drop(void);
void kho_poison_mark(void);
const u64 *kho_poison_incoming(unsigned int *nr);
#else
static inline void kho_poison_receive(phys_addr_t fdt_phys) { }
static inline void kho_poison_reserve(void) { }
static inline bool kho_readable_early(phys_addr_t phys, u64 size)
{
	return kho_claimable_early(phys, size);
}

static inline void kho_poison_drop(void) { }
static inline void kho_poison_mark(void) { }
#endif

struct kho_poison_ser;

/* kho_poison_list.c */

void kho_poison_begin(struct kho_poison_ser *ser);

#if IS_ENABLED(CONFIG_KUNIT)
long kho_poison_entries(const struct kho_poison_ser *ser, u64 size);
#endif

/* kho_scratch.c */

#define KHO_SCRATCH_DEFAULT_PERCENT	200

/* At most so many areas can be given to kho_scratch_leave_out(). */
#define KHO_LEFT_OUT_MAX	8

/**
 * struct kho_scratch_param - how large scratch memory shall be
 * @percent: of what the kernel reserved itself; 0 when sizes are given
 * @low:     bytes of the low memory area
 * @global:  bytes of the global area
 * @node:    bytes of each NUMA node's area
 */
struct kho_scratch_param {
	unsigned int percent;
	phys_addr_t low;
	phys_addr_t global;
	phys_addr_t node;
};

int kho_parse_scratch(const char *p, struct kho_scratch_param *param);
void kho_scratch_leave_out(phys_addr_t start, phys_addr_t size);
bool kho_scratch_choose(void);
bool kho_scratch_reserve(void);
void kho_scratch_mark_cma(void);
void kho_scratch_init(void);

/* kho_boot.c */

void kho_memory_ready(void);

/* kho_radix_read.c */

/**
 * struct kho_radix_run_cb - what to call in a walk of a handed-over tree
 * @node_ok: may the node at this page-aligned physical address be read? If not,
 *           what is below it is left out
 * @run:     called for each run of equal, adjacent blocks, in ascending order
 *           of keys, which is descending order of @order. When it refuses a
 *           run, with -EINVAL, it is called for each block alone, and one that
 *           is refused alone is left out. Another errno ends the walk
 * @chunk:   called with KHO_RADIX_CHUNK bits of the tree, some of them set, that
 *           stand for adjacent blocks, of which the first begins at @start. When
 *           it returns true it has dealt with all of them; else they come as
 *           runs. May be NULL
 *
 * The other two are required.
 */
struct kho_radix_run_cb {
	bool (*node_ok)(phys_addr_t phys, void *data);
	int (*run)(phys_addr_t start, unsigned long nr_blocks,
		   unsigned int order, void *data);
	bool (*chunk)(phys_addr_t start, unsigned int order,
		      const unsigned long *bitmap, void *data);
};

#define KHO_RADIX_CHUNK		512

int kho_radix_decode_key(unsigned long key, phys_addr_t *phys,
			 unsigned int *order);
const unsigned long *kho_radix_handed_over(phys_addr_t root, unsigned long key,
					   const struct kho_radix_run_cb *cb,
					   void *data, unsigned long *bit);
long kho_radix_walk_runs(phys_addr_t root, const struct kho_radix_run_cb *cb,
			 void *data);

/* kho_radix.c */

/**
 * kho_radix_encode_key - the key of a block of memory
 * @phys:  physical address, a multiple of the block's size
 * @order: log2 of its pages
 *
 * Return: the key.
 */
static inline unsigned long kho_radix_encode_key(phys_addr_t phys,
						 unsigned int order)
{
	return BIT(KHO_ORDER_0_LOG2 - order) | (phys >> (PAGE_SHIFT + order));
}

int kho_radix_add_keys(struct kho_radix_tree *tree, const unsigned long *keys,
		       unsigned int nr);
void kho_radix_del_keys(struct kho_radix_tree *tree, const unsigned long *keys,
			unsigned int nr);
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages);
void kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned long nr_pages);

/* kho_next.c */

struct kimage;

bool kho_next_takes(const struct kimage *image, const char *compatible);
bool kho_loaded_takes(const char *compatible);

/* kho_kexec.c */

void kho_allow_crash(void);
void kho_disallow_crash(void);

/* kho_moments.c */

struct kho_timeline_ser;

/* Moments of an update, in the order of time; see kho_timeline.c. */
enum kho_moment {
	KHO_REBOOT,
	KHO_FROZEN,
	KHO_JUMP,
	KHO_TAKEOVER,
	KHO_MEMORY,
	KHO_DEVICES,
	KHO_OPENED,
	KHO_RETRIEVED,
	KHO_FINISHED,
	NR_KHO_MOMENTS
};

/* Up to the jump they are for the next kernel. */
#define KHO_MOMENTS_OUT	(KHO_JUMP + 1)

void kho_timeline_mark(enum kho_moment moment);
u64 kho_timeline_moment(enum kho_moment moment);
void kho_timeline_hand_over(struct kho_timeline_ser *ser);

/* kho_timeline.c */

struct seq_file;

void kho_timeline_show(struct seq_file *m);

#if IS_ENABLED(CONFIG_KUNIT)
void kho_timeline_show_in(struct seq_file *m, const struct kho_timeline_ser *in);
#endif

/* kho_block.c */

/* Where a page of a block set says whose it is. */
static inline struct kho_block_owner_ser *
kho_block_owner(struct kho_block_header_ser *ser)
{
	return (void *)ser + PAGE_SIZE - sizeof(struct kho_block_owner_ser);
}

/* kho_reserve_mem.c */

/**
 * struct kho_reserve_area - an area of reserve_mem=
 * @name:  its name
 * @start: its physical address
 * @size:  its size in bytes, as it was asked for
 */
struct kho_reserve_area {
	const char *name;
	u64 start;
	u64 size;
};

const char *kho_reserve_mem_check(const void *fdt, u64 len);
const char *kho_reserve_mem_read(const void *fdt, int node,
				 struct kho_reserve_area *area);
int kho_reserve_mem_write(void *fdt, size_t len,
			  const struct kho_reserve_area *areas, unsigned int nr);

/* kho_debugfs.c */

struct dentry;

struct dentry *kho_debugfs_out(void);

/* kho_corrupt.c */

#ifdef CONFIG_KEXEC_HANDOVER_CORRUPT
void kho_corrupt(void);
#else
static inline void kho_corrupt(void) { }
#endif

#endif /* _KERNEL_LIVEUPDATE_KHO_INTERNAL_H */
