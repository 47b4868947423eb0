// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: putting one folio that was handed over into the page
 * cache of its new memfd.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/kexec_handover.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#include "memfd_luo.h"
#include "memfd_luo_hooks.h"

static int check_folio(struct inode *inode, struct folio *folio,
		       const struct memfd_luo_folio_ser *ser)
{
	if (!IS_ALIGNED(ser->index, folio_nr_pages(folio)) ||
	    folio_order(folio) > MAX_PAGECACHE_ORDER ||
	    ser->index >= memfd_luo_end_index(i_size_read(inode)))
		return -EINVAL;
	if (folio_test_large(folio) &&
	    !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)) {
		pr_err("huge folios need CONFIG_TRANSPARENT_HUGEPAGE\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * The folio is accounted like one that was just allocated, but for the size of
 * the file, and charged to the active memory cgroup. It is marked dirty, because
 * there is no other copy of it. For the same reason it is not given up when there
 * is no memory for a page cache node, nor beyond a limit of the cgroup or of the
 * system. No task of the cgroup is killed for the charge: it could be the task
 * that holds the memfd.
 *
 * The caller holds the only reference.
 */
static int add_to_page_cache(struct inode *inode, struct folio *folio,
			     pgoff_t index)
{
	struct address_space *mapping = inode->i_mapping;
	gfp_t gfp = GFP_KHO_RESTORE | __GFP_NORETRY;
	long nr = folio_nr_pages(folio);
	int err;

	if (folio_test_large(folio))
		folio_set_large_rmappable(folio);
	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);

	err = mem_cgroup_charge(folio, NULL, gfp);
	if (err)
		goto unlock;
	err = shmem_add_to_page_cache(folio, mapping, index, NULL, gfp);
	if (err)
		goto unlock;
	/* Blocks are counted by who calls, limit or not. There are no quotas. */
	vm_acct_memory(nr);
	shmem_recalc_inode(inode, nr, 0);
	folio_mark_dirty(folio);
	/* As memory_failure() leaves it: reclaim and compaction keep off. */
	if (likely(!folio_contain_hwpoisoned_page(folio)))
		folio_add_lru(folio);
unlock:
	folio_unlock(folio);
	return err;
}

/* Drops the caller's reference to the folio. */
static int insert_folio(struct inode *inode, struct folio *folio, pgoff_t index,
			const struct memfd_luo_folio_ser *ser, u64 *nr_pages)
{
	int err;

	if (ser->flags & MEMFD_LUO_FOLIO_UPTODATE)
		folio_mark_uptodate(folio);
	err = add_to_page_cache(inode, folio, index);
	if (!err)
		*nr_pages += folio_nr_pages(folio);
	/* The page cache has its own references. */
	folio_put(folio);
	return err;
}

/*
 * A folio with poisoned pages enters the page cache page by page. A poisoned
 * page is lost: shmem gives EIO or SIGBUS for it, and never frees it.
 */
static int insert_poisoned(struct inode *inode, unsigned long nr,
			   const struct memfd_luo_folio_ser *ser, u64 *nr_pages)
{
	const pgoff_t end = memfd_luo_end_index(i_size_read(inode));
	struct page *page = kho_restore_pages(PFN_PHYS(ser->pfn), nr);
	unsigned long i;
	int err = 0, ret;

	if (!page)
		return -EINVAL;

	for (i = 0; i < nr; i++) {
		if (IS_ALIGNED(ser->index, nr) && ser->index + i < end) {
			ret = insert_folio(inode, page_folio(page + i),
					   ser->index + i, ser, nr_pages);
			err = err ?: ret;
		} else {
			/* A huge folio may reach beyond the end of the file. */
			put_page(page + i);
			err = i ? err : -EINVAL;
		}
	}
	return err;
}

/**
 * memfd_luo_insert - restore a folio and put it into the page cache
 * @inode:    the memfd
 * @ser:      the record of the folio, with its checksum verified
 * @nr_pages: the number of pages that the memfd got is added to this
 *
 * The folio is charged to the active memory cgroup. On failure the folio is
 * freed, as far as it could be restored.
 *
 * Context: may sleep. The caller takes care that a record is inserted once.
 * Return: 0, -EINVAL if the record does not fit the file or its folio,
 * -EOPNOTSUPP for a huge folio in a kernel without huge folios, or -EEXIST if
 * there is something in its place.
 */
int memfd_luo_insert(struct inode *inode, const struct memfd_luo_folio_ser *ser,
		     u64 *nr_pages)
{
	unsigned long nr = kho_poisoned_folio(PFN_PHYS(ser->pfn));
	struct folio *folio;
	int err;

	if (nr)
		return insert_poisoned(inode, nr, ser, nr_pages);

	folio = kho_restore_folio(PFN_PHYS(ser->pfn));
	if (!folio)
		return -EINVAL;

	err = check_folio(inode, folio, ser);
	if (!err)
		return insert_folio(inode, folio, ser->index, ser, nr_pages);

	folio_put(folio);
	return err;
}
