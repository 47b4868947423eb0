/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of mounts of tmpfs with two halves share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_TMPFS_UPDATE_H
#define SELFTESTS_LUO_TMPFS_UPDATE_H

#include "luo_memfd.h"
#include "luo_tmpfs.h"

/* Makes a file with so many pages from an offset on. */
static inline void tmpfs_fill(struct __test_metadata *const _metadata, int dir,
			      const char *name, off_t offset, size_t pages, __u64 seed)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ASSERT_LE(0, fd);
	if (pages)
		ASSERT_EQ(0, luo_fill(fd, offset, pages * PAGE, seed));
	close(fd);
}

/* Gives the mount at a path and a list of it to the next kernel. */
static inline void tmpfs_give(struct __test_metadata *const _metadata, int dev,
			      const char *name, const char *path)
{
	int session = luo_create(dev, name), list;

	ASSERT_LE(0, session);
	ASSERT_EQ(0, tmpfs_remount(path, MS_RDONLY | MS_NOSUID));
	list = tmpfs_list(_metadata, path);
	luo_give(_metadata, session, tmpfs_open(path), 1);
	luo_give(_metadata, session, list, 2);
	luo_hold(_metadata, dev);
}

/* Takes it out of its session, attaches it, and compares it with the list. */
static inline void tmpfs_take(struct __test_metadata *const _metadata,
			      int session, const char *path)
{
	int mnt, list;

	ASSERT_LE(0, session);
	mnt = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, mnt);
	list = luo_retrieve_fd(session, 2);
	ASSERT_LE(0, list);
	ASSERT_EQ(0, tmpfs_attach(mnt, path));
	tmpfs_expect_same(_metadata, list, tmpfs_list(_metadata, path));
	EXPECT_EQ(0, luo_finish(session));
	close(mnt);
	close(session);
}

#endif /* SELFTESTS_LUO_TMPFS_UPDATE_H */
