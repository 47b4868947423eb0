// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: walking over a mount, and writing down what is
 * in it.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/limits.h>
#include <linux/maple_tree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/stat.h>
#include <linux/xarray.h>

#include "memfd_luo_hooks.h"
#include "tmpfs_luo.h"

/**
 * struct walk - a walk over a mount, level by level
 * @tl:    what is written
 * @nr:    inodes so far
 * @pages: pages in their files
 * @dirs:  the dentry of each directory, by the number of its inode
 * @links: the number of each inode with more names than one, by its address
 */
struct walk {
	struct tmpfs_luo *tl;
	unsigned long nr;
	unsigned long pages;
	struct xarray dirs;
	struct xarray links;
};

/* Inodes lie in slabs: their numbers there are close to each other. */
static unsigned long link_key(const struct inode *inode)
{
	return (unsigned long)inode / sizeof(struct shmem_inode_info);
}

/* Preserves the folios of a regular file. */
static int add_folios(struct walk *walk, struct inode *inode,
		      struct tmpfs_luo_inode_ser *ser)
{
	struct memfd_luo_folios *folios = &walk->tl->folios;
	const unsigned long nr_pages = folios->nr_pages;
	int err;

	err = memfd_luo_fill_all(inode, true);
	if (err)
		return err;
	walk->pages += memfd_luo_nr_pages(inode);
	if (!memfd_luo_fits(walk->pages))
		return -ENOMEM;

	ser->size = i_size_read(inode);
	ser->folios = folios->records.nr;
	err = memfd_luo_collect(inode, 0, memfd_luo_end_index(ser->size),
				folios);
	ser->nr_folios = folios->records.nr - ser->folios;
	ser->nr_pages = folios->nr_pages - nr_pages;
	return err;
}

static void write_inode(struct inode *inode, struct tmpfs_luo_inode_ser *ser)
{
	const struct shmem_inode_info *info = SHMEM_I(inode);

	*ser = (struct tmpfs_luo_inode_ser) {
		.ino = inode->i_ino,
		.atime = inode_get_atime_sec(inode),
		.mtime = inode_get_mtime_sec(inode),
		.ctime = inode_get_ctime_sec(inode),
		.btime = info->i_crtime.tv_sec,
		.atime_nsec = inode_get_atime_nsec(inode),
		.mtime_nsec = inode_get_mtime_nsec(inode),
		.ctime_nsec = inode_get_ctime_nsec(inode),
		.btime_nsec = info->i_crtime.tv_nsec,
		.mode = inode->i_mode,
		.uid = i_uid_read(inode),
		.gid = i_gid_read(inode),
		.rdev = new_encode_dev(inode->i_rdev),
		.generation = inode->i_generation,
		.fsflags = info->fsflags,
	};
	if (S_ISDIR(inode->i_mode))
		ser->next_offset = min(info->dir_offsets.next_offset, U32_MAX);
}

/* Adds an inode. Its number is that of the inodes before it. */
static int add_inode(struct walk *walk, struct dentry *dentry)
{
	struct memfd_luo_records *attrs = &walk->tl->arrays[TMPFS_LUO_ATTRS];
	struct inode *inode = d_inode(dentry);
	struct tmpfs_luo_inode_ser ser;
	int err;

	if (walk->nr > U32_MAX)
		return -EFBIG;
	write_inode(inode, &ser);
	ser.attrs = attrs->nr;
	err = tmpfs_luo_add_attrs(attrs, dentry);
	if (!err && attrs->nr - ser.attrs > U32_MAX)
		err = -EFBIG;
	ser.nr_attrs = attrs->nr - ser.attrs;
	if (!err && S_ISREG(inode->i_mode))
		err = add_folios(walk, inode, &ser);
	if (!err)
		err = tmpfs_luo_add(&walk->tl->arrays[TMPFS_LUO_INODES], &ser,
				    sizeof(ser));
	if (!err && S_ISDIR(inode->i_mode))
		err = xa_err(xa_store(&walk->dirs, walk->nr, dentry,
				      GFP_KERNEL));
	walk->nr++;
	return err;
}

