// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds over a live update: what is preserved of the file, and that it is a file
 * like any other afterwards. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/vfs.h>

#include "luo_memfd.h"

#ifndef TMPFS_MAGIC
#define TMPFS_MAGIC	0x01021994
#endif

/* The file itself. */
TEST_F(prepare, attributes)
{
	int fd = luo_memfd(3 * PAGE, 1);

	ASSERT_EQ(0, ftruncate(fd, 2 * PAGE + 123));
	luo_give_one(_metadata, self->dev, "attributes", fd);
}

TEST_F(verify, attributes)
{
	int fd = luo_take_one(_metadata, self->dev, "attributes");
	struct statfs fs;
	char link[128];

	EXPECT_EQ(2 * PAGE + 123, luo_size(fd));
	EXPECT_TRUE(luo_filled(fd, 0, 2 * PAGE + 120, 1));
	EXPECT_EQ(3 * PAGE, luo_allocated(fd));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(0, fcntl(fd, F_GET_SEALS));
	ASSERT_EQ(0, fstatfs(fd, &fs));
	EXPECT_EQ(TMPFS_MAGIC, fs.f_type);
	luo_link(fd, link, sizeof(link));
	EXPECT_EQ(0, strncmp(link, "/memfd:", 7)) TH_LOG("%s", link);
}

/* Files of a mounted tmpfs without a name: they become memfds. */
TEST_F(prepare, unnamed)
{
	int session = luo_create(self->dev, "unnamed");
	int mnt = luo_tmpfs(), fd[2];

	ASSERT_LE(0, session);
	fd[0] = openat(mnt, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	fd[1] = openat(mnt, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd[0]);
	ASSERT_LE(0, fd[1]);
	ASSERT_EQ(0, luo_fill(fd[0], 0, 3 * PAGE, 1));
	ASSERT_EQ(0, ftruncate(fd[1], MIB + 1));
	ASSERT_EQ(0, luo_fill(fd[1], PAGE, PAGE, 2));
	ASSERT_EQ(0, unlinkat(mnt, "file", 0));
	luo_give(_metadata, session, fd[0], 0);
	luo_give(_metadata, session, fd[1], 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, unnamed)
{
	int session = luo_retrieve(self->dev, "unnamed");
	int fd[2], i;
	char link[128];

	ASSERT_LE(0, session);
	fd[0] = luo_take(_metadata, session, 0, 3 * PAGE, 1);
	fd[1] = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(MIB + 1, luo_size(fd[1]));
	EXPECT_TRUE(luo_zero(fd[1], 0, PAGE));
	EXPECT_TRUE(luo_filled(fd[1], PAGE, PAGE, 2));
	EXPECT_TRUE(luo_zero(fd[1], 2 * PAGE, MIB - 2 * PAGE));
	for (i = 0; i < 2; i++) {
		luo_link(fd[i], link, sizeof(link));
		EXPECT_EQ(0, strncmp(link, "/memfd:", 7)) TH_LOG("%s", link);
		/* Files of tmpfs cannot be sealed. */
		EXPECT_EQ(F_SEAL_SEAL, fcntl(fd[i], F_GET_SEALS));
	}
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, ftruncate(fd[0], PAGE));
}

TEST_F(prepare, empty)
{
	int session = luo_create(self->dev, "empty memfds");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_new_memfd(_metadata, 0), 0);
	luo_give(_metadata, session, luo_new_memfd(_metadata, 1), 1);
	luo_give(_metadata, session, luo_new_memfd(_metadata, 1 << 30), 2);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, empty)
{
	static const off_t sizes[] = { 0, 1, 1 << 30 };
	int session, fd, i;

	session = luo_retrieve(self->dev, "empty memfds");
	ASSERT_LE(0, session);
	for (i = 0; i < 3; i++) {
		fd = luo_retrieve_fd(session, i);
		ASSERT_LE(0, fd);
		EXPECT_EQ(sizes[i], luo_size(fd));
		EXPECT_TRUE(luo_zero(fd, 0, sizes[i] ? 1 : 0));
		EXPECT_EQ(0, luo_fill(fd, 0, PAGE, i));
		EXPECT_TRUE(luo_filled(fd, 0, PAGE, i));
	}
}

