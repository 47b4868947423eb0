// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the rules of preserving memory, as far as they can be seen
 * without a kexec.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../kho_internal.h"

#define MAX_SIZE	(PAGE_SIZE << MAX_PAGE_ORDER)

/* With pages of 64 KiB the largest blocks have 512 MiB: there may be none. */
#define LARGE_ORDER	min(MAX_PAGE_ORDER, 10)
#define LARGE_SIZE	(PAGE_SIZE << LARGE_ORDER)

/* More subtrees than there is room for, each with a blob of its own. */
#define MAX_SUBTREES	(KHO_FDT_SIZE / (2 * sizeof(u64)))

static int kho_preserve_test_init(struct kunit *test)
{
	if (!kho_is_enabled())
		kunit_skip(test, "boot with kho=on");
	return 0;
}

static void folio_twice_is_refused(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= LARGE_ORDER; order++) {
		struct folio *folio = folio_alloc(GFP_KERNEL, order);

		KUNIT_ASSERT_NOT_NULL(test, folio);
		KUNIT_EXPECT_EQ(test, 0, kho_preserve_folio(folio));
		KUNIT_EXPECT_EQ(test, -EEXIST, kho_preserve_folio(folio));
		kho_unpreserve_folio(folio);
		KUNIT_EXPECT_EQ(test, 0, kho_preserve_folio(folio));
		kho_unpreserve_folio(folio);
		folio_put(folio);
	}
}

static void pages_twice_are_refused(struct kunit *test)
{
	const unsigned long nr = (1 << LARGE_ORDER) - 2;
	struct page *block = alloc_pages(GFP_KERNEL, LARGE_ORDER);
	struct page *page = block + 1;

	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, 0, kho_preserve_pages(page, nr));
	KUNIT_EXPECT_EQ(test, -EEXIST, kho_preserve_pages(page, nr));

	/* Only the last page is there already: the others must not stay. */
	kho_unpreserve_pages(page, nr);
	KUNIT_EXPECT_EQ(test, 0, kho_preserve_pages(page + nr - 1, 1));
	KUNIT_EXPECT_EQ(test, -EEXIST, kho_preserve_pages(page, nr));
	kho_unpreserve_pages(page + nr - 1, 1);
	KUNIT_EXPECT_EQ(test, 0, kho_preserve_pages(page, nr));
	kho_unpreserve_pages(page, nr);
	__free_pages(block, LARGE_ORDER);
}

static void allocation_is_zeroed_and_aligned(struct kunit *test)
{
	const size_t sizes[] = { 1, PAGE_SIZE, PAGE_SIZE + 1, 5 * PAGE_SIZE,
				 LARGE_SIZE };
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *mem = kho_alloc_preserve(sizes[i]);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mem);
		KUNIT_EXPECT_NULL(test, memchr_inv(mem, 0, sizes[i]));
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(virt_to_phys(mem),
						   PAGE_SIZE << get_order(sizes[i])));
		KUNIT_EXPECT_EQ(test, -EEXIST,
				kho_preserve_folio(virt_to_folio(mem)));
		kho_unpreserve_free(mem);
	}
}

static void allocation_of_bad_size_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(kho_alloc_preserve(0)));
	KUNIT_EXPECT_EQ(test, -E2BIG, PTR_ERR(kho_alloc_preserve(MAX_SIZE + 1)));
	KUNIT_EXPECT_EQ(test, -E2BIG, PTR_ERR(kho_alloc_preserve(SIZE_MAX)));
}

static void null_is_freed(struct kunit *test)
{
	kho_unpreserve_free(NULL);
	kho_restore_free(NULL);
}

/* Preserve an area, and undo it, so that it can be preserved again. */
static void expect_preserved(struct kunit *test, void *mem, size_t size)
{
	struct kho_vmalloc area, twice;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_EXPECT_EQ(test, 0, kho_preserve_vmalloc(mem, &area));
	KUNIT_EXPECT_EQ(test, area.total_pages, size >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, -EEXIST, kho_preserve_vmalloc(mem, &twice));
	kho_unpreserve_vmalloc(&area);
	KUNIT_EXPECT_EQ(test, 0, kho_preserve_vmalloc(mem, &area));
	kho_unpreserve_vmalloc(&area);

	/* Nothing is left to be done. */
	KUNIT_EXPECT_EQ(test, area.first.phys, 0);
	kho_unpreserve_vmalloc(&area);
	vfree(mem);
}

