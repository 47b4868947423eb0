// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: the handler that LUO calls.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Preservation of tmpfs
 *
 * The root directory of a mount of tmpfs in a live update session keeps all of the
 * mount over the update: directories, names, hard links, symlinks, device nodes,
 * FIFOs; the contents, holes, owners, modes, times, inode numbers, flags, extended
 * attributes and POSIX ACLs of files; and the mount options. Folios are not copied,
 * as those of memfds are not.
 *
 * Taken is the whole superblock, by a file that is its root directory, opened with
 * O_RDONLY; of a bind mount only if it has the root. Not taken are mounts with
 * quotas, mounts of another user namespace than the initial one, and devtmpfs.
 * Not carried on are sockets, where and how often it was mounted, propagation and
 * ID mapping of mounts, the device number, mbind(), and memory that fallocate()
 * reserved beyond the end of a file.
 *
 * While preserved
 *   the mount stays read-only, which it has to be before. So nothing changes, and
 *   nothing is left to do in the freeze. The folios are pinned, outside the scratch
 *   areas; what was swapped out is brought back. A page fault in a hole adds a page
 *   to the file here, but not in the next kernel.
 *
 * When retrieved
 *   the mount is in no mount namespace, as what fsmount() gives: move_mount() puts
 *   it into the tree, and closing the file without that unmounts it. It is
 *   read-only. All names are there. A large file gets its folios as a memfd does:
 *   when they are used first, by a worker, or when the session is finished.
 *
 * When damaged
 *   nothing can be retrieved, if it is the record of the mount, a list of pages of
 *   an array, or their checksums. If it is a page of names, these are lost, with
 *   all that is below them; of inodes, they are lost, with their names; of
 *   attributes, the files are there, and only root can open them; of records of
 *   folios, the parts of files that they are of give EIO. To finish the session
 *   gives EIO then.
 *
 * When memory failed
 *   the page that failed is lost, as that of a memfd.
 */
#define pr_fmt(fmt) "tmpfs_luo: " fmt

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/xxhash.h>

#include "tmpfs_luo.h"

static bool tmpfs_luo_can_preserve(struct liveupdate_file_handler *handler,
				   struct file *file)
{
	return tmpfs_luo_is_root(file);
}

static unsigned long tmpfs_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file)->i_sb;
}

/* Writes what may have changed since the mount was preserved. */
static void write_record(struct tmpfs_luo *tl, struct file *file)
{
	struct tmpfs_luo_ser *ser = tl->ser;

	tmpfs_luo_get_options(file_inode(file)->i_sb, ser);
	ser->mnt_flags = READ_ONCE(file->f_path.mnt->mnt_flags) &
			 MNT_USER_SETTABLE_MASK;
	ser->sum = xxh64(ser, offsetof(struct tmpfs_luo_ser, sum),
			 tl->identity);
}

static struct tmpfs_luo *tmpfs_luo_alloc(u32 identity)
{
	struct tmpfs_luo *tl;

	tl = kzalloc(sizeof(*tl), GFP_KERNEL_ACCOUNT);
	if (!tl)
		return ERR_PTR(-ENOMEM);
	tl->ser = kho_alloc_preserve(sizeof(*tl->ser));
	if (IS_ERR(tl->ser)) {
		int err = PTR_ERR(tl->ser);

		kfree(tl);
		return ERR_PTR(err);
	}
	tl->identity = identity;
	return tl;
}

/* Frees all, as far as there is something. */
static void tmpfs_luo_free(struct tmpfs_luo *tl)
{
	unsigned int i;

	for (i = 0; i < TMPFS_LUO_NR_ARRAYS; i++)
		if (tl->ser->arrays[i].nr)
			kho_unpreserve_vmalloc(&tl->ser->arrays[i].units);
	for (i = 0; i < TMPFS_LUO_FOLIOS; i++)
		memfd_luo_records_free(&tl->arrays[i]);
	memfd_luo_drop_folios(&tl->folios);
	kho_unpreserve_free(tl->ser);
	kfree(tl);
}

static int preserve_arrays(struct tmpfs_luo *tl)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < TMPFS_LUO_NR_ARRAYS && !err; i++)
		err = tmpfs_luo_preserve_array(tmpfs_luo_units_of(tl, i),
					       &tl->ser->arrays[i],
					       tl->identity);
	return err;
}

static int tmpfs_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct super_block *sb = file_inode(args->file)->i_sb;
	struct tmpfs_luo *tl;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	tl = tmpfs_luo_alloc(args->identity);
	if (IS_ERR(tl))
		return PTR_ERR(tl);
	err = tmpfs_luo_set_preserved(sb);
	if (err)
		goto err_free;
	err = tmpfs_luo_collect(tl, sb);
	if (!err)
		err = memfd_luo_account(&tl->folios);
	if (!err)
		err = preserve_arrays(tl);
	if (err)
		goto err_clear;

	write_record(tl, args->file);
	args->serialized_data = virt_to_phys(tl->ser);
	args->private_data = tl;
	return 0;

err_clear:
	tmpfs_luo_clear_preserved(sb);
err_free:
	tmpfs_luo_free(tl);
	return err;
}

static void tmpfs_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct tmpfs_luo *tl = args->private_data;

	tmpfs_luo_free(tl);
	tmpfs_luo_clear_preserved(file_inode(args->file)->i_sb);
}

static int tmpfs_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct tmpfs_luo *tl = args->private_data;

	write_record(tl, args->file);
	return memfd_luo_may_have_tags() ? memfd_luo_check_tags(&tl->folios) : 0;
}

static const struct liveupdate_file_ops tmpfs_luo_ops = {
	.can_preserve = tmpfs_luo_can_preserve,
	.preserve = tmpfs_luo_preserve,
	.unpreserve = tmpfs_luo_unpreserve,
	.freeze = tmpfs_luo_freeze,
	.retrieve = tmpfs_luo_retrieve,
	.finish = tmpfs_luo_finish,
	.get_id = tmpfs_luo_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler tmpfs_luo_handler = {
	.ops = &tmpfs_luo_ops,
	.compatible = TMPFS_LUO_FH_COMPATIBLE,
};

static int __init tmpfs_luo_init(void)
{
	int err = liveupdate_register_file_handler(&tmpfs_luo_handler);

	if (!err || err == -EOPNOTSUPP)
		return 0;
	pr_err("mounts of tmpfs cannot be preserved: handler not registered: %d\n",
	       err);
	return err;
}
late_initcall(tmpfs_luo_init);
