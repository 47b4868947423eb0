/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of mounts of tmpfs: what its files share, under the file that
 * defines it, from below. A file calls only files that stand above it here.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_TMPFS_LUO_H
#define _MM_TMPFS_LUO_H

#include <linux/kho/abi/tmpfs.h>
#include <linux/types.h>

#include "memfd_luo.h"

struct dentry;
struct file;
struct inode;
struct liveupdate_file_op_args;
struct super_block;
struct vfsmount;

/* Units of an inode in the array of inodes. */
#define TMPFS_LUO_INODE_UNITS	(sizeof(struct tmpfs_luo_inode_ser) / \
				 TMPFS_LUO_UNIT)

/* How many units so many bytes take. */
static inline u64 tmpfs_luo_units(u64 size)
{
	return DIV_ROUND_UP_ULL(size, TMPFS_LUO_UNIT);
}

/* tmpfs_luo_shmem.h, a part of mm/shmem.c */
bool tmpfs_luo_is_root(struct file *file);
int tmpfs_luo_set_preserved(struct super_block *sb);
void tmpfs_luo_clear_preserved(struct super_block *sb);
bool tmpfs_luo_options_ok(const struct tmpfs_luo_ser *ser);
void tmpfs_luo_get_options(struct super_block *sb, struct tmpfs_luo_ser *ser);
struct vfsmount *tmpfs_luo_mount(const struct tmpfs_luo_ser *ser);
void tmpfs_luo_set_limits(struct super_block *sb,
			  const struct tmpfs_luo_ser *ser);
int tmpfs_luo_link(struct inode *dir, struct dentry *dentry,
		   struct dentry *old);
int tmpfs_luo_create(struct inode *dir, struct dentry *dentry, umode_t mode,
		     dev_t rdev, const char *target);
void tmpfs_luo_set_flags(struct inode *inode, unsigned int fsflags);

/* tmpfs_luo_array.c */

/**
 * struct tmpfs_luo_array - an array of units that came in
 * @units: vmalloc'ed; NULL if there are none
 * @nr:    how many
 * @bad:   the pages of units that are damaged
 */
struct tmpfs_luo_array {
	void *units;
	u64 nr;
	unsigned long *bad;
};

int tmpfs_luo_add(struct memfd_luo_records *units, const void *data,
		  size_t size);
int tmpfs_luo_preserve_array(struct memfd_luo_records *units,
			     struct tmpfs_luo_array_ser *ser, u32 identity);
bool tmpfs_luo_array_ok(const struct tmpfs_luo_array_ser *ser, u32 identity);
int tmpfs_luo_restore_array(const struct tmpfs_luo_array_ser *ser,
			    struct tmpfs_luo_array *array);
void *tmpfs_luo_alloc_in(size_t size, gfp_t gfp);
void tmpfs_luo_free_array(struct tmpfs_luo_array *array);
bool tmpfs_luo_page_ok(const struct tmpfs_luo_array *array, u64 i);
void *tmpfs_luo_get(const struct tmpfs_luo_array *array, u64 i, u64 nr);

/* tmpfs_luo_attrs.c */
int tmpfs_luo_add_attrs(struct memfd_luo_records *attrs, struct dentry *dentry);
const char *tmpfs_luo_target(const void *attrs, u64 nr);
int tmpfs_luo_set_attrs(struct dentry *dentry, const void *attrs, u64 nr);

/* tmpfs_luo_collect.c */

/**
 * struct tmpfs_luo - a preserved mount of tmpfs
 * @ser:      its record, in preserved memory
 * @arrays:   units of the arrays but the last one, which is in @folios
 * @folios:   of all files, preserved and pinned
 * @identity: of the file, which the checksums begin with
 */
struct tmpfs_luo {
	struct tmpfs_luo_ser *ser;
	struct memfd_luo_records arrays[TMPFS_LUO_FOLIOS];
	struct memfd_luo_folios folios;
	u32 identity;
};

static inline struct memfd_luo_records *
tmpfs_luo_units_of(struct tmpfs_luo *tl, enum tmpfs_luo_array_nr i)
{
	return i == TMPFS_LUO_FOLIOS ? &tl->folios.records : &tl->arrays[i];
}

int tmpfs_luo_collect(struct tmpfs_luo *tl, struct super_block *sb);

/* tmpfs_luo_in.c */

/**
 * struct tmpfs_luo_in - a mount that came in
 * @ser:    its record, in preserved memory; NULL when all was consumed
 * @arrays: its arrays
 * @lost:   how many names, attributes and files are known to be lost
 */
struct tmpfs_luo_in {
	struct tmpfs_luo_ser *ser;
	struct tmpfs_luo_array arrays[TMPFS_LUO_NR_ARRAYS];
	u64 lost;
};

struct tmpfs_luo_in *tmpfs_luo_open(const struct liveupdate_file_op_args *args);
void tmpfs_luo_consumed(struct tmpfs_luo_in *in);
u64 tmpfs_luo_nr_inodes(const struct tmpfs_luo_in *in);
struct tmpfs_luo_inode_ser *tmpfs_luo_inode(const struct tmpfs_luo_in *in,
					    u64 i);

/* tmpfs_luo_names.c */
int tmpfs_luo_make_names(struct tmpfs_luo_in *in, struct dentry **dentries);
int tmpfs_luo_set_inodes(struct tmpfs_luo_in *in, struct dentry **dentries);

/* tmpfs_luo_files.c */
void tmpfs_luo_fill_files(struct tmpfs_luo_in *in, struct dentry **dentries);
void tmpfs_luo_discard_files(struct tmpfs_luo_in *in);
int tmpfs_luo_wait_files(struct super_block *sb);

/* tmpfs_luo_retrieve.c */
int tmpfs_luo_retrieve(struct liveupdate_file_op_args *args);
void tmpfs_luo_finish(struct liveupdate_file_op_args *args);

#endif /* _MM_TMPFS_LUO_H */
