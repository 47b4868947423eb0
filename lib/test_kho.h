/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test of kexec handover: what its files share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef LIB_TEST_KHO_H
#define LIB_TEST_KHO_H

#include <linux/kexec_handover.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include <linux/kho/abi/kexec_handover.h>

struct rnd_state;

#define TEST_KHO_SUBTREE	"test-kho"
#define TEST_KHO_VERSION	1

/* So many that the blob takes two pages. */
#define TEST_KHO_MAX_ITEMS						\
	(2 * PAGE_SIZE / sizeof(struct test_kho_item_ser) - 1)

enum test_kho_kind {
	TEST_KHO_FOLIO,
	TEST_KHO_PAGES,
	TEST_KHO_MEM,
	TEST_KHO_AREA,
	TEST_KHO_HUGE_AREA,
	TEST_KHO_PADDED_AREA,
	TEST_KHO_NR_KINDS
};

/**
 * struct test_kho_item_ser - an item, as it is handed over
 * @kind: enum test_kho_kind
 * @phys: where it is, unless it is an area
 * @size: in bytes
 * @area: description of an area
 */
struct test_kho_item_ser {
	u64 kind;
	u64 phys;
	u64 size;
	struct kho_vmalloc area;
};

/**
 * struct test_kho_ser - the blob
 * @version:  TEST_KHO_VERSION
 * @seed:     item n is full of the random numbers that @seed + n gives
 * @nr_items: how many there are
 * @items:    the items
 */
struct test_kho_ser {
	u64 version;
	u64 seed;
	u64 nr_items;
	struct test_kho_item_ser items[TEST_KHO_MAX_ITEMS];
};

/**
 * struct test_kho_item - an item in this kernel
 * @ser: what is handed over
 * @mem: where it is mapped
 */
struct test_kho_item {
	struct test_kho_item_ser *ser;
	void *mem;
};

/**
 * struct test_kho_ops - how to handle a kind of items
 * @name: for messages
 * @make: allocate and preserve one, of a size and, if it is part of something
 *        larger, at an offset in bytes in that
 * @drop: unpreserve and free it
 * @take: in the next kernel: restore it, and check its struct pages
 * @free: free it
 */
struct test_kho_ops {
	const char *name;
	int (*make)(struct test_kho_item *item, size_t offset);
	void (*drop)(struct test_kho_item *item);
	bool (*take)(struct test_kho_item *item);
	void (*free)(struct test_kho_item *item);
};

/* What is special about items, for the log. */
struct test_kho_stats {
	unsigned int items;
	unsigned int failed;
	u64 bytes;
	unsigned int huge_order;
	unsigned int edges;
	unsigned int crossing;
	unsigned int low;
	unsigned int split;
};

#define EXPECT(condition) test_kho_expect(condition, #condition)

static inline bool test_kho_expect(bool condition, const char *text)
{
	if (!condition)
		pr_err("FAILED: %s\n", text);
	return condition;
}

static inline unsigned long
test_kho_item_pages(const struct test_kho_item *item)
{
	return DIV_ROUND_UP_ULL(item->ser->size, PAGE_SIZE);
}

static inline struct page *test_kho_item_page(const struct test_kho_item *item)
{
	return pfn_to_page(PHYS_PFN(item->ser->phys));
}

/* test_kho_items.c */
extern const struct test_kho_ops test_kho_ops[];
extern bool test_kho_strict;

size_t test_kho_next_random(struct rnd_state *rnd,
			    const struct test_kho_item *item, size_t done,
			    void *buf);
bool test_kho_folio_refused(phys_addr_t phys);
bool test_kho_pages_refused(phys_addr_t phys, unsigned long nr_pages);
void test_kho_free_page_range(struct page *page, unsigned long nr_pages);
int test_kho_preserve_pages(struct test_kho_item *item, struct page *page);
void test_kho_count_item(struct test_kho_stats *stats,
			 const struct test_kho_item *item);
void test_kho_log_stats(const char *what, const struct test_kho_stats *stats);

/* test_kho_out.c */
int test_kho_hand_over(void);
void test_kho_withdraw(void);

/* test_kho_structures.c; a kexec handover of other make may lack them. */
#ifdef TEST_KHO_MEMORY_ONLY
static inline bool test_kho_structures_work(void)
{
	return true;
}
#else
bool test_kho_structures_work(void);
#endif

#endif /* LIB_TEST_KHO_H */