/* Sets *@nr to the number of the inode, which is added if it is new. */
static int find_inode(struct walk *walk, struct dentry *dentry, u32 *nr)
{
	struct inode *inode = d_inode(dentry);
	const bool linked = !S_ISDIR(inode->i_mode) && inode->i_nlink > 1;
	void *entry;

	entry = linked ? xa_load(&walk->links, link_key(inode)) : NULL;
	*nr = entry ? xa_to_value(entry) : walk->nr;
	if (entry)
		return 0;
	if (linked) {
		entry = xa_store(&walk->links, link_key(inode),
				 xa_mk_value(*nr), GFP_KERNEL);
		if (xa_is_err(entry))
			return xa_err(entry);
	}
	return add_inode(walk, dentry);
}

/* A name lies in one page. */
static int add_name(struct walk *walk, struct tmpfs_luo_name_ser *ser,
		    const char *name)
{
	struct memfd_luo_records *names = &walk->tl->arrays[TMPFS_LUO_NAMES];
	const struct tmpfs_luo_name_ser end = {};
	const unsigned long page_end = round_up(names->nr, MEMFD_LUO_PER_PAGE);
	int err = 0;

	if (names->nr + 1 + tmpfs_luo_units(ser->size) > page_end &&
	    names->nr < page_end) {
		err = tmpfs_luo_add(names, &end, sizeof(end));
		if (!err)
			names->nr = page_end;
	}
	if (!err)
		err = tmpfs_luo_add(names, ser, sizeof(*ser));
	if (!err)
		err = tmpfs_luo_add(names, name, ser->size);
	return err;
}

static int add_dir(struct walk *walk, u32 nr, struct dentry *dir)
{
	struct maple_tree *mt = &SHMEM_I(d_inode(dir))->dir_offsets.mt;
	struct tmpfs_luo_name_ser ser = { .parent = nr };
	unsigned long index = 0;
	struct dentry *dentry;
	int err;

	mt_for_each(mt, dentry, index, ULONG_MAX) {
		if (fatal_signal_pending(current))
			return -EINTR;
		/* A socket is of no use without the process that it is of. */
		if (S_ISSOCK(d_inode(dentry)->i_mode))
			continue;
		err = find_inode(walk, dentry, &ser.child);
		if (err)
			return err;
		ser.offset = (unsigned long)dentry->d_fsdata;
		ser.size = dentry->d_name.len;
		err = add_name(walk, &ser, dentry->d_name.name);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/**
 * tmpfs_luo_collect - write down what is in a mount, and preserve its folios
 * @tl: the preserved mount, which is empty; on failure it is left to the caller
 * @sb: the superblock, which stays read-only: so no name, no inode and no size
 *      changes, and no lock is needed
 *
 * A page fault in a hole of a file adds a folio that is not preserved: what it has
 * is what a hole has.
 *
 * Context: may sleep.
 * Return: 0; -EINTR if killed; -ENOMEM; -EFBIG for more than 2^32 inodes; -EIO if
 * something is lost since an update before; or an errno of memfd_luo_collect().
 */
int tmpfs_luo_collect(struct tmpfs_luo *tl, struct super_block *sb)
{
	struct walk walk = { .tl = tl };
	struct dentry *dir;
	unsigned long nr;
	int err;

	xa_init(&walk.dirs);
	xa_init(&walk.links);
	err = add_inode(&walk, sb->s_root);
	/* Finds the directories that are added meanwhile, too. */
	xa_for_each(&walk.dirs, nr, dir) {
		if (err)
			break;
		err = add_dir(&walk, nr, dir);
	}
	xa_destroy(&walk.dirs);
	xa_destroy(&walk.links);
	return err;
}
