// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: what a preserved and a frozen file refuses.
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

/*
 * Fixes the size and the holes of the file. The flags are changed by callbacks
 * for this file only, which never run at the same time.
 *
 * Who writes to the file can hold the inode lock for as long as the memory that
 * is written from lets it wait. This must not keep the freeze from beginning
 * for good, so a task that waits for it here can be killed.
 */
int memfd_luo_set_preserved(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);
	int err = 0;

	if (inode_lock_killable(inode))
		return -EINTR;
	if (info->seals & ~MEMFD_LUO_ALL_SEALS)
		err = -EOPNOTSUPP;
	else if (shmem_is_preserved(inode))
		err = -EBUSY;
	else
		WRITE_ONCE(info->flags, info->flags | SHMEM_F_PRESERVED);
	inode_unlock(inode);
	return err;
}

/* A call that began before may still return EPERM. */
void memfd_luo_clear_preserved(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);

	WRITE_ONCE(info->flags, info->flags & ~SHMEM_F_PRESERVED);
}

/*
 * From here on no hole is filled. Returns whether folios were added that are
 * not among the @nr_pages preserved ones.
 *
 * The lock of the page cache is what orders this and the filling of holes. The
 * inode lock must not be taken: a task may hold it while it waits, for the thaw
 * of another file, on a page fault.
 */
bool memfd_luo_set_frozen(struct inode *inode, unsigned long nr_pages)
{
	struct address_space *mapping = inode->i_mapping;
	struct shmem_inode_info *info = SHMEM_I(inode);
	bool grown;

	xa_lock_irq(&mapping->i_pages);
	WRITE_ONCE(info->flags, info->flags | SHMEM_F_FROZEN);
	/*
	 * Preserved folios are never swapped out. What is on its way there or
	 * back is counted in one of the two, or in both, under this lock.
	 */
	grown = mapping->nrpages != nr_pages || READ_ONCE(info->swapped);
	xa_unlock_irq(&mapping->i_pages);

	/* Pairs with __memfd_luo_seals_added(). */
	smp_mb();
	return grown;
}

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

int __memfd_luo_wait_thaw(struct inode *inode)
{
	if (wait_var_event_killable(&SHMEM_I(inode)->flags,
				    !shmem_is_frozen(inode)))
		return -EINTR;
	return 0;
}

/*
 * Called with seals just added and no lock held. If the freeze has begun, the
 * seals may have come too late for the record: then the caller must not get to
 * know that they are set.
 */
void __memfd_luo_seals_added(struct inode *inode)
{
	/* Pairs with memfd_luo_set_frozen(): it sees the seals, or we wait. */
	smp_mb();
	memfd_luo_wait_thaw(inode);
}
