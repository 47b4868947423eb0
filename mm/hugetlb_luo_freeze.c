// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of files of hugetlbfs: keeping a preserved file from changing its
 * size and from getting holes, a frozen one from getting more folios, and one
 * that has lost folios from having zeroes there.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/hugetlb_luo_hooks.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>

#include "hugetlb_luo.h"

/* How many files are preserved, or have lost folios. */
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
 * format does not know, -EIO if it has lost folios, or -EBUSY if it is preserved
 * already.
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
	else if (hugetlb_luo_is_lost(inode))
		err = -EIO;
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

static int wait_thaw(struct inode *inode)
{
	return wait_var_event_killable(&HUGETLBFS_I(inode)->luo_flags,
				       !is_frozen(inode));
}

/*
 * Waits without the lock of the mm or of the VMA, if the fault can be retried.
 * Others of the process, and who looks at it, do not wait then.
 */
static vm_fault_t fault_wait_thaw(struct vm_fault *vmf, struct inode *inode)
{
	struct file *file;

	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return wait_thaw(inode) ? VM_FAULT_SIGBUS : 0;

	/* As the caller asks for, with its lock. */
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;

	/* Without the lock, the VMA may go, and with it its file. */
	file = get_file(vmf->vma->vm_file);
	release_fault_lock(vmf);
	wait_thaw(inode);
	fput(file);
	return VM_FAULT_RETRY;
}

/**
 * __hugetlb_luo_before_fault - what a page fault in a hole has to do first
 * @vmf: the fault, in a file that is frozen or has lost folios
 *
 * Context: may sleep until the kernel is replaced.
 * Return: 0 to go on, at once if there is no hole; VM_FAULT_RETRY, by the rules
 * for it, after the thaw; VM_FAULT_SIGBUS if killed, or if what is in the place
 * of the hole may be lost.
 */
vm_fault_t __hugetlb_luo_before_fault(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	const pgoff_t index = vmf->pgoff << huge_page_order(hstate_inode(inode));

	if (xa_load(&inode->i_mapping->i_pages, index))
		return 0;
	if (hugetlb_luo_is_lost(inode))
		return VM_FAULT_SIGBUS;
	/* A private page fills no hole. */
	if (!is_frozen(inode) || !(vmf->vma->vm_flags & VM_MAYSHARE))
		return 0;
	return fault_wait_thaw(vmf, inode);
}

/**
 * hugetlb_luo_set_lost - let holes of a file be errors
 * @inode: the file, just retrieved, which no user knows yet
 *
 * It is not known which folios are lost. Each hole may be one, until it is filled
 * by fallocate().
 *
 * Context: may sleep. Takes the lock of CPU hotplug.
 */
void hugetlb_luo_set_lost(struct inode *inode)
{
	static_branch_deferred_inc(&hugetlb_luo_preserved);
	WRITE_ONCE(HUGETLBFS_I(inode)->luo_flags, HUGETLB_LUO_LOST);
}

/**
 * __hugetlb_luo_evict - a file that has lost folios is evicted
 * @inode: the file
 */
void __hugetlb_luo_evict(struct inode *inode)
{
	WRITE_ONCE(HUGETLBFS_I(inode)->luo_flags, 0);
	static_branch_slow_dec_deferred(&hugetlb_luo_preserved);
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
		wait_thaw(inode);
}
