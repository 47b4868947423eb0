/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of mounts of tmpfs: what only mm/shmem.c can do.
 *
 * A part of mm/shmem.c, which alone includes it, as it uses static functions
 * from there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_TMPFS_LUO_SHMEM_H
#define _MM_TMPFS_LUO_SHMEM_H

#ifdef CONFIG_LIVEUPDATE_TMPFS

#include <linux/err.h>
#include <linux/fs_context.h>
#include <linux/user_namespace.h>

#include "tmpfs_luo.h"

/**
 * tmpfs_luo_is_root - is a file the root directory of a mount of tmpfs?
 * @file: the file
 *
 * Return: false also for mounts of the kernel and those of user namespaces.
 */
bool tmpfs_luo_is_root(struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;

	return sb->s_type == &shmem_fs_type && !(sb->s_flags & SB_KERNMOUNT) &&
	       sb->s_user_ns == &init_user_ns &&
	       file->f_path.dentry == sb->s_root;
}

/**
 * tmpfs_luo_set_preserved - keep a mount read-only
 * @sb: its superblock
 *
 * A mount becomes read-only only when there is no file that was opened for
 * writing, no such mapping, no file without a name, and no system call that
 * changes something. So nothing changes from here on.
 *
 * Context: may sleep. Takes s_umount.
 * Return: 0, -EBUSY if it is not read-only or is preserved already, or -EOPNOTSUPP
 * if it has quotas.
 */
int tmpfs_luo_set_preserved(struct super_block *sb)
{
	struct shmem_sb_info *sbinfo = SHMEM_SB(sb);
	int err = 0;

	down_write(&sb->s_umount);
	if (sb_any_quota_loaded(sb))
		err = -EOPNOTSUPP;
	else if (!sb_rdonly(sb) || sbinfo->preserved)
		err = -EBUSY;
	else
		sbinfo->preserved = true;
	up_write(&sb->s_umount);
	return err;
}

/**
 * tmpfs_luo_clear_preserved - let a mount become writable
 * @sb: its superblock
 *
 * Context: may sleep. Takes s_umount.
 */
void tmpfs_luo_clear_preserved(struct super_block *sb)
{
	down_write(&sb->s_umount);
	SHMEM_SB(sb)->preserved = false;
	up_write(&sb->s_umount);
}

#ifdef CONFIG_NUMA
static void tmpfs_luo_get_mpol(struct super_block *sb,
			       struct tmpfs_luo_ser *ser)
{
	struct mempolicy *mpol = shmem_get_sbmpol(SHMEM_SB(sb));

	if (mpol)
		mpol_to_str(ser->mpol, sizeof(ser->mpol), mpol);
	mpol_put(mpol);
	/* What is cut off here would be other nodes. */
	if (strlen(ser->mpol) == sizeof(ser->mpol) - 1) {
		pr_warn("tmpfs_luo: the memory policy of %s is too long to hand over, and is left out\n",
			sb->s_id);
		memset(ser->mpol, 0, sizeof(ser->mpol));
	}
}
#else
static void tmpfs_luo_get_mpol(struct super_block *sb,
			       struct tmpfs_luo_ser *ser)
{
}
#endif /* CONFIG_NUMA */

/**
 * tmpfs_luo_get_options - write the mount options
 * @sb:  the superblock
 * @ser: the record of the mount
 */
void tmpfs_luo_get_options(struct super_block *sb, struct tmpfs_luo_ser *ser)
{
	struct shmem_sb_info *sbinfo = SHMEM_SB(sb);

	raw_spin_lock(&sbinfo->stat_lock);
	ser->max_blocks = sbinfo->max_blocks;
	ser->max_inodes = sbinfo->max_inodes;
	ser->next_ino = sbinfo->next_ino;
	ser->mode = sbinfo->mode;
	ser->uid = from_kuid(&init_user_ns, sbinfo->uid);
	ser->gid = from_kgid(&init_user_ns, sbinfo->gid);
	ser->huge = sbinfo->huge;
	ser->flags = (sbinfo->full_inums ? TMPFS_LUO_INODE64 : 0) |
		     (sbinfo->noswap ? TMPFS_LUO_NOSWAP : 0);
	raw_spin_unlock(&sbinfo->stat_lock);

	memcpy(ser->uuid, sb->s_uuid.b, sizeof(ser->uuid));
	memset(ser->mpol, 0, sizeof(ser->mpol));
	tmpfs_luo_get_mpol(sb, ser);
}

/**
 * tmpfs_luo_options_ok - are mount options that came in possible?
 * @ser: the record of the mount
 *
 * Return: whether they are.
 */
bool tmpfs_luo_options_ok(const struct tmpfs_luo_ser *ser)
{
	return ser->max_blocks <= LONG_MAX &&
	       ser->max_inodes <= ULONG_MAX / BOGO_INODE_SIZE &&
	       !(ser->mode & ~07777) && ser->huge <= SHMEM_HUGE_ADVISE &&
	       uid_valid(make_kuid(&init_user_ns, ser->uid)) &&
	       gid_valid(make_kgid(&init_user_ns, ser->gid)) &&
	       !(ser->flags & ~(TMPFS_LUO_INODE64 | TMPFS_LUO_NOSWAP)) &&
	       !(ser->mnt_flags & ~MNT_USER_SETTABLE_MASK) &&
	       strnlen(ser->mpol, sizeof(ser->mpol)) < sizeof(ser->mpol);
}

