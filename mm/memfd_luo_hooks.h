/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of memfds: what mm/shmem.c and mm/memfd.c call, and what of
 * mm/shmem.c is called.
 *
 * Each hook of a read, a write or a page fault begins with a static key: without
 * a file that is preserved, or one that lacks folios, the hook is a no-op. Those
 * of eviction, of seals and of a failure are not: these are rare.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_MEMFD_LUO_HOOKS_H
#define _MM_MEMFD_LUO_HOOKS_H

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/shmem_fs.h>
#include <linux/xarray.h>

/* mm/shmem.c */
int shmem_add_to_page_cache(struct folio *folio, struct address_space *mapping,
			    pgoff_t index, void *expected, gfp_t gfp);
void shmem_recalc_inode(struct inode *inode, long alloced, long swapped);

/* memfd_luo_fill.c */
extern struct static_key_false_deferred memfd_luo_filling;

bool __memfd_luo_is_filling(struct inode *inode);
int __memfd_luo_fill_at(struct inode *inode, pgoff_t index);
int __memfd_luo_fill_all(struct inode *inode, bool killable);
void __memfd_luo_fill_end(struct inode *inode);

/* memfd_luo_freeze.c */
extern struct static_key_false_deferred memfd_luo_preserved;

int __memfd_luo_wait_thaw(struct inode *inode);
void __memfd_luo_seals_added(struct inode *inode);

#ifdef CONFIG_LIVEUPDATE_MEMFD
static __always_inline bool memfd_luo_has_flag(struct inode *inode,
					       unsigned long flag)
{
	return static_branch_unlikely(&memfd_luo_preserved.key) &&
	       unlikely(READ_ONCE(SHMEM_I(inode)->flags) & flag);
}

/* Was the file retrieved, and are there folios that it does not have yet? */
static __always_inline bool memfd_luo_is_filling(struct inode *inode)
{
	if (!static_branch_unlikely(&memfd_luo_filling.key)) {
		/*
		 * Pairs with fill_done(): the caller finds all folios in the
		 * page cache. Where code is patched, that is a barrier.
		 */
		if (!IS_ENABLED(CONFIG_JUMP_LABEL))
			smp_rmb();	/* see above */
		return false;
	}
	return unlikely(SHMEM_I(inode)->fill) && __memfd_luo_is_filling(inode);
}

/* Before the inode is evicted. */
static inline void memfd_luo_fill_end(struct inode *inode)
{
	if (SHMEM_I(inode)->fill)
		__memfd_luo_fill_end(inode);
}
#else
static inline bool memfd_luo_has_flag(struct inode *inode, unsigned long flag)
{
	return false;
}

static inline bool memfd_luo_is_filling(struct inode *inode)
{
	return false;
}

static inline void memfd_luo_fill_end(struct inode *inode)
{
}
#endif /* CONFIG_LIVEUPDATE_MEMFD */

/* Is the size of the file fixed, and must it get no new holes? */
static __always_inline bool memfd_luo_is_preserved(struct inode *inode)
{
	return memfd_luo_has_flag(inode, SHMEM_F_PRESERVED);
}

/* Must the holes not be filled either? */
static __always_inline bool memfd_luo_is_frozen(struct inode *inode)
{
	return memfd_luo_has_flag(inode, SHMEM_F_FROZEN);
}

/* Before khugepaged fills holes: must it not? */
static __always_inline bool memfd_luo_keeps_holes(struct inode *inode)
{
	return memfd_luo_is_preserved(inode) || memfd_luo_is_filling(inode);
}

/*
 * Before a folio is put into the page cache, under its lock: true if it is to go
 * into a hole of a frozen file. The error, -EAGAIN, is set in @xas.
 */
static __always_inline bool memfd_luo_keeps_hole(struct xa_state *xas,
						 struct inode *inode,
						 void *expected)
{
	if (!memfd_luo_is_frozen(inode) || expected)
		return false;
	xas_set_err(xas, -EAGAIN);
	return true;
}

/*
 * The error of a folio that could not be put into a hole. If the file was frozen
 * meanwhile, this has shmem_get_folio_gfp() look again, and wait for the thaw.
 */
static inline int memfd_luo_hole_error(int error)
{
	return IS_ENABLED(CONFIG_LIVEUPDATE_MEMFD) && error == -EAGAIN ?
	       -EEXIST : error;
}

/* Before the page cache is looked at: 0, or -EIO when the folio is lost. */
static __always_inline int memfd_luo_fill_at(struct inode *inode, pgoff_t index)
{
	if (likely(!memfd_luo_is_filling(inode)))
		return 0;
	return __memfd_luo_fill_at(inode, index);
}

/* Before what concerns the whole file: 0, -EIO, or -EINTR when killed. */
static inline int memfd_luo_fill_all(struct inode *inode, bool killable)
{
	return memfd_luo_is_filling(inode) ?
	       __memfd_luo_fill_all(inode, killable) : 0;
}

/* Before a hole is filled: 0, or -EINTR when killed while the file is frozen. */
static __always_inline int memfd_luo_wait_thaw(struct inode *inode)
{
	if (likely(!memfd_luo_is_frozen(inode)))
		return 0;
	return __memfd_luo_wait_thaw(inode);
}

/* Before a write up to @end, under the inode lock: must the file not grow? */
static __always_inline bool memfd_luo_keeps_end(struct inode *inode, loff_t end)
{
	return memfd_luo_is_preserved(inode) && end > inode->i_size;
}

/*
 * Before the file gets a size, under the inode lock: true if it must not. *@error
 * says why. If the file keeps its size, *@error also says that folios are lost.
 */
static inline bool memfd_luo_keeps_size(struct inode *inode, loff_t size,
					int *error)
{
	if (memfd_luo_is_preserved(inode) && size != inode->i_size) {
		*error = -EPERM;
		return true;
	}
	if (!memfd_luo_is_filling(inode))
		return false;
	*error = __memfd_luo_fill_all(inode, true);
	return *error == -EINTR;
}

/* Before fallocate(), under the inode lock: 0, -EPERM, or -EINTR when killed. */
static inline int memfd_luo_before_fallocate(struct inode *inode)
{
	if (memfd_luo_is_preserved(inode))
		return -EPERM;
	/* Lost folios do not matter: they can be replaced by a hole. */
	return memfd_luo_fill_all(inode, true) == -EINTR ? -EINTR : 0;
}

/* After seals were added, without the inode lock. */
static inline void memfd_luo_seals_added(struct file *file)
{
	if (IS_ENABLED(CONFIG_LIVEUPDATE_MEMFD) && shmem_file(file))
		__memfd_luo_seals_added(file_inode(file));
}

#endif /* _MM_MEMFD_LUO_HOOKS_H */
