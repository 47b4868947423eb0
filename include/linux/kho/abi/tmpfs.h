/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of preserved mounts of tmpfs.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_TMPFS_H
#define _LINUX_KHO_ABI_TMPFS_H

#include <linux/build_bug.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define TMPFS_LUO_FH_COMPATIBLE	"tmpfs-lts-v1"

/* All arrays are counted in units of so many bytes: those of a folio's record. */
#define TMPFS_LUO_UNIT		16

static_assert(sizeof(struct memfd_luo_folio_ser) == TMPFS_LUO_UNIT);

/**
 * struct tmpfs_luo_inode_ser - an inode
 * @ino:         its number
 * @size:        bytes of a file
 * @folios:      the first record of a file's folios
 * @nr_folios:   how many there are
 * @nr_pages:    pages in these folios
 * @attrs:       where its attributes begin, in units
 * @atime:       seconds, as those below
 * @mtime:       of the last modification
 * @ctime:       of the last change
 * @btime:       of its creation
 * @atime_nsec:  and nanoseconds
 * @mtime_nsec:  as above
 * @ctime_nsec:  as above
 * @btime_nsec:  as above
 * @mode:        type and permissions
 * @uid:         owner, in the initial user namespace
 * @gid:         group, in the initial user namespace
 * @rdev:        of a device node, as new_encode_dev() has it
 * @generation:  of the inode, for file handles
 * @fsflags:     FS_*_FL
 * @nr_attrs:    units of its attributes
 * @next_offset: of a directory: the offset that the next new name gets
 *
 * The number of links is that of the names.
 */
struct tmpfs_luo_inode_ser {
	u64 ino;
	u64 size;
	u64 folios;
	u64 nr_folios;
	u64 nr_pages;
	u64 attrs;
	s64 atime;
	s64 mtime;
	s64 ctime;
	s64 btime;
	u32 atime_nsec;
	u32 mtime_nsec;
	u32 ctime_nsec;
	u32 btime_nsec;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 rdev;
	u32 generation;
	u32 fsflags;
	u32 nr_attrs;
	u32 next_offset;
} __packed __aligned(8);

static_assert(sizeof(struct tmpfs_luo_inode_ser) == 128);
static_assert(offsetof(struct tmpfs_luo_inode_ser, size) == 8);
static_assert(offsetof(struct tmpfs_luo_inode_ser, folios) == 16);
static_assert(offsetof(struct tmpfs_luo_inode_ser, nr_folios) == 24);
static_assert(offsetof(struct tmpfs_luo_inode_ser, nr_pages) == 32);
static_assert(offsetof(struct tmpfs_luo_inode_ser, attrs) == 40);
static_assert(offsetof(struct tmpfs_luo_inode_ser, atime) == 48);
static_assert(offsetof(struct tmpfs_luo_inode_ser, mtime) == 56);
static_assert(offsetof(struct tmpfs_luo_inode_ser, ctime) == 64);
static_assert(offsetof(struct tmpfs_luo_inode_ser, btime) == 72);
static_assert(offsetof(struct tmpfs_luo_inode_ser, atime_nsec) == 80);
static_assert(offsetof(struct tmpfs_luo_inode_ser, mtime_nsec) == 84);
static_assert(offsetof(struct tmpfs_luo_inode_ser, ctime_nsec) == 88);
static_assert(offsetof(struct tmpfs_luo_inode_ser, btime_nsec) == 92);
static_assert(offsetof(struct tmpfs_luo_inode_ser, mode) == 96);
static_assert(offsetof(struct tmpfs_luo_inode_ser, uid) == 100);
static_assert(offsetof(struct tmpfs_luo_inode_ser, gid) == 104);
static_assert(offsetof(struct tmpfs_luo_inode_ser, rdev) == 108);
static_assert(offsetof(struct tmpfs_luo_inode_ser, generation) == 112);
static_assert(offsetof(struct tmpfs_luo_inode_ser, fsflags) == 116);
static_assert(offsetof(struct tmpfs_luo_inode_ser, nr_attrs) == 120);
static_assert(offsetof(struct tmpfs_luo_inode_ser, next_offset) == 124);

/**
 * struct tmpfs_luo_name_ser - a name in a directory
 * @parent: number of the directory's inode in the array of inodes
 * @child:  number of the inode that has the name
 * @offset: where readdir() finds the name in the directory
 * @size:   bytes of the name; 0 when the rest of the page has no names
 * @zero:   0
 *
 * The name follows, in as many units as it takes. It is not terminated. A name
 * lies in one page. A directory's own name comes before the names in it.
 */
struct tmpfs_luo_name_ser {
	u32 parent;
	u32 child;
	u32 offset;
	u16 size;
	u16 zero;
} __packed __aligned(4);

static_assert(sizeof(struct tmpfs_luo_name_ser) == TMPFS_LUO_UNIT);
static_assert(offsetof(struct tmpfs_luo_name_ser, child) == 4);
static_assert(offsetof(struct tmpfs_luo_name_ser, offset) == 8);
static_assert(offsetof(struct tmpfs_luo_name_ser, size) == 12);
static_assert(offsetof(struct tmpfs_luo_name_ser, zero) == 14);