static void tmpfs_luo_set_options(struct shmem_options *ctx,
				  const struct tmpfs_luo_ser *ser)
{
	char mpol[TMPFS_LUO_MPOL_SIZE];

	/* While all is created there are no limits. */
	ctx->blocks = LONG_MAX;
	ctx->inodes = ULONG_MAX / BOGO_INODE_SIZE;
	ctx->full_inums = ser->flags & TMPFS_LUO_INODE64;
	ctx->noswap = ser->flags & TMPFS_LUO_NOSWAP;
	ctx->seen = SHMEM_SEEN_BLOCKS | SHMEM_SEEN_INODES | SHMEM_SEEN_INUMS;
	ctx->mode = ser->mode;
	ctx->uid = make_kuid(&init_user_ns, ser->uid);
	ctx->gid = make_kgid(&init_user_ns, ser->gid);
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	    has_transparent_hugepage())
		ctx->huge = ser->huge;

	/* mpol_parse_str() writes to the string. */
	strscpy(mpol, ser->mpol);
	if (IS_ENABLED(CONFIG_NUMA) && *mpol && mpol_parse_str(mpol, &ctx->mpol))
		pr_warn("tmpfs_luo: the memory policy mpol=%s is not possible here, and is left out\n",
			ser->mpol);
}

/**
 * tmpfs_luo_mount - make an empty mount for what came in
 * @ser: the record of the mount, which was checked
 *
 * Context: may sleep.
 * Return: the mount, which is read-only and in no mount namespace, or an ERR_PTR.
 */
struct vfsmount *tmpfs_luo_mount(const struct tmpfs_luo_ser *ser)
{
	struct fs_context *fc;
	struct vfsmount *mnt;

	fc = fs_context_for_mount(&shmem_fs_type, SB_RDONLY);
	if (IS_ERR(fc))
		return ERR_CAST(fc);
	/* Whoever retrieves it, it is of the user namespace that it was of. */
	put_user_ns(fc->user_ns);
	fc->user_ns = get_user_ns(&init_user_ns);
	fc->source = kstrdup(shmem_fs_type.name, GFP_KERNEL);
	tmpfs_luo_set_options(fc->fs_private, ser);
	mnt = fc->source ? fc_mount(fc) : ERR_PTR(-ENOMEM);
	put_fs_context(fc);
	if (IS_ERR(mnt))
		return mnt;
	mnt->mnt_flags = ser->mnt_flags;
	super_set_uuid(mnt->mnt_sb, ser->uuid, sizeof(ser->uuid));
	return mnt;
}

/**
 * tmpfs_luo_set_limits - let a mount have its limits
 * @sb:  its superblock, after everything was created
 * @ser: the record of the mount
 */
void tmpfs_luo_set_limits(struct super_block *sb,
			  const struct tmpfs_luo_ser *ser)
{
	struct shmem_sb_info *sbinfo = SHMEM_SB(sb);
	unsigned long used, room = ser->max_inodes * BOGO_INODE_SIZE;

	raw_spin_lock(&sbinfo->stat_lock);
	used = sbinfo->max_inodes * BOGO_INODE_SIZE - sbinfo->free_ispace;
	sbinfo->max_inodes = ser->max_inodes;
	sbinfo->free_ispace = room > used ? room - used : 0;
	sbinfo->max_blocks = ser->max_blocks;
	sbinfo->next_ino = ser->next_ino;
	raw_spin_unlock(&sbinfo->stat_lock);
}

/**
 * tmpfs_luo_link - give an inode another name
 * @dir:    the directory
 * @dentry: the name
 * @old:    another name of the inode, which is no directory
 *
 * Return: 0 or an errno of shmem_link().
 */
int tmpfs_luo_link(struct inode *dir, struct dentry *dentry, struct dentry *old)
{
	return shmem_link(old, dir, dentry);
}

/**
 * tmpfs_luo_create - make an inode with a name
 * @dir:    the directory
 * @dentry: the name
 * @mode:   of the inode
 * @rdev:   of a device node
 * @target: of a symlink
 *
 * Return: 0 or an errno.
 */
int tmpfs_luo_create(struct inode *dir, struct dentry *dentry, umode_t mode,
		     dev_t rdev, const char *target)
{
	if (S_ISLNK(mode))
		return shmem_symlink(&nop_mnt_idmap, dir, dentry, target);
	if (S_ISDIR(mode))
		return shmem_mkdir(&nop_mnt_idmap, dir, dentry, mode);
	return shmem_mknod(&nop_mnt_idmap, dir, dentry, mode, rdev);
}

/**
 * tmpfs_luo_set_flags - set the flags of an inode, as chattr does
 * @inode:   the inode, which no other task has access to yet
 * @fsflags: FS_*_FL
 */
void tmpfs_luo_set_flags(struct inode *inode, unsigned int fsflags)
{
	SHMEM_I(inode)->fsflags = fsflags & SHMEM_FL_USER_MODIFIABLE;
	shmem_set_inode_flags(inode, SHMEM_I(inode)->fsflags);
}

#endif /* CONFIG_LIVEUPDATE_TMPFS */

#endif /* _MM_TMPFS_LUO_SHMEM_H */