/* The position as of the update, not as of the call. */
TEST_F(prepare, position)
{
	int session = luo_create(self->dev, "position");
	int fds[] = { luo_memfd(4 * PAGE, 1), luo_memfd(4 * PAGE, 2) };

	ASSERT_LE(0, session);
	ASSERT_EQ(PAGE, lseek(fds[0], PAGE, SEEK_SET));
	ASSERT_EQ(0, luo_preserve_fd(session, fds[0], 0));
	ASSERT_EQ(0, luo_preserve_fd(session, fds[1], 1));
	ASSERT_EQ(3 * PAGE + 5, lseek(fds[0], 3 * PAGE + 5, SEEK_SET));
	ASSERT_EQ(1L << 40, lseek(fds[1], 1L << 40, SEEK_SET));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, position)
{
	int session, fd;

	session = luo_retrieve(self->dev, "position");
	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 0);
	EXPECT_EQ(3 * PAGE + 5, lseek(fd, 0, SEEK_CUR));
	fd = luo_retrieve_fd(session, 1);
	EXPECT_EQ(1L << 40, lseek(fd, 0, SEEK_CUR));
}

/* Each seal alone and all together, and what they forbid. */
static const int seals[] = {
	0, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
	F_SEAL_FUTURE_WRITE, F_SEAL_EXEC,
	F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
	F_SEAL_FUTURE_WRITE | F_SEAL_EXEC,
};

static int sealed_memfd(struct __test_metadata *const _metadata, int seal)
{
	/* An executable file would get more seals with F_SEAL_EXEC. */
	int fd = memfd_create("luo", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_fill(fd, 0, 2 * PAGE, seal));
	ASSERT_EQ(0, fchmod(fd, 0600));
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, seal));
	ASSERT_EQ(seal, fcntl(fd, F_GET_SEALS));
	return fd;
}

TEST_F(prepare, seals)
{
	int session = luo_create(self->dev, "seals");
	unsigned int i;

	ASSERT_LE(0, session);
	for (i = 0; i < ARRAY_SIZE(seals); i++)
		luo_give(_metadata, session, sealed_memfd(_metadata, seals[i]), i);

	/* Not sealable at all. */
	luo_give(_metadata, session, memfd_create("luo", MFD_CLOEXEC), i);
	luo_hold(_metadata, self->dev);
}

static void expect_sealed(struct __test_metadata *const _metadata, int fd, int seal)
{
	char page[PAGE_MAX] = { };
	bool writable = !(seal & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));

	EXPECT_EQ(seal, fcntl(fd, F_GET_SEALS));
	EXPECT_EQ(writable ? PAGE : -1, pwrite(fd, page, PAGE, 0));
	EXPECT_EQ(writable, luo_map(fd, 0, PAGE) != MAP_FAILED);
	EXPECT_EQ(seal & F_SEAL_GROW ? -1 : 0, ftruncate(fd, 3 * PAGE));
	EXPECT_EQ(seal & F_SEAL_SHRINK ? -1 : 0, ftruncate(fd, PAGE));
	EXPECT_EQ(seal & F_SEAL_EXEC ? -1 : 0, fchmod(fd, 0700) | fchmod(fd, 0600));
	EXPECT_EQ(seal & F_SEAL_SEAL ? -1 : 0,
		  fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
}

TEST_F(verify, seals)
{
	int session, fd;
	unsigned int i;

	session = luo_retrieve(self->dev, "seals");
	ASSERT_LE(0, session);
	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		fd = luo_take(_metadata, session, i, 2 * PAGE, seals[i]);
		expect_sealed(_metadata, fd, seals[i]);
	}
	fd = luo_retrieve_fd(session, i);
	ASSERT_LE(0, fd);
	EXPECT_EQ(F_SEAL_SEAL, fcntl(fd, F_GET_SEALS));
}