static void vmalloc_area_is_preserved_once(struct kunit *test)
{
	const size_t size = (KHO_VMALLOC_CHUNK_SLOTS + 1) * PAGE_SIZE;

	expect_preserved(test, vmalloc(size), size);
	expect_preserved(test, vmalloc_huge(2 * PMD_SIZE, GFP_KERNEL),
			 2 * PMD_SIZE);
}

static void area_of_other_kind_is_refused(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct kho_vmalloc area;
	void *mem;

	KUNIT_ASSERT_NOT_NULL(test, page);
	mem = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kho_preserve_vmalloc(mem, &area));
	vunmap(mem);
	__free_page(page);

	mem = vmalloc_user(PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kho_preserve_vmalloc(mem, &area));
	vfree(mem);

	/* Behind all memory; it is not read. */
	mem = (void __force *)ioremap(virt_to_phys(high_memory - 1) + 1,
				      PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kho_preserve_vmalloc(mem, &area));
	iounmap((void __iomem __force *)mem);
}

static void no_area_is_refused(struct kunit *test)
{
	void *slab = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	void *mem = vmalloc(2 * PAGE_SIZE);
	struct kho_vmalloc area;

	KUNIT_EXPECT_EQ(test, -EINVAL, kho_preserve_vmalloc(slab, &area));
	KUNIT_EXPECT_EQ(test, -EINVAL, kho_preserve_vmalloc(NULL, &area));
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kho_preserve_vmalloc(mem + PAGE_SIZE, &area));
	vfree(mem);
}

static void subtree_twice_is_refused(struct kunit *test)
{
	void *blob = kho_alloc_preserve(PAGE_SIZE);
	void *other = kho_alloc_preserve(PAGE_SIZE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, blob);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_EQ(test, 0, kho_add_subtree("kunit", blob, 1));
	KUNIT_EXPECT_EQ(test, -EEXIST, kho_add_subtree("kunit", other, 1));
	KUNIT_EXPECT_EQ(test, 0, kho_add_subtree("kunit2", other, PAGE_SIZE));
	kho_remove_subtree(blob);
	KUNIT_EXPECT_EQ(test, 0, kho_add_subtree("kunit", blob, 1));
	kho_remove_subtree(blob);
	kho_remove_subtree(other);
	kho_unpreserve_free(blob);
	kho_unpreserve_free(other);
}

static void empty_subtree_is_refused(struct kunit *test)
{
	void *blob = kho_alloc_preserve(PAGE_SIZE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, blob);
	KUNIT_EXPECT_EQ(test, -EINVAL, kho_add_subtree("", blob, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, kho_add_subtree("kunit", blob, 0));
	KUNIT_EXPECT_EQ(test, 0, kho_add_subtree("kunit", blob, 1));
	kho_remove_subtree(blob);
	kho_unpreserve_free(blob);
}

/* Add subtrees until there is no room, remove them, and tell how many. */
static int fill_root(struct kunit *test, void **blobs)
{
	char name[16];
	int nr, i, err = 0;

	for (nr = 0; nr < MAX_SUBTREES; nr++) {
		blobs[nr] = kho_alloc_preserve(PAGE_SIZE);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, blobs[nr]);
		snprintf(name, sizeof(name), "kunit-%d", nr);
		err = kho_add_subtree(name, blobs[nr], PAGE_SIZE);
		if (err) {
			kho_unpreserve_free(blobs[nr]);
			break;
		}
	}
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);

	for (i = 0; i < nr; i++) {
		kho_remove_subtree(blobs[i]);
		kho_unpreserve_free(blobs[i]);
	}

	return nr;
}

static void full_root_takes_no_more(struct kunit *test)
{
	void **blobs = kunit_kcalloc(test, MAX_SUBTREES, sizeof(*blobs),
				     GFP_KERNEL);
	int nr;

	KUNIT_ASSERT_NOT_NULL(test, blobs);
	nr = fill_root(test, blobs);
	KUNIT_EXPECT_GT(test, nr, 1);

	/* What did not fit, and what was removed, takes no room. */
	KUNIT_EXPECT_EQ(test, fill_root(test, blobs), nr);
}

struct interrupts {
	struct hrtimer timer;
	int nr;
	int torn;
};

#define NR_INTERRUPTS	200

