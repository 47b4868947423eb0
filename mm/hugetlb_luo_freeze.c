// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of files of hugetlbfs: keeping a preserved file from changing its
 * size and from getting holes, and a frozen one from getting more folios.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/hugetlb_luo_hooks.h>
#include <linux/pagemap.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>

#include "hugetlb_luo.h"

/* How many files are preserved. */
DEFINE_STATIC_KEY_DEFERRED_FALSE(hugetlb_luo_preserved, HZ);

/**
 * hugetlb_luo_set_preserved - fix the size and the holes of a file
 * @inode: the file
 *
 * The flags of the inode are changed by callbacks for this file only, and LUO
 * never runs two of these at the same time. A task that waits here for the inode
 * lock can be killed. Otherwise it would block the freeze.
 *
 * Context: may sleep. Takes the inode lock, and that of CPU hotplug before it.
 * Return: 0, -EINTR if killed, -EOPNOTSUPP if the file has a seal that the
 * format does not know, or -EBUSY if it is preserved already.
 */
int hugetlb_luo_set_preserved(struct inode *inode)
{
	struct hugetlbfs_inode_info *info = HUGETLBFS_I(inode);
	int err = 0;

	/* Whoever takes the inode lock after us checks the flags. */
	static_branch_deferred_inc(&hugetlb_luo_preserved);
	if (inode_lock_killable(inode)) {
		static_branch_slow_dec_deferred(&hugetlb_luo_preserved);
		return -EINTR;
	}
	if (info->seals & ~MEMFD_LUO_ALL_SEALS)
		err = -EOPNOTSUPP;
	else if (hugetlb_luo_is_preserved(inode))
		err = -EBUSY;
	else
		WRITE_ONCE(info->luo_flags, HUGETLB_LUO_PRESERVED);
	inode_unlock(inode);
	if (err)
		static_branch_slow_dec_deferred(&hugetlb_luo_preserved);
	return err;
}

/**
 * hugetlb_luo_clear_preserved - let the size and the holes of a file change again
 * @inode: the file
 *
 * A call that began before may still return EPERM.
 */
void hugetlb_luo_clear_preserved(struct inode *inode)
{
	WRITE_ONCE(HUGETLBFS_I(inode)->luo_flags, 0);
	static_branch_slow_dec_deferred(&hugetlb_luo_preserved);
}

/**
 * hugetlb_luo_set_frozen - let no hole of a preserved file be filled
 * @inode:    the file
 * @nr_pages: base pages in its preserved folios
 *
 * This and the filling of holes are ordered by the lock of the page cache.
 *
 * Context: takes the lock of the page cache.
 * Return: whether the file has folios that are not among the preserved ones.
 */
bool hugetlb_luo_set_frozen(struct inode *inode, unsigned long nr_pages)
{
	struct address_space *mapping = inode->i_mapping;
	struct hugetlbfs_inode_info *info = HUGETLBFS_I(inode);
	bool grown;

	xa_lock_irq(&mapping->i_pages);
	WRITE_ONCE(info->luo_flags, info->luo_flags | HUGETLB_LUO_FROZEN);
	grown = mapping->nrpages != nr_pages;
	xa_unlock_irq(&mapping->i_pages);

	/* Pairs with __hugetlb_luo_seals_added(). */
	smp_mb();
	return grown;
}

/**
 * hugetlb_luo_clear_frozen - let the holes of a file be filled again
 * @inode: the file
 *
 * Context: takes the lock of the page cache.
 */
void hugetlb_luo_clear_frozen(struct inode *inode)
{
	struct hugetlbfs_inode_info *info = HUGETLBFS_I(inode);

	xa_lock_irq(&inode->i_mapping->i_pages);
	WRITE_ONCE(info->luo_flags, info->luo_flags & ~HUGETLB_LUO_FROZEN);
	xa_unlock_irq(&inode->i_mapping->i_pages);

	/* wake_up_var() must not look for waiters before the flag is clear. */
	smp_mb();
	wake_up_var(&info->luo_flags);
}

static bool is_frozen(struct inode *inode)
{
	return hugetlb_luo_has_flag(inode, HUGETLB_LUO_FROZEN);
}

/**
 * __hugetlb_luo_wait_thaw - wait while a hole of a frozen file cannot be filled
 * @inode: the file
 * @index: of the page that is needed, in huge pages
 *
 * Context: may sleep until the kernel is replaced.
 * Return: 0, at once if there is no hole, or -EINTR if killed.
 */
int __hugetlb_luo_wait_thaw(struct inode *inode, pgoff_t index)
{
	index <<= huge_page_order(hstate_inode(inode));
	if (xa_load(&inode->i_mapping->i_pages, index))
		return 0;
	if (wait_var_event_killable(&HUGETLBFS_I(inode)->luo_flags,
				    !is_frozen(inode)))
		return -EINTR;
	return 0;
}

/**
 * __hugetlb_luo_seals_added - do not report new seals while the file is frozen
 * @inode: the file, to which the caller has just added seals
 *
 * If the freeze has begun, the record of the file may lack the new seals. Then
 * the caller waits, lest it tells its user that the seals are set.
 *
 * Context: may sleep until the kernel is replaced. Called without a lock.
 */
void __hugetlb_luo_seals_added(struct inode *inode)
{
	/* Pairs with hugetlb_luo_set_frozen(): it sees the seals, or we wait. */
	smp_mb();
	if (is_frozen(inode))
		wait_var_event_killable(&HUGETLBFS_I(inode)->luo_flags,
					!is_frozen(inode));
}
