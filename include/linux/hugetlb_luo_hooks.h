/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of files of hugetlbfs: what fs/hugetlbfs/inode.c, mm/hugetlb.c,
 * mm/hugetlb_vmemmap.c, mm/filemap.c and mm/memfd.c call.
 *
 * Each hook of a page fault begins with a static key: without a file that is
 * preserved, the hook is a no-op.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_HUGETLB_LUO_HOOKS_H
#define _LINUX_HUGETLB_LUO_HOOKS_H

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/mm.h>
#include <linux/xarray.h>

/* In &hugetlbfs_inode_info.luo_flags. */
#define HUGETLB_LUO_PRESERVED	0x1U	/* size and holes are fixed */
#define HUGETLB_LUO_FROZEN	0x2U	/* holes are not filled either */
#define HUGETLB_LUO_LOST	0x4U	/* each hole may be a page that is lost */

#ifdef CONFIG_LIVEUPDATE_HUGETLB

/* mm/hugetlb_luo_pool.c */
unsigned long hugetlb_luo_counted(const struct hstate *h, int nid);
int hugetlb_luo_next_node(struct hstate *h, int nid);
void hugetlb_luo_count_incoming(void);
unsigned long hugetlb_luo_awaited(void);
unsigned long hugetlb_luo_surplus(struct hstate *h);

/* mm/hugetlb_luo_insert.h */
#ifdef CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP
bool hugetlb_luo_is_optimized(struct folio *folio);
int hugetlb_luo_restore_vmemmap(struct folio *folio);
#endif

/* mm/hugetlb_luo_freeze.c */
extern struct static_key_false_deferred hugetlb_luo_preserved;

vm_fault_t __hugetlb_luo_before_fault(struct vm_fault *vmf);
void __hugetlb_luo_seals_added(struct inode *inode);
void __hugetlb_luo_evict(struct inode *inode);

static __always_inline bool hugetlb_luo_has_flag(struct inode *inode,
						 unsigned int flag)
{
	return static_branch_unlikely(&hugetlb_luo_preserved.key) &&
	       unlikely(READ_ONCE(HUGETLBFS_I(inode)->luo_flags) & flag);
}

/* A new inode. */
static inline void hugetlb_luo_init_inode(struct inode *inode)
{
	HUGETLBFS_I(inode)->luo_flags = 0;
}

/* Before an inode is evicted. */
static inline void hugetlb_luo_evict(struct inode *inode)
{
	if (HUGETLBFS_I(inode)->luo_flags & HUGETLB_LUO_LOST)
		__hugetlb_luo_evict(inode);
}

/*
 * Before a page fault, without a lock of hugetlbfs: does it have to wait, or to
 * fail? Returns 0, or what the fault is to return.
 */
static __always_inline vm_fault_t hugetlb_luo_before_fault(struct vm_fault *vmf)
{
	if (!hugetlb_luo_has_flag(file_inode(vmf->vma->vm_file),
				  HUGETLB_LUO_FROZEN | HUGETLB_LUO_LOST))
		return 0;
	return __hugetlb_luo_before_fault(vmf);
}

#else /* CONFIG_LIVEUPDATE_HUGETLB */

static inline bool hugetlb_luo_is_optimized(struct folio *folio)
{
	return false;
}

static inline int hugetlb_luo_restore_vmemmap(struct folio *folio)
{
	return 0;
}

static inline unsigned long hugetlb_luo_counted(const struct hstate *h, int nid)
{
	return 0;
}

static inline int hugetlb_luo_next_node(struct hstate *h, int nid)
{
	return nid;
}

static inline void hugetlb_luo_count_incoming(void) { }

static inline unsigned long hugetlb_luo_awaited(void)
{
	return 0;
}

static inline unsigned long hugetlb_luo_surplus(struct hstate *h)
{
	return 0;
}

static inline bool hugetlb_luo_has_flag(struct inode *inode, unsigned int flag)
{
	return false;
}

static inline void hugetlb_luo_init_inode(struct inode *inode) { }
static inline void hugetlb_luo_evict(struct inode *inode) { }
static inline void __hugetlb_luo_seals_added(struct inode *inode) { }

static inline vm_fault_t hugetlb_luo_before_fault(struct vm_fault *vmf)
{
	return 0;
}

#endif /* CONFIG_LIVEUPDATE_HUGETLB */

/* Under the inode lock: are the size and the holes of the file fixed? */
static __always_inline bool hugetlb_luo_is_preserved(struct inode *inode)
{
	return hugetlb_luo_has_flag(inode, HUGETLB_LUO_PRESERVED);
}

/* Before a read of a hole: is what was there lost? */
static __always_inline bool hugetlb_luo_is_lost(struct inode *inode)
{
	return hugetlb_luo_has_flag(inode, HUGETLB_LUO_LOST);
}

/* Before the file gets a size, under the inode lock: must it not? */
static inline bool hugetlb_luo_keeps_size(struct inode *inode, loff_t size)
{
	return hugetlb_luo_is_preserved(inode) && size != inode->i_size;
}

/* Before a mapping up to @end, under the inode lock: must the file not grow? */
static inline bool hugetlb_luo_keeps_end(struct inode *inode, loff_t end,
					 vm_flags_t flags)
{
	return hugetlb_luo_is_preserved(inode) && flags & VM_WRITE &&
	       end > inode->i_size;
}

/*
 * Before a huge page is put into the page cache, under its lock: true if it must
 * not, because the file is frozen. The error, -EAGAIN, is set in @xas.
 */
static __always_inline bool hugetlb_luo_keeps_hole(struct xa_state *xas,
						   struct inode *inode)
{
	if (!hugetlb_luo_has_flag(inode, HUGETLB_LUO_FROZEN))
		return false;
	xas_set_err(xas, -EAGAIN);
	return true;
}

/*
 * What becomes of a page fault whose huge page could not be put into a hole. If
 * the file was frozen meanwhile, the fault begins anew, and waits for the thaw.
 */
static inline vm_fault_t hugetlb_luo_hole_fault(int error)
{
	return IS_ENABLED(CONFIG_LIVEUPDATE_HUGETLB) && error == -EAGAIN ?
	       0 : VM_FAULT_SIGBUS;
}

/* After seals were added, without the inode lock. */
static inline void hugetlb_luo_seals_added(struct file *file)
{
	if (IS_ENABLED(CONFIG_LIVEUPDATE_HUGETLB) && is_file_hugepages(file))
		__hugetlb_luo_seals_added(file_inode(file));
}

#endif /* _LINUX_HUGETLB_LUO_HOOKS_H */