/* Would the next kernel find the root FDT whole if this one ended now? */
static bool root_is_whole(void)
{
	const void *fdt = phys_to_virt(kho_root_fdt());
	phys_addr_t tree;
	u64 phys, size;
	int err;

	err = kho_find_subtree_in(fdt, "kunit", &phys, &size);

	return !kho_check_fdt(fdt, KHO_FDT_SIZE, &tree) &&
	       (!err || err == -ENOENT);
}

static enum hrtimer_restart look_at_root(struct hrtimer *timer)
{
	struct interrupts *interrupts = container_of(timer, struct interrupts,
						     timer);

	if (!root_is_whole())
		interrupts->torn++;
	WRITE_ONCE(interrupts->nr, interrupts->nr + 1);
	if (interrupts->nr == NR_INTERRUPTS)
		return HRTIMER_NORESTART;

	hrtimer_forward_now(timer, 500 * NSEC_PER_USEC);

	return HRTIMER_RESTART;
}

/* A kexec stops the other processors by interrupts. */
static void root_is_whole_in_interrupts(struct kunit *test)
{
	void *blob = kho_alloc_preserve(PAGE_SIZE);
	struct interrupts interrupts = { };

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, blob);
	hrtimer_init_on_stack(&interrupts.timer, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
	interrupts.timer.function = look_at_root;

	/* The processor that writes is the one that is interrupted. */
	migrate_disable();
	hrtimer_start(&interrupts.timer, 0, HRTIMER_MODE_REL_PINNED_HARD);
	while (READ_ONCE(interrupts.nr) < NR_INTERRUPTS) {
		if (kho_add_subtree("kunit", blob, PAGE_SIZE))
			break;
		kho_remove_subtree(blob);
		cond_resched();
	}
	hrtimer_cancel(&interrupts.timer);
	migrate_enable();
	destroy_hrtimer_on_stack(&interrupts.timer);

	KUNIT_EXPECT_EQ(test, interrupts.nr, NR_INTERRUPTS);
	KUNIT_EXPECT_EQ(test, interrupts.torn, 0);
	kho_unpreserve_free(blob);
}

static void what_did_not_come_in_is_refused(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 1);
	struct kho_vmalloc none = { };
	phys_addr_t phys;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	phys = PFN_PHYS(folio_pfn(folio));
	KUNIT_EXPECT_EQ(test, 0, kho_preserve_folio(folio));
	KUNIT_EXPECT_NULL(test, kho_restore_folio(phys));
	KUNIT_EXPECT_NULL(test, kho_restore_folio(phys + PAGE_SIZE));
	KUNIT_EXPECT_NULL(test, kho_restore_folio(phys + 1));
	KUNIT_EXPECT_NULL(test, kho_restore_folio(PHYS_ADDR_MAX & PAGE_MASK));
	KUNIT_EXPECT_NULL(test, kho_restore_pages(phys, 2));
	KUNIT_EXPECT_NULL(test, kho_restore_pages(phys, 0));
	KUNIT_EXPECT_NULL(test, kho_restore_vmalloc(&none));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			kho_retrieve_subtree("kunit", &phys, NULL));
	kho_unpreserve_folio(folio);
	folio_put(folio);
}

static struct kunit_case kho_preserve_test_cases[] = {
	KUNIT_CASE(folio_twice_is_refused),
	KUNIT_CASE(pages_twice_are_refused),
	KUNIT_CASE(allocation_is_zeroed_and_aligned),
	KUNIT_CASE(allocation_of_bad_size_is_refused),
	KUNIT_CASE(null_is_freed),
	KUNIT_CASE(vmalloc_area_is_preserved_once),
	KUNIT_CASE(area_of_other_kind_is_refused),
	KUNIT_CASE(no_area_is_refused),
	KUNIT_CASE(subtree_twice_is_refused),
	KUNIT_CASE(empty_subtree_is_refused),
	KUNIT_CASE(full_root_takes_no_more),
	KUNIT_CASE(root_is_whole_in_interrupts),
	KUNIT_CASE(what_did_not_come_in_is_refused),
	{}
};

static struct kunit_suite kho_preserve_test_suite = {
	.name = "kho_preserve",
	.init = kho_preserve_test_init,
	.test_cases = kho_preserve_test_cases,
};

kunit_test_suite(kho_preserve_test_suite);