/**
 * struct tmpfs_luo_attr_ser - an extended attribute, or the target of a symlink
 * @name_size:  bytes of the name with its NUL; 0 for the target of a symlink
 * @value_size: bytes of the value; of a target with its NUL
 * @zero:       0
 *
 * The name follows, and the value, each in as many units as it takes. POSIX ACLs
 * are attributes with the names and the format that they have in user space.
 */
struct tmpfs_luo_attr_ser {
	u32 name_size;
	u32 value_size;
	u64 zero;
} __packed __aligned(8);

static_assert(sizeof(struct tmpfs_luo_attr_ser) == TMPFS_LUO_UNIT);
static_assert(offsetof(struct tmpfs_luo_attr_ser, value_size) == 4);
static_assert(offsetof(struct tmpfs_luo_attr_ser, zero) == 8);

/**
 * struct tmpfs_luo_array_ser - an array of units
 * @nr:    how many there are
 * @units: vmalloc array; not set when there are none. Behind the last unit is a
 *         checksum for each page of units
 * @sum:   XXH64 of &struct memfd_luo_sums, whose seed is the identity of the
 *         file. Not looked at when there are no units
 *
 * The checksums are made as those of the folios of a memfd, whose records are
 * units, too. See &struct memfd_luo_sums.
 */
struct tmpfs_luo_array_ser {
	u64 nr;
	struct kho_vmalloc units;
	u64 sum;
} __packed;

static_assert(sizeof(struct tmpfs_luo_array_ser) == 32);
static_assert(offsetof(struct tmpfs_luo_array_ser, units) == 8);
static_assert(offsetof(struct tmpfs_luo_array_ser, sum) == 24);

/**
 * enum tmpfs_luo_array_nr - the arrays of a mount
 * @TMPFS_LUO_INODES: of &struct tmpfs_luo_inode_ser; the first is the root
 * @TMPFS_LUO_NAMES:  of &struct tmpfs_luo_name_ser
 * @TMPFS_LUO_ATTRS:  of &struct tmpfs_luo_attr_ser, in the order of the inodes
 * @TMPFS_LUO_FOLIOS: of &struct memfd_luo_folio_ser of all files, in the order of
 *                    the inodes; those of a file ascend by index
 * @TMPFS_LUO_NR_ARRAYS: how many arrays there are
 */
enum tmpfs_luo_array_nr {
	TMPFS_LUO_INODES,
	TMPFS_LUO_NAMES,
	TMPFS_LUO_ATTRS,
	TMPFS_LUO_FOLIOS,
	TMPFS_LUO_NR_ARRAYS
};

static_assert(TMPFS_LUO_NR_ARRAYS == 4);

/* &tmpfs_luo_ser.flags */
#define TMPFS_LUO_INODE64	0x1
#define TMPFS_LUO_NOSWAP	0x2

#define TMPFS_LUO_MPOL_SIZE	64

/**
 * struct tmpfs_luo_ser - a mount of tmpfs
 * @max_blocks: its limit, in pages; 0 for none
 * @max_inodes: its limit; 0 for none
 * @next_ino:   number of the next new inode
 * @mode:       mount option mode=
 * @uid:        mount option uid=
 * @gid:        mount option gid=
 * @huge:       mount option huge=: 0 never, 1 always, 2 within_size, 3 advise
 * @flags:      TMPFS_LUO_*
 * @mnt_flags:  MNT_* of the mount, those that user space can set
 * @uuid:       of the superblock
 * @mpol:       mount option mpol=, padded with NUL; empty if there is none
 * @arrays:     all else, by &enum tmpfs_luo_array_nr
 * @sum:        XXH64 of what is before it, whose seed is the identity of the file
 */
struct tmpfs_luo_ser {
	u64 max_blocks;
	u64 max_inodes;
	u64 next_ino;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 huge;
	u32 flags;
	u32 mnt_flags;
	u8 uuid[16];
	char mpol[TMPFS_LUO_MPOL_SIZE];
	struct tmpfs_luo_array_ser arrays[TMPFS_LUO_NR_ARRAYS];
	u64 sum;
} __packed;

static_assert(sizeof(struct tmpfs_luo_ser) == 264);
static_assert(offsetof(struct tmpfs_luo_ser, max_inodes) == 8);
static_assert(offsetof(struct tmpfs_luo_ser, next_ino) == 16);
static_assert(offsetof(struct tmpfs_luo_ser, mode) == 24);
static_assert(offsetof(struct tmpfs_luo_ser, uid) == 28);
static_assert(offsetof(struct tmpfs_luo_ser, gid) == 32);
static_assert(offsetof(struct tmpfs_luo_ser, huge) == 36);
static_assert(offsetof(struct tmpfs_luo_ser, flags) == 40);
static_assert(offsetof(struct tmpfs_luo_ser, mnt_flags) == 44);
static_assert(offsetof(struct tmpfs_luo_ser, uuid) == 48);
static_assert(offsetof(struct tmpfs_luo_ser, mpol) == 64);
static_assert(offsetof(struct tmpfs_luo_ser, arrays) == 128);
static_assert(offsetof(struct tmpfs_luo_ser, sum) == 256);

#endif /* _LINUX_KHO_ABI_TMPFS_H */
