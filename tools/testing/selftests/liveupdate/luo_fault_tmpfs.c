// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of a mount of tmpfs when memory is short: each allocation of the
 * preservation and of the retrieval fails once. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_fault.h"
#include "luo_tmpfs.h"

#define MNT	"/fault"

/* More than there are allocations in a retrieval. */
#define SOME_MOUNTS	200

static void make_mount(struct __test_metadata *const _metadata)
{
	char target[300];
	int dir;

	tmpfs_mount(_metadata, MNT, "size=16m,nr_inodes=1000");
	dir = tmpfs_open(MNT);
	ASSERT_LE(0, dir);
	memset(target, 't', sizeof(target));
	target[sizeof(target) - 1] = '\0';
	ASSERT_EQ(0, mkdirat(dir, "dir", 0755));
	ASSERT_TRUE(tmpfs_write(dir, "dir/file", "file"));
	ASSERT_EQ(0, linkat(dir, "dir/file", dir, "link", 0));
	ASSERT_EQ(0, symlinkat("short", dir, "short"));
	ASSERT_EQ(0, symlinkat(target, dir, "long"));
	ASSERT_EQ(0, setxattr(MNT "/dir/file", "user.name", target, 300, 0));
	ASSERT_EQ(0, mknodat(dir, "fifo", S_IFIFO | 0600, 0));
	close(dir);
	ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
}

TEST_F(prepare, preserve_fails)
{
	int faults = faults_open(_metadata);
	int n, session, dir, failed = 0;
	bool hit = true;

	make_mount(_metadata);
	dir = tmpfs_open(MNT);
	ASSERT_LE(0, dir);
	for (n = 1; hit && n < MOST_ALLOCATIONS; n++) {
		session = luo_create(self->dev, "preserve_fails");
		ASSERT_LE(0, session);
		if (preserve_fault(_metadata, session, faults, n, dir, &hit,
				   &failed)) {
			/* It was let go of. */
			ASSERT_EQ(0, tmpfs_remount(MNT, 0));
			ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
			ASSERT_EQ(0, luo_preserve_fd(session, dir, 1));
		}
		ASSERT_EQ(0, close(session));
	}
	ASSERT_FALSE(hit);
	EXPECT_LT(0, failed);
	TH_LOG("%d faults, %d failures", n - 2, failed);

	session = luo_create(self->dev, "preserve_fails");
	ASSERT_LE(0, session);
	luo_give(_metadata, session, tmpfs_list(_metadata, MNT), 2);
	luo_give(_metadata, session, dir, 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, preserve_fails)
{
	int session = luo_retrieve(self->dev, "preserve_fails"), mnt;

	ASSERT_LE(0, session);
	mnt = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, mnt);
	ASSERT_EQ(0, tmpfs_attach(mnt, MNT));
	tmpfs_expect_same(_metadata, luo_retrieve_fd(session, 2),
			  tmpfs_list(_metadata, MNT));
	EXPECT_EQ(0, luo_finish(session));
	close(session);
	close(mnt);
	EXPECT_EQ(0, umount(MNT));
}

/* A retrieval that fails may succeed the next time. So each fault takes a mount. */
TEST_F(prepare, retrieve_fails)
{
	int session = luo_create(self->dev, "retrieve_fails"), i;

	ASSERT_LE(0, session);
	for (i = 1; i <= SOME_MOUNTS; i++) {
		make_mount(_metadata);
		luo_give(_metadata, session, tmpfs_open(MNT), i);
		ASSERT_EQ(0, umount2(MNT, MNT_DETACH));
	}
	luo_hold(_metadata, self->dev);
}

/* What is of interest in each of the mounts. */
static void expect_all(struct __test_metadata *const _metadata, int mnt)
{
	char value[300], target[300];
	struct stat s;
	int fd;

	EXPECT_TRUE(tmpfs_has(mnt, "link", "file"));
	EXPECT_EQ(5, readlinkat(mnt, "short", target, sizeof(target)));
	EXPECT_EQ(299, readlinkat(mnt, "long", target, sizeof(target)));
	EXPECT_EQ(0, fstatat(mnt, "fifo", &s, 0));
	EXPECT_EQ(S_IFIFO | 0600, s.st_mode);
	fd = openat(mnt, "dir/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(300, fgetxattr(fd, "user.name", value, sizeof(value)));
	ASSERT_EQ(0, fstat(fd, &s));
	EXPECT_EQ(2, s.st_nlink);
	close(fd);
}

TEST_F(verify, retrieve_fails)
{
	int session = luo_retrieve(self->dev, "retrieve_fails");
	int faults = faults_open(_metadata), n, mnt, failed = 0;
	bool hit = true;

	ASSERT_LE(0, session);
	for (n = 1; hit && n <= SOME_MOUNTS; n++) {
		fault_arm(_metadata, faults, n);
		mnt = luo_retrieve_fd(session, n);
		hit = fault_hit(_metadata, faults);
		if (mnt < 0) {
			/* -ENOMEM is for the descriptor. */
			EXPECT_TRUE(mnt == -EAGAIN || mnt == -ENOMEM) {
				TH_LOG("fault %d: errno %d", n, -mnt);
			}
			failed++;
			mnt = luo_retrieve_fd(session, n);
		}
		ASSERT_LE(0, mnt) TH_LOG("fault %d", n);
		expect_all(_metadata, mnt);
		close(mnt);
	}
	ASSERT_FALSE(hit);
	EXPECT_LT(0, failed);
	TH_LOG("%d faults, %d failures", n - 2, failed);
	EXPECT_EQ(0, luo_finish(session));
	close(session);
}

TEST_HARNESS_MAIN
