/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of mounts of tmpfs: what mm/shmem.c calls.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_TMPFS_LUO_HOOKS_H
#define _MM_TMPFS_LUO_HOOKS_H

#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/shmem_fs.h>

/*
 * Before a mount is reconfigured, under s_umount: must it stay as it is? A mount
 * that is preserved stays read-only. Its other options can change: fsconfig() need
 * not say anything about this one.
 */
static inline bool tmpfs_luo_stays_readonly(const struct fs_context *fc)
{
#ifdef CONFIG_LIVEUPDATE_TMPFS
	const struct shmem_sb_info *sbinfo = fc->root->d_sb->s_fs_info;

	return sbinfo->preserved && (fc->sb_flags_mask & SB_RDONLY) &&
	       !(fc->sb_flags & SB_RDONLY);
#else
	return false;
#endif
}

#endif /* _MM_TMPFS_LUO_HOOKS_H */
