// SPDX-License-Identifier: GPL-2.0
/*
 * Test of kexec handover: the structures that drivers hand over.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "test_kho: " fmt

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/kho_radix_tree.h>
#include <linux/slab.h>

#include <linux/kho/abi/kexec_handover.h>

#include "test_kho.h"

struct test_kho_entry {
	u64 nr;
};

static int count_key(unsigned long key, void *data)
{
	unsigned int *nr = data;

	return EXPECT(key == 5) ? !++*nr : -EINVAL;
}

static bool tree_works(void)
{
	const struct kho_radix_walk_cb cb = { .leaf = count_key };
	struct kho_radix_tree tree = {};
	unsigned int nr = 0;
	bool ok;

	kho_radix_destroy_tree(&tree);
	if (!EXPECT(!kho_radix_init_tree(&tree, NULL)))
		return false;

	ok = EXPECT(!kho_radix_add_key(&tree, 5)) &&
	     EXPECT(!kho_radix_add_key(&tree, 5)) &&
	     EXPECT(kho_radix_add_key(&tree, ULONG_MAX) == -ERANGE) &&
	     EXPECT(!kho_radix_walk_tree(&tree, &cb, &nr)) && EXPECT(nr == 1);
	if (ok)
		kho_radix_del_key(&tree, 5);
	ok = ok && EXPECT(!kho_radix_walk_tree(&tree, &cb, &nr)) &&
	     EXPECT(nr == 1);
	kho_radix_destroy_tree(&tree);

	return ok;
}

/* A block that another kernel's driver writes or reads has this size. */
static bool block_is_a_page(u64 head_pa)
{
	return EXPECT(head_pa) && EXPECT(IS_ALIGNED(head_pa, KHO_BLOCK_SIZE)) &&
	       EXPECT(KHO_BLOCK_SIZE == PAGE_SIZE);
}

static bool fill_blocks(struct kho_block_set *bs)
{
	struct test_kho_entry *entry;
	struct kho_block_set_it it;

	kho_block_set_it_init(&it, bs);
	entry = kho_block_set_it_reserve_entry(&it);
	if (!EXPECT(entry))
		return false;
	entry->nr = 42;

	return EXPECT(kho_block_set_it_prev(&it) == entry) &&
	       EXPECT(kho_block_set_it_read_entry(&it) == entry) &&
	       EXPECT(!kho_block_set_it_read_entry(&it));
}

static bool blocks_work(void)
{
	static struct kho_block_set named =
		KHO_BLOCK_SET_INIT(named, sizeof(struct test_kho_entry));
	struct kho_block_set bs;
	bool ok;

	kho_block_set_init(&bs, sizeof(struct test_kho_entry));
	ok = EXPECT(kho_block_set_is_empty(&named)) &&
	     EXPECT(kho_block_set_is_empty(&bs)) &&
	     EXPECT(!kho_block_set_head_pa(&bs)) &&
	     EXPECT(!kho_block_set_grow(&bs, 1)) &&
	     EXPECT(!kho_block_set_is_empty(&bs)) &&
	     block_is_a_page(kho_block_set_head_pa(&bs)) && fill_blocks(&bs);
	kho_block_set_clear(&bs);
	kho_block_set_shrink(&bs, 0);
	ok = ok && EXPECT(kho_block_set_is_empty(&bs)) &&
	     EXPECT(!kho_block_set_restore(&bs, 0));
	kho_block_set_destroy(&bs);

	return ok;
}

static bool pointers_work(void)
{
	struct {
		DECLARE_KHOSER_PTR(entry, struct test_kho_entry *);
	} ser;
	struct test_kho_entry *entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	bool ok;

	if (!EXPECT(entry))
		return false;

	KHOSER_STORE_PTR(ser.entry, entry);
	ok = EXPECT(ser.entry.phys == virt_to_phys(entry)) &&
	     EXPECT(KHOSER_LOAD_PTR(ser.entry) == entry);
	KHOSER_STORE_PTR(ser.entry, NULL);
	ok = ok && EXPECT(!ser.entry.phys) &&
	     EXPECT(!KHOSER_LOAD_PTR(ser.entry));
	kfree(entry);

	return ok;
}

bool test_kho_structures_work(void)
{
	return tree_works() && blocks_work() && pointers_work();
}
