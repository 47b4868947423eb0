// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: keeping a preserved file from changing its size and
 * from getting holes, and a frozen one from getting more folios.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>

#include "memfd_luo.h"
#include "memfd_luo_hooks.h"

/* How many files are preserved. */
DEFINE_STATIC_KEY_DEFERRED_FALSE(memfd_luo_preserved, HZ);

/**
 * memfd_luo_set_preserved - fix the size and the holes of a file
 * @inode: the file
 *
 * The flags of the inode are changed by callbacks for this file only, and LUO
 * never runs two of these at the same time.
 *
 * A task that writes to the file can hold the inode lock for a long time: for
 * as long as the memory that it copies from makes it wait. So a task that waits
 * here for the inode lock can be killed. Otherwise it would block the freeze.
 *
 * Context: may sleep. Takes the inode lock, and that of CPU hotplug before it.
 * Return: 0, -EINTR if killed, -EOPNOTSUPP if the file has a seal that the
 * format does not know, or -EBUSY if it is preserved already.
 */
int memfd_luo_set_preserved(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);
	int err = 0;

	/* Whoever takes the inode lock after us checks the flags. */
	static_branch_deferred_inc(&memfd_luo_preserved);
	if (inode_lock_killable(inode)) {
		static_branch_slow_dec_deferred(&memfd_luo_preserved);
		return -EINTR;
	}
	if (info->seals & ~MEMFD_LUO_ALL_SEALS)
		err = -EOPNOTSUPP;
	else if (memfd_luo_is_preserved(inode))
		err = -EBUSY;
	else
		WRITE_ONCE(info->flags, info->flags | SHMEM_F_PRESERVED);
	inode_unlock(inode);
	if (err)
		static_branch_slow_dec_deferred(&memfd_luo_preserved);
	return err;
}

/**
 * memfd_luo_clear_preserved - let the size and the holes of a file change again
 * @inode: the file
 *
 * A call that began before may still return EPERM.
 */
void memfd_luo_clear_preserved(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);

	WRITE_ONCE(info->flags, info->flags & ~SHMEM_F_PRESERVED);
	static_branch_slow_dec_deferred(&memfd_luo_preserved);
}

/**
 * memfd_luo_set_frozen - let no hole of a preserved file be filled
 * @inode:    the file
 * @nr_pages: pages in its preserved folios
 *
 * This and the filling of holes are ordered by the lock of the page cache. The
 * inode lock must not be taken here: a task may hold the inode lock while it
 * waits, on a page fault, for the thaw of another file.
 *
 * Context: takes the lock of the page cache.
 * Return: whether the file has folios that are not among the preserved ones.
 */
bool memfd_luo_set_frozen(struct inode *inode, unsigned long nr_pages)
{
	struct address_space *mapping = inode->i_mapping;
	struct shmem_inode_info *info = SHMEM_I(inode);
	bool grown;

	xa_lock_irq(&mapping->i_pages);
	WRITE_ONCE(info->flags, info->flags | SHMEM_F_FROZEN);
	/*
	 * Preserved folios are never swapped out. A folio that is being swapped
	 * out or in is counted in nrpages, in swapped, or in both.
	 */
	grown = mapping->nrpages != nr_pages || READ_ONCE(info->swapped);
	xa_unlock_irq(&mapping->i_pages);

	/* Pairs with __memfd_luo_seals_added(). */
	smp_mb();
	return grown;
}

/**
 * memfd_luo_clear_frozen - let the holes of a file be filled again
 * @inode: the file
 *
 * Context: takes the lock of the page cache.
 */
void memfd_luo_clear_frozen(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);

	xa_lock_irq(&inode->i_mapping->i_pages);
	WRITE_ONCE(info->flags, info->flags & ~SHMEM_F_FROZEN);
	xa_unlock_irq(&inode->i_mapping->i_pages);

	/* wake_up_var() must not look for waiters before the flag is clear. */
	smp_mb();
	wake_up_var(&info->flags);
}

/**
 * __memfd_luo_wait_thaw - wait while a file is frozen
 * @inode: the file
 *
 * Context: may sleep until the kernel is replaced.
 * Return: 0, or -EINTR if killed.
 */
int __memfd_luo_wait_thaw(struct inode *inode)
{
	if (wait_var_event_killable(&SHMEM_I(inode)->flags,
				    !memfd_luo_is_frozen(inode)))
		return -EINTR;
	return 0;
}

/**
 * __memfd_luo_seals_added - do not report new seals while the file is frozen
 * @inode: the file, to which the caller has just added seals
 *
 * If the freeze has begun, the record of the file may lack the new seals. Then
 * the caller waits, lest it tells its user that the seals are set.
 *
 * Context: may sleep until the kernel is replaced. Called without a lock.
 */
void __memfd_luo_seals_added(struct inode *inode)
{
	/* Pairs with memfd_luo_set_frozen(): it sees the seals, or we wait. */
	smp_mb();
	memfd_luo_wait_thaw(inode);
}
