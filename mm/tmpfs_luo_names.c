// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: making the names and the inodes of a mount that
 * came in.
 *
 * Each name is made once, and has a directory that has a name already, or is the
 * root. So names need no other order, and directories cannot make a circle. What
 * is below a name that is lost is lost as well.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/stat.h>
#include <linux/string.h>

#include "tmpfs_luo.h"

static bool name_ok(const char *name, unsigned int size)
{
	return size <= NAME_MAX && !memchr(name, '/', size) &&
	       !memchr(name, '\0', size) &&
	       !(name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')));
}

/* The attributes of an inode that has some; NULL if they are damaged. */
static const void *get_attrs(const struct tmpfs_luo_in *in,
			     const struct tmpfs_luo_inode_ser *ser)
{
	return tmpfs_luo_get(&in->arrays[TMPFS_LUO_ATTRS], ser->attrs,
			     ser->nr_attrs);
}

/* Makes an inode with its first name. */
static int create(const struct tmpfs_luo_in *in, struct inode *dir,
		  struct dentry *dentry, u32 nr)
{
	const struct tmpfs_luo_inode_ser *ser = tmpfs_luo_inode(in, nr);
	const char *target = NULL;
	const void *attrs;

	if (!ser)
		return -EIO;
	if (S_ISLNK(ser->mode)) {
		attrs = ser->nr_attrs ? get_attrs(in, ser) : NULL;
		target = attrs ? tmpfs_luo_target(attrs, ser->nr_attrs) : NULL;
		if (!target)
			return -EIO;
	}
	/* All permissions come later. */
	return tmpfs_luo_create(dir, dentry, ser->mode & S_IFMT,
				new_decode_dev(ser->rdev), target);
}

/* Makes a name. Returns -EIO if it is damaged, or something that it needs is. */
static int make_name(const struct tmpfs_luo_in *in, struct dentry **dentries,
		     const struct tmpfs_luo_name_ser *ser)
{
	const u64 nr = tmpfs_luo_nr_inodes(in);
	struct qstr name = QSTR_INIT((const char *)(ser + 1), ser->size);
	struct dentry *parent, *dentry, *other;
	struct inode *dir;
	int err;

	if (ser->zero || ser->parent >= nr || ser->child >= nr ||
	    !name_ok(name.name, ser->size))
		return -EIO;
	parent = dentries[ser->parent];
	other = dentries[ser->child];
	if (!parent || !d_is_dir(parent) || (other && d_is_dir(other)))
		return -EIO;

	name.hash = full_name_hash(parent, name.name, name.len);
	dentry = d_lookup(parent, &name);
	if (dentry) {
		dput(dentry);
		return -EIO;
	}
	dentry = d_alloc(parent, &name);
	if (!dentry)
		return -ENOMEM;
	d_set_d_op(dentry, &simple_dentry_operations);
	dir = d_inode(parent);
	/* If that offset is taken, the name gets another one. */
	SHMEM_I(dir)->dir_offsets.next_offset = ser->offset;
	if (other)
		err = tmpfs_luo_link(dir, dentry, other);
	else
		err = create(in, dir, dentry, ser->child);
	if (!err) {
		d_rehash(dentry);
		/* The name holds a reference of its own. */
		dentries[ser->child] = other ?: dentry;
	}
	dput(dentry);
	return err;
}

/**
 * tmpfs_luo_make_names - make all names and inodes
 * @in:       the mount; what is lost is counted
 * @dentries: the first name of each inode, NULL if it has none; filled in. The
 *            root is there
 *
 * Inodes get neither their attributes nor their contents here.
 *
 * Context: may sleep.
 * Return: 0, also if something is lost; -EINTR if killed; or an errno if memory is
 * short.
 */
int tmpfs_luo_make_names(struct tmpfs_luo_in *in, struct dentry **dentries)
{
	const struct tmpfs_luo_array *names = &in->arrays[TMPFS_LUO_NAMES];
	const struct tmpfs_luo_name_ser *ser;
	u64 i, nr, end;
	int err;

	for (i = 0; i < names->nr; i += nr) {
		end = min(round_down(i, MEMFD_LUO_PER_PAGE) + MEMFD_LUO_PER_PAGE,
			  names->nr);
		nr = end - i;
		if (!tmpfs_luo_page_ok(names, i)) {
			in->lost++;
			continue;
		}
		ser = tmpfs_luo_get(names, i, 1);
		if (!ser->size)
			continue;
		if (1 + tmpfs_luo_units(ser->size) > nr) {
			in->lost++;
			continue;
		}
		nr = 1 + tmpfs_luo_units(ser->size);
		if (fatal_signal_pending(current))
			return -EINTR;
		err = make_name(in, dentries, ser);
		if (err == -EIO)
			in->lost++;
		else if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static void set_inode(struct inode *inode,
		      const struct tmpfs_luo_inode_ser *ser)
{
	struct shmem_inode_info *info = SHMEM_I(inode);

	inode->i_ino = ser->ino;
	inode->i_generation = ser->generation;
	i_uid_write(inode, ser->uid);
	i_gid_write(inode, ser->gid);
	inode->i_mode = ser->mode;
	if (S_ISREG(inode->i_mode))
		inode->i_size = ser->size;
	if (S_ISDIR(inode->i_mode))
		info->dir_offsets.next_offset = ser->next_offset;
	inode_set_atime(inode, ser->atime, ser->atime_nsec);
	inode_set_mtime(inode, ser->mtime, ser->mtime_nsec);
	inode_set_ctime(inode, ser->ctime, ser->ctime_nsec);
	info->i_crtime.tv_sec = ser->btime;
	info->i_crtime.tv_nsec = ser->btime_nsec;
	tmpfs_luo_set_flags(inode, ser->fsflags);
}

/*
 * Sets the attributes of an inode. They are in the order of the inodes, and behind
 * *@next, which is moved: so none is of two inodes. Returns an errno, -ENOMEM or
 * another one if some are lost.
 */
static int set_attrs(const struct tmpfs_luo_in *in, struct dentry *dentry,
		     const struct tmpfs_luo_inode_ser *ser, u64 *next)
{
	const void *attrs;

	if (!ser->nr_attrs)
		return 0;
	attrs = ser->attrs >= *next ? get_attrs(in, ser) : NULL;
	if (!attrs)
		return -EIO;
	*next = ser->attrs + ser->nr_attrs;
	return tmpfs_luo_set_attrs(dentry, attrs, ser->nr_attrs);
}

/**
 * tmpfs_luo_set_inodes - give the inodes what they have beside names and contents
 * @in:       the mount; what is lost is counted
 * @dentries: the first name of each inode, NULL if it has none
 *
 * An ACL can take permissions away, and so can a label. If some of the attributes
 * of a file are lost, it is open to nobody but root.
 *
 * Context: may sleep.
 * Return: 0, also if something is lost; -EINTR if killed; or -ENOMEM.
 */
int tmpfs_luo_set_inodes(struct tmpfs_luo_in *in, struct dentry **dentries)
{
	const u64 nr = tmpfs_luo_nr_inodes(in);
	const struct tmpfs_luo_inode_ser *ser;
	struct inode *inode;
	u64 i, next = 0;
	int err;

	for (i = 0; i < nr; i++) {
		if (!dentries[i])
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		inode = d_inode(dentries[i]);
		ser = tmpfs_luo_inode(in, i);
		err = -EIO;
		/* The root is there even if its record is damaged. */
		if (ser && !inode_wrong_type(inode, ser->mode)) {
			err = set_attrs(in, dentries[i], ser, &next);
			if (err == -ENOMEM)
				return err;
			set_inode(inode, ser);
		}
		if (err) {
			in->lost++;
			inode->i_mode &= S_IFMT;
		}
		cond_resched();
	}
	return 0;
}
