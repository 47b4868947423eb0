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

static void make_mount(struct __test_metadata *const _metadata)
{
	char target[300];
	int dir;

	tmpfs_mount(_metadata, MNT, "size=16m");
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
	int n, ret, session, dir, failed = 0;
	bool hit = true;

	make_mount(_metadata);
	dir = tmpfs_open(MNT);
	ASSERT_LE(0, dir);
	for (n = 1; hit && n < MOST_ALLOCATIONS; n++) {
		session = luo_create(self->dev, "preserve_fails");
		ASSERT_LE(0, session);
		fault_arm(_metadata, faults, n);
		ret = luo_preserve_fd(session, dir, 1);
		hit = fault_hit(_metadata, faults);
		if (ret) {
			ASSERT_TRUE(hit);
			expect_nomem(_metadata, ret);
			failed++;
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

/* A retrieval that fails for want of memory is tried again, with all still there. */
TEST_F(verify, preserve_fails)
{
	int faults = faults_open(_metadata);
	int session = luo_retrieve(self->dev, "preserve_fails");
	int n, mnt = -EAGAIN, failed = 0;

	ASSERT_LE(0, session);
	for (n = 1; mnt == -EAGAIN && n < MOST_ALLOCATIONS; n++) {
		fault_arm(_metadata, faults, n);
		mnt = luo_retrieve_fd(session, 1);
		if (!fault_hit(_metadata, faults))
			break;
		if (mnt >= 0)
			continue;
		if (mnt == -ENOMEM)
			mnt = -EAGAIN;	/* for the descriptor */
		failed++;
	}
	ASSERT_LE(0, mnt);
	EXPECT_LT(0, failed);
	TH_LOG("%d failures", failed);
	ASSERT_EQ(0, tmpfs_attach(mnt, MNT));
	tmpfs_expect_same(_metadata, luo_retrieve_fd(session, 2),
			  tmpfs_list(_metadata, MNT));
	EXPECT_EQ(0, luo_finish(session));
	close(session);
	close(mnt);
	EXPECT_EQ(0, umount(MNT));
}

TEST_HARNESS_MAIN
