// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: finding and checking what came in of a mount.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "tmpfs_luo: " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/limits.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/time64.h>
#include <linux/uidgid.h>
#include <linux/xxhash.h>

#include "tmpfs_luo.h"

static bool ser_ok(const struct tmpfs_luo_ser *ser, u32 identity)
{
	const u64 nr = ser->arrays[TMPFS_LUO_INODES].nr;
	unsigned int i;

	if (ser->sum != xxh64(ser, offsetof(struct tmpfs_luo_ser, sum), identity) ||
	    !tmpfs_luo_options_ok(ser) || !nr || nr % TMPFS_LUO_INODE_UNITS ||
	    nr / TMPFS_LUO_INODE_UNITS > BIT_ULL(32))
		return false;
	for (i = 0; i < TMPFS_LUO_NR_ARRAYS; i++)
		if (!tmpfs_luo_array_ok(&ser->arrays[i], identity))
			return false;
	return true;
}

/* Finds the record and checks it, before memory that it names is restored. */
static struct tmpfs_luo_ser *
find_record(const struct liveupdate_file_op_args *args)
{
	const u64 data = args->serialized_data;
	struct tmpfs_luo_ser *ser;

	if (kho_is_preserved(data, sizeof(*ser))) {
		ser = phys_to_virt(data);
		if (ser_ok(ser, args->identity))
			return ser;
	}
	pr_err("what was handed over of a tmpfs at %#llx is damaged; its memory stays reserved until the next reboot\n",
	       data);
	return NULL;
}

/**
 * tmpfs_luo_consumed - free what described a mount
 * @in: the mount, which has its files, or never will
 *
 * Context: may sleep.
 */
void tmpfs_luo_consumed(struct tmpfs_luo_in *in)
{
	unsigned int i;

	for (i = 0; i < TMPFS_LUO_NR_ARRAYS; i++)
		tmpfs_luo_free_array(&in->arrays[i]);
	kho_restore_free(in->ser);
	in->ser = NULL;
}

/**
 * tmpfs_luo_open - take over what describes a mount that came in
 * @args: what LUO knows of the mount
 *
 * Context: may sleep. Logs damage.
 * Return: what came in, for tmpfs_luo_consumed() and kfree(). Or -EINVAL if the
 * record, or a list of pages is damaged, and nothing was restored; or -ENOMEM, and
 * everything is lost.
 */
struct tmpfs_luo_in *tmpfs_luo_open(const struct liveupdate_file_op_args *args)
{
	struct tmpfs_luo_in *in;
	unsigned int i;
	int err = 0;

	in = kzalloc(sizeof(*in), GFP_KHO_RESTORE);
	in->ser = find_record(args);
	if (!in->ser) {
		kfree(in);
		return ERR_PTR(-EINVAL);
	}
	for (i = 0; i < TMPFS_LUO_NR_ARRAYS && !err; i++)
		err = tmpfs_luo_restore_array(&in->ser->arrays[i],
					      &in->arrays[i]);
	if (err) {
		tmpfs_luo_consumed(in);
		kfree(in);
		return ERR_PTR(err);
	}
	return in;
}

/**
 * tmpfs_luo_nr_inodes - how many inodes were handed over?
 * @in: the mount
 *
 * Return: the number, one at least.
 */
u64 tmpfs_luo_nr_inodes(const struct tmpfs_luo_in *in)
{
	return in->arrays[TMPFS_LUO_INODES].nr / TMPFS_LUO_INODE_UNITS;
}

static bool inode_ok(const struct tmpfs_luo_inode_ser *ser)
{
	switch (ser->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		break;
	default:
		return false;
	}
	return !(ser->mode & ~(S_IFMT | S_IALLUGO)) &&
	       ser->size <= MAX_LFS_FILESIZE &&
	       ser->atime_nsec < NSEC_PER_SEC &&
	       ser->mtime_nsec < NSEC_PER_SEC &&
	       ser->ctime_nsec < NSEC_PER_SEC &&
	       ser->btime_nsec < NSEC_PER_SEC &&
	       uid_valid(make_kuid(&init_user_ns, ser->uid)) &&
	       gid_valid(make_kgid(&init_user_ns, ser->gid));
}

/**
 * tmpfs_luo_inode - get the record of an inode
 * @in: the mount
 * @i:  number of the inode
 *
 * Its places in other arrays are not checked.
 *
 * Return: the record, or NULL if there is none, or it is damaged.
 */
struct tmpfs_luo_inode_ser *tmpfs_luo_inode(const struct tmpfs_luo_in *in,
					    u64 i)
{
	struct tmpfs_luo_inode_ser *ser;

	ser = tmpfs_luo_get(&in->arrays[TMPFS_LUO_INODES],
			    i * TMPFS_LUO_INODE_UNITS, TMPFS_LUO_INODE_UNITS);
	return ser && inode_ok(ser) ? ser : NULL;
}
