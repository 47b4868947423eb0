// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with a memfd of huge pages while it is in a session.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/falloc.h>

#include "liveupdate.h"
#include "luo_hugetlb.h"

#define PUNCH_HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

#define NR_POOL		8
#define NR_PAGES	4

/* A file of NR_PAGES huge pages, of which the first and the third are there. */
FIXTURE(huge)
{
	size_t page;
	size_t size;
	int session;
	int fd;
};

FIXTURE_SETUP(huge)
{
	self->page = huge_default();
	self->size = NR_PAGES * self->page;
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	ASSERT_TRUE(huge_pool(self->page, NR_POOL));
	self->fd = huge_memfd(self->page, self->size);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(huge_fill(self->fd, 0, self->page, 1));
	ASSERT_TRUE(huge_fill(self->fd, 2 * self->page, self->page, 1));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->fd, 1));
}

FIXTURE_TEARDOWN(huge)
{
	close(self->session);
	close(self->fd);
	/* Whatever the test did, no page is lost or left over. */
	EXPECT_EQ(huge_count(self->page, "nr"), huge_count(self->page, "free"));
	EXPECT_EQ(0, huge_count(self->page, "resv"));
	EXPECT_EQ(0, huge_count(self->page, "surplus"));
	EXPECT_TRUE(huge_pool(self->page, 0));
}

TEST_F(huge, keeps_its_size)
{
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->fd, 0)));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->fd, self->page)));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->fd, 2 * self->size)));
	EXPECT_EQ(-EPERM, luo_reopen(self->fd, O_RDWR | O_TRUNC));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->fd, 0, 0, 2 * self->size)));
	EXPECT_EQ(MAP_FAILED, huge_map(self->fd, self->page, self->size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, ftruncate(self->fd, self->size));
	EXPECT_EQ(self->size, luo_size(self->fd));
}

TEST_F(huge, keeps_its_pages)
{
	off_t allocated = luo_allocated(self->fd);
	char *map = huge_map(self->fd, 0, self->page);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(2 * self->page, allocated);
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->fd, PUNCH_HOLE, 0, self->page)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->fd, PUNCH_HOLE, PAGE, PAGE)));
	EXPECT_EQ(-EPERM, luo_result(madvise(map, self->page, MADV_REMOVE)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0,
					       self->size)));
	EXPECT_EQ(0, munmap(map, self->page));
	EXPECT_EQ(-EBUSY, luo_result(fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE)));
	EXPECT_EQ(0, fcntl(self->fd, F_ADD_SEALS, F_SEAL_SHRINK));
	EXPECT_EQ(allocated, luo_allocated(self->fd));
	EXPECT_TRUE(huge_filled(self->fd, 0, self->page, 1));
	EXPECT_TRUE(huge_filled(self->fd, 2 * self->page, self->page, 1));
}

TEST_F(huge, gets_pages_in_holes)
{
	EXPECT_TRUE(huge_fill(self->fd, self->page, self->page, 2));
	EXPECT_EQ(3 * self->page, luo_allocated(self->fd));
	EXPECT_TRUE(huge_filled(self->fd, self->page, self->page, 2));
}

TEST_F(huge, is_like_any_other_when_let_go_of)
{
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(0, fallocate(self->fd, PUNCH_HOLE, 0, self->page));
	EXPECT_EQ(self->page, luo_allocated(self->fd));
	EXPECT_TRUE(luo_zero(self->fd, 0, self->page));
	EXPECT_EQ(0, fallocate(self->fd, 0, 0, self->size + self->page));
	EXPECT_EQ(self->size + self->page, luo_size(self->fd));
	EXPECT_EQ(0, ftruncate(self->fd, 0));
	EXPECT_EQ(NR_POOL, huge_count(self->page, "free"));
}

TEST_F(huge, can_be_preserved_again)
{
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, close(self->session));
		self->session = create_other_session("session");
		ASSERT_LE(0, self->session);
		EXPECT_EQ(0, luo_preserve_fd(self->session, self->fd, i));
		EXPECT_EQ(-1, ftruncate(self->fd, 0));
	}
	EXPECT_TRUE(huge_filled(self->fd, 0, self->page, 1));
}

