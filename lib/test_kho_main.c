// SPDX-License-Identifier: GPL-2.0
/*
 * Test of kexec handover: memory of each kind, before a kexec and after it.
 *
 * When the module is loaded it restores what it preserved in the previous
 * kernel, compares each byte, looks at each struct page, and frees it all. Then
 * it preserves memory for the next kernel. Loading fails when anything that
 * came in is not as it was. Removing the module frees what it preserved.
 *
 * How to use it and what it logs is in
 * Documentation/core-api/kho/testing.rst.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "test_kho: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "test_kho.h"

static bool contents_match(const struct test_kho_item *item, u64 seed)
{
	void *expected = kmalloc(PAGE_SIZE, GFP_KERNEL);
	struct rnd_state rnd;
	size_t done, len;

	if (!EXPECT(expected))
		return false;

	prandom_seed_state(&rnd, seed);
	for (done = 0; done < item->ser->size; done += len) {
		len = test_kho_next_random(&rnd, item, done, expected);
		if (memcmp(item->mem + done, expected, len))
			break;
	}
	kfree(expected);

	return EXPECT(done == item->ser->size);
}

/* What cannot even be restored stays preserved. */
static bool take_item(struct test_kho_item *item, u64 seed)
{
	const struct test_kho_ops *ops;
	bool ok;

	if (!EXPECT(item->ser->kind < TEST_KHO_NR_KINDS) ||
	    !EXPECT(item->ser->size))
		return false;

	ops = &test_kho_ops[item->ser->kind];
	ok = ops->take(item) && contents_match(item, seed);
	if (!ok)
		pr_err("FAILED: %s of %llu bytes\n", ops->name, item->ser->size);
	if (item->mem)
		ops->free(item);

	return ok;
}

static void take_items(struct test_kho_ser *ser, struct test_kho_stats *stats)
{
	unsigned int i;

	for (i = 0; i < ser->nr_items; i++) {
		struct test_kho_item item = { .ser = &ser->items[i] };

		if (take_item(&item, ser->seed + i))
			test_kho_count_item(stats, &item);
		else
			stats->failed++;
	}
}

/* What nobody preserved, and what can be no memory at all. */
static bool never_preserved_is_refused(void)
{
	void *mem = (void *)__get_free_page(GFP_KERNEL);
	bool ok;

	if (!EXPECT(mem))
		return false;
	ok = EXPECT(test_kho_folio_refused(virt_to_phys(mem))) &&
	     EXPECT(test_kho_pages_refused(virt_to_phys(mem), 1)) &&
	     EXPECT(test_kho_folio_refused(virt_to_phys(mem) + 1)) &&
	     EXPECT(test_kho_folio_refused(PHYS_ADDR_MAX & PAGE_MASK));
	free_page((unsigned long)mem);

	return ok;
}

/* The blob was in one piece until here, by its size as KHO knows it. */
static bool blob_is_freed(struct test_kho_ser *ser)
{
	const phys_addr_t blob = virt_to_phys(ser);
	phys_addr_t phys;

	kho_restore_free(ser);
	if (!test_kho_strict)
		return true;
	return EXPECT(test_kho_folio_refused(blob)) &&
	       EXPECT(kho_retrieve_subtree(TEST_KHO_SUBTREE, &phys, NULL) ==
		      -EINVAL);
}

static int take_back(void)
{
	struct test_kho_stats stats = { };
	struct test_kho_ser *ser;
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(TEST_KHO_SUBTREE, &phys, &size);
	if (err == -ENOENT) {
		pr_info("nothing came in\n");
		return 0;
	}
	if (err)
		return err;

	ser = phys_to_virt(phys);
	if (size != sizeof(*ser) || ser->version != TEST_KHO_VERSION ||
	    ser->nr_items > TEST_KHO_MAX_ITEMS) {
		pr_err("what came in is not of this version, it stays preserved\n");
		return -EPROTONOSUPPORT;
	}

	take_items(ser, &stats);
	if (!never_preserved_is_refused() || !blob_is_freed(ser))
		stats.failed++;
	test_kho_log_stats("restored", &stats);

	return stats.failed ? -EIO : 0;
}

/* When it is built in, blobs that came in must not be freed any earlier. */
static int __init test_kho_init(void)
{
	int err;

	if (!kho_is_enabled()) {
		pr_err("boot with kho=on to use it\n");
		return -EOPNOTSUPP;
	}

	err = take_back();
	if (!err && !test_kho_structures_work())
		err = -EIO;
	if (!err)
		err = test_kho_hand_over();

	return err;
}
late_initcall(test_kho_init);

static void __exit test_kho_exit(void)
{
	test_kho_withdraw();
	pr_info("freed what was preserved\n");
}
module_exit(test_kho_exit);

MODULE_DESCRIPTION("Test of kexec handover");
MODULE_LICENSE("GPL");