/* What is written after the call, by whatever way, goes over as well. */
TEST_F(prepare, modified)
{
	int session = luo_create(self->dev, "modified");
	int fd = luo_memfd(4 * PAGE, 1);
	char *map = luo_map(fd, 0, 4 * PAGE);

	ASSERT_LE(0, session);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	ASSERT_EQ(0, luo_fill(fd, PAGE, PAGE, 2));
	memset(map + 2 * PAGE, 'm', PAGE);
	map = luo_map(fd, 0, 4 * PAGE);
	ASSERT_NE(MAP_FAILED, map);
	memset(map + 3 * PAGE, 'n', PAGE);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, modified)
{
	int fd = luo_take_one(_metadata, self->dev, "modified");
	char page[PAGE], expected[PAGE];

	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 1));
	EXPECT_TRUE(luo_filled(fd, PAGE, PAGE, 2));
	memset(expected, 'm', PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 2 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
	memset(expected, 'n', PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 3 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
}

/*
 * A hole of a preserved file cannot be filled any more; or, if it can, what was
 * written there is not lost. A second file tells what happened.
 */
#define FILLED_BY_WRITE	1
#define FILLED_BY_MAP	2

static sigjmp_buf no_page;

static void on_sigbus(int sig)
{
	siglongjmp(no_page, sig);
}

static bool fill_by_map(char *page)
{
	if (sigsetjmp(no_page, 1))
		return false;
	memset(page, 'm', PAGE);
	return true;
}

TEST_F(prepare, holes)
{
	int session = luo_create(self->dev, "holes");
	int fd = luo_memfd(PAGE, 1);
	int report = luo_memfd(PAGE, 0);
	char filled = 0, *map;

	ASSERT_LE(0, session);
	ASSERT_EQ(0, ftruncate(fd, 16 * PAGE));
	map = luo_map(fd, 0, 16 * PAGE);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	ASSERT_EQ(0, luo_preserve_fd(session, report, 2));

	signal(SIGBUS, on_sigbus);
	if (!luo_fill(fd, 4 * PAGE, PAGE, 4))
		filled |= FILLED_BY_WRITE;
	if (fill_by_map(map + 8 * PAGE))
		filled |= FILLED_BY_MAP;
	ASSERT_EQ(1, pwrite(report, &filled, 1, 0));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, holes)
{
	int session, report, fd;
	char filled, page[PAGE], expected[PAGE];

	session = luo_retrieve(self->dev, "holes");
	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	report = luo_retrieve_fd(session, 2);
	ASSERT_EQ(1, pread(report, &filled, 1, 0));
	EXPECT_EQ(16 * PAGE, luo_size(fd));
	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 1));
	EXPECT_TRUE(luo_zero(fd, PAGE, 3 * PAGE));

	TH_LOG("a hole of a preserved file: written %s, mapped %s",
	       filled & FILLED_BY_WRITE ? "filled" : "refused",
	       filled & FILLED_BY_MAP ? "filled" : "refused");
	EXPECT_TRUE(filled & FILLED_BY_WRITE ?
		    luo_filled(fd, 4 * PAGE, PAGE, 4) :
		    luo_zero(fd, 4 * PAGE, PAGE));
	memset(expected, filled & FILLED_BY_MAP ? 'm' : 0, PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 8 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
}

/* Written, extended, truncated, sealed, mapped: and preserved again. */
TEST_F(prepare, reused)
{
	luo_give_one(_metadata, self->dev, "reused", luo_memfd(MIB, 1));
}

static void use_in_second(struct __test_metadata *const _metadata, int fd)
{
	char *map;

	ASSERT_TRUE(luo_filled(fd, 0, MIB, 1));
	EXPECT_EQ(0, luo_fill(fd, 0, PAGE, 2));
	EXPECT_EQ(0, luo_fill(fd, MIB, MIB, 3));
	EXPECT_EQ(2 * MIB, luo_allocated(fd));
	EXPECT_EQ(0, ftruncate(fd, MIB + MIB / 2));
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, PAGE, PAGE));
	EXPECT_EQ(MIB + MIB / 2 - PAGE, luo_allocated(fd));
	map = luo_map(fd, 0, MIB);
	ASSERT_NE(MAP_FAILED, map);
	memset(map + 2 * PAGE, 'm', PAGE);
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
}

static void use_in_third(struct __test_metadata *const _metadata, int fd)
{
	char page[PAGE], expected[PAGE];

	EXPECT_EQ(MIB + MIB / 2, luo_size(fd));
	EXPECT_EQ(F_SEAL_GROW, fcntl(fd, F_GET_SEALS));
	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 2));
	EXPECT_TRUE(luo_zero(fd, PAGE, PAGE));
	memset(expected, 'm', PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 2 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
	EXPECT_TRUE(luo_filled(fd, 3 * PAGE, MIB - 3 * PAGE, 1));
	EXPECT_TRUE(luo_filled(fd, MIB, MIB / 2, 3));
}

TEST_F(verify, reused)
{
	int fd = luo_take_one(_metadata, self->dev, "reused");

	if (luo_stage() > 2) {
		use_in_third(_metadata, fd);
	} else {
		use_in_second(_metadata, fd);
		luo_give_one(_metadata, self->dev, "reused", fd);
	}
}

TEST_HARNESS_MAIN