TEST_F(huge, is_preserved_once)
{
	int other = create_other_session("other");
	int again = luo_reopen(self->fd, O_RDWR);

	ASSERT_LE(0, other);
	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->session, again, 2));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(other, again, 2));
	close(again);
	close(other);
}

/* What is in use when the pool shrinks is surplus, preserved or not. */
TEST_F(huge, survives_a_pool_of_nothing)
{
	huge_pool(self->page, 0);
	EXPECT_EQ(2, huge_count(self->page, "nr"));
	EXPECT_EQ(2, huge_count(self->page, "surplus"));
	EXPECT_TRUE(huge_filled(self->fd, 0, self->page, 1));
	EXPECT_EQ(0, close(self->session));
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, huge_count(self->page, "nr"));
}

/* The reservation of a mapping is as it was. */
TEST_F(huge, keeps_reservations)
{
	char *map = luo_map(self->fd, 0, self->size);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(2, huge_count(self->page, "resv"));
	ASSERT_EQ(0, close(self->session));
	self->session = create_other_session("session");
	ASSERT_LE(0, self->session);
	EXPECT_EQ(0, luo_preserve_fd(self->session, self->fd, 1));
	EXPECT_EQ(2, huge_count(self->page, "resv"));
	map[self->page] = 1;
	EXPECT_EQ(1, huge_count(self->page, "resv"));
	munmap(map, self->size);
}

TEST_F(huge, needs_a_writer)
{
	int fd = huge_memfd(self->page, self->page), other;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fchmod(fd, 0644));
	other = luo_reopen(fd, O_RDONLY);
	ASSERT_LE(0, other);
	if (!fork()) {
		if (setresuid(65534, 65534, 65534))
			_exit(1);
		_exit(luo_preserve_fd(self->session, other, 2) == -EPERM ? 0 : 2);
	}
	wait(&fd);
	EXPECT_EQ(0, fd);
}

/* Whose memory it is shows by its name. */
TEST_F(huge, has_no_name)
{
	int fs = huge_fs(), fd;

	ASSERT_LE(0, fs);
	fd = openat(fs, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, self->page));
	ASSERT_TRUE(huge_fill(fd, 0, self->page, 3));
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, fd, 2));
	ASSERT_EQ(0, unlinkat(fs, "file", 0));
	EXPECT_EQ(0, luo_preserve_fd(self->session, fd, 2));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(fd, 0)));
	close(fd);
	close(fs);
}

/*
 * A page that failed in hardware stays what it is, and where it is. It never
 * comes back to the pool, so this is the last test.
 */
FIXTURE(poisoned)
{
	size_t page;
	int session;
	int fd;
};

FIXTURE_SETUP(poisoned)
{
	self->page = huge_default();
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	ASSERT_TRUE(huge_pool(self->page, 1));
	self->fd = huge_memfd(self->page, self->page);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(huge_fill(self->fd, 0, self->page, 4));
	/* In scratch memory it could not stay: have it moved out. */
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->fd, 1));
	ASSERT_EQ(0, close(self->session));
	self->session = create_other_session("session");
	ASSERT_LE(0, self->session);
}

FIXTURE_TEARDOWN(poisoned)
{
	close(self->session);
	close(self->fd);
}

TEST_F(poisoned, is_preserved)
{
	pid_t pid;
	int status;
	char *map;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* It may be killed for this. */
		map = huge_map(self->fd, 0, self->page);
		map[0] = 1;
		_exit(madvise(map, PAGE, MADV_HWPOISON) && errno == EINVAL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status))
		SKIP(return, "no CONFIG_MEMORY_FAILURE");
	EXPECT_EQ(0, luo_preserve_fd(self->session, self->fd, 1));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->fd, 0)));
	EXPECT_EQ(-1, pread(self->fd, &status, 1, 0));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(1, pread(self->fd, &status, 1, PAGE));
	EXPECT_EQ(0, close(self->session));
	EXPECT_EQ(0, ftruncate(self->fd, 0));
}

TEST_HARNESS_MAIN
