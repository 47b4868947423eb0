// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: making the mount in the next kernel, or freeing
 * what nobody retrieved.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "tmpfs_luo: " fmt

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mount.h>
#include <linux/slab.h>

#include "tmpfs_luo.h"

/* Makes the mount, but for the contents of its files. */
static struct file *make_mount(struct tmpfs_luo_in *in,
			       struct dentry **dentries)
{
	struct file *file;
	struct path root;
	int err;

	root.mnt = tmpfs_luo_mount(in->ser);
	if (IS_ERR(root.mnt))
		return ERR_CAST(root.mnt);
	root.dentry = root.mnt->mnt_root;

	dentries[0] = root.dentry;
	in->lost = 0;
	err = tmpfs_luo_make_names(in, dentries);
	if (!err)
		err = tmpfs_luo_set_inodes(in, dentries);
	tmpfs_luo_set_limits(root.mnt->mnt_sb, in->ser);
	file = err ? ERR_PTR(err) : open_detached_mount(&root, current_cred());
	mntput(root.mnt);
	return file;
}

/**
 * tmpfs_luo_retrieve - make the mount that was handed over
 * @args: what LUO knows of the mount; the file is put here
 *
 * Nothing but arrays is restored before there is a mount with all its names. The
 * arrays are kept until that works.
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 * Return: 0, also if something is lost; -EINVAL if the record is damaged; -EAGAIN
 * if there is no memory for the mount, it was refused, or the caller is being killed
 * while it makes names; or -ENOMEM if there is no memory for the arrays.
 */
int tmpfs_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct tmpfs_luo_in *in = args->private_data;
	struct dentry **dentries;
	struct file *file;

	if (!in) {
		in = tmpfs_luo_open(args);
		if (IS_ERR(in))
			return PTR_ERR(in);
		args->private_data = in;
	}
	dentries = tmpfs_luo_alloc_in(tmpfs_luo_nr_inodes(in) *
				      sizeof(*dentries), __GFP_ZERO);
	file = make_mount(in, dentries);
	if (!IS_ERR(file)) {
		tmpfs_luo_fill_files(in, dentries);
		tmpfs_luo_consumed(in);
	}
	kvfree(dentries);
	if (IS_ERR(file)) {
		if (PTR_ERR(file) != -ENOMEM && PTR_ERR(file) != -EINTR)
			pr_warn("a tmpfs cannot be mounted: %pe; it can be retrieved again\n",
				file);
		return -EAGAIN;
	}

	if (in->lost)
		pr_err("a tmpfs has lost at least %llu names, files or attributes: restore them from elsewhere\n",
		       in->lost);
	args->file = file;
	return 0;
}

/**
 * tmpfs_luo_finish - have all folios in a mount, or free what was not retrieved
 * @args: what LUO knows of the mount; its status becomes -EIO if something is lost
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 */
void tmpfs_luo_finish(struct liveupdate_file_op_args *args)
{
	struct tmpfs_luo_in *in = args->private_data;

	if (args->retrieve_status > 0) {
		if (tmpfs_luo_wait_files(file_inode(args->file)->i_sb) ||
		    in->lost)
			args->retrieve_status = -EIO;
		kfree(in);
		return;
	}
	if (!in && memfd_luo_is_left(args, sizeof(*in->ser)))
		in = tmpfs_luo_open(args);
	if (IS_ERR_OR_NULL(in))
		return;
	tmpfs_luo_discard_files(in);
	tmpfs_luo_consumed(in);
	kfree(in);
}
