// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds of huge pages over a live update. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_hugetlb_update.h"

/* Files with all their pages. */
TEST_F(prepare, full)
{
	int fd = new_file(_metadata, 4), i;

	for (i = 0; i < 4; i++)
		fill_page(_metadata, fd, i, 10 + i);
	luo_give_one(_metadata, self->dev, "full", fd);
}

TEST_F(verify, full)
{
	long free = huge_count(huge(), "free");
	long nr = huge_count(huge(), "nr");
	int fd, i;

	fd = luo_take_one(_metadata, self->dev, "full");
	EXPECT_EQ(4 * huge(), luo_size(fd));
	EXPECT_EQ(4 * huge(), luo_allocated(fd));
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(has_page(fd, i, 10 + i));
	/* They were in the pool before. */
	EXPECT_EQ(free, huge_count(huge(), "free"));
	EXPECT_EQ(nr, huge_count(huge(), "nr"));
	EXPECT_EQ(0, huge_count(huge(), "resv"));

	/* A mapping finds them, and reserves nothing for them. */
	ASSERT_NE(MAP_FAILED, luo_map(fd, 0, 4 * huge()));
	EXPECT_EQ(0, huge_count(huge(), "resv"));
	fill_page(_metadata, fd, 2, 5);
	EXPECT_TRUE(has_page(fd, 2, 5));
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, huge(), huge()));
	EXPECT_TRUE(luo_zero(fd, huge(), PAGE));
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_EQ(0, ftruncate(fd, huge()));
	EXPECT_EQ(huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 0, 10));
}

/* Holes stay holes, and take what the pool has left. */
TEST_F(prepare, sparse)
{
	int fd = new_file(_metadata, 40);

	fill_page(_metadata, fd, 1, 21);
	fill_page(_metadata, fd, 33, 22);
	luo_give_one(_metadata, self->dev, "sparse", fd);
}

TEST_F(verify, sparse)
{
	int fd = luo_take_one(_metadata, self->dev, "sparse");

	EXPECT_EQ(40 * huge(), luo_size(fd));
	EXPECT_EQ(2 * huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 1, 21));
	EXPECT_TRUE(has_page(fd, 33, 22));
	EXPECT_TRUE(luo_zero(fd, 0, PAGE));
	EXPECT_TRUE(luo_zero(fd, 39 * huge(), PAGE));
	EXPECT_EQ(2 * huge(), luo_allocated(fd));
	if (!huge_count(huge(), "free"))
		return;
	fill_page(_metadata, fd, 2, 23);
	EXPECT_TRUE(has_page(fd, 2, 23));
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
}

/* What is faulted in after the file was preserved is handed over, too: all of it. */
TEST_F(prepare, late)
{
	int session = luo_create(self->dev, "late");
	int fd = new_file(_metadata, 3);

	ASSERT_LE(0, session);
	fill_page(_metadata, fd, 2, 31);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	fill_page(_metadata, fd, 0, 32);
	fill_page(_metadata, fd, 1, 33);
	fill_page(_metadata, fd, 2, 34);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, late)
{
	int fd = luo_take_one(_metadata, self->dev, "late");

	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 0, 32));
	EXPECT_TRUE(has_page(fd, 2, 34));
	EXPECT_TRUE(has_page(fd, 1, 33));
}

/* Size, position and seals; and files without a page. */
TEST_F(prepare, attributes)
{
	int session = luo_create(self->dev, "attributes");
	int fd = new_file(_metadata, 2);

	ASSERT_LE(0, session);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	ASSERT_EQ(12345, lseek(fd, 12345, SEEK_SET));
	luo_give(_metadata, session, fd, 1);
	luo_give(_metadata, session, new_file(_metadata, 0), 2);
	fd = new_file(_metadata, 1);
	fill_page(_metadata, fd, 0, 41);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	luo_give(_metadata, session, fd, 3);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, attributes)
{
	int session = luo_retrieve(self->dev, "attributes");
	char link[64];
	int fd;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * huge(), luo_size(fd));
	EXPECT_EQ(0, luo_allocated(fd));
	EXPECT_EQ(12345, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(F_SEAL_GROW | F_SEAL_SHRINK, fcntl(fd, F_GET_SEALS));
	luo_link(fd, link, sizeof(link));
	EXPECT_EQ(0, strncmp(link, "/memfd:liveupdate", 17));

	fd = luo_retrieve_fd(session, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, luo_size(fd));

	fd = luo_retrieve_fd(session, 3);
	ASSERT_LE(0, fd);
	EXPECT_EQ(F_SEAL_WRITE | F_SEAL_SEAL, fcntl(fd, F_GET_SEALS));
	EXPECT_TRUE(has_page(fd, 0, 41));
	EXPECT_EQ(0, luo_finish(session));
}

/* A file on a mount that was unlinked is a memfd then. */
TEST_F(prepare, unlinked)
{
	int fs = huge_fs();
	int fd;

	ASSERT_LE(0, fs);
	fd = openat(fs, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 3 * huge()));
	fill_page(_metadata, fd, 1, 51);
	ASSERT_EQ(0, unlinkat(fs, "file", 0));
	luo_give_one(_metadata, self->dev, "unlinked", fd);
}

TEST_F(verify, unlinked)
{
	int fd = luo_take_one(_metadata, self->dev, "unlinked");

	EXPECT_EQ(3 * huge(), luo_size(fd));
	EXPECT_EQ(huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 1, 51));
}

/* One page, at the end of a file. */
static void give_last_page(struct __test_metadata *const _metadata, int dev,
			   const char *name)
{
	int fd = new_file(_metadata, 2);

	fill_page(_metadata, fd, 1, 61);
	luo_give_one(_metadata, dev, name, fd);
}

static void take_last_page(struct __test_metadata *const _metadata, int dev,
			   const char *name)
{
	int fd = luo_take_one(_metadata, dev, name);

	EXPECT_EQ(2 * huge(), luo_size(fd));
	EXPECT_EQ(huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 1, 61));
}

TEST_F(prepare, one)
{
	give_last_page(_metadata, self->dev, "one");
}

TEST_F(verify, one)
{
	take_last_page(_metadata, self->dev, "one");
}

TEST_F(prepare, gigantic)
{
	huge_size = GIGANTIC;
	give_last_page(_metadata, self->dev, "gigantic");
}

TEST_F(verify, gigantic)
{
	huge_size = GIGANTIC;
	take_last_page(_metadata, self->dev, "gigantic");
}

/* A file that nobody wants. */
TEST_F(prepare, unwanted)
{
	int fd = new_file(_metadata, 3);

	fill_page(_metadata, fd, 0, 71);
	fill_page(_metadata, fd, 2, 72);
	luo_give_one(_metadata, self->dev, "unwanted", fd);
}

static void discard(struct __test_metadata *const _metadata, int dev,
		    const char *name)
{
	int session = luo_retrieve(dev, name);

	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_finish(session));
}

TEST_F(verify, unwanted)
{
	discard(_metadata, self->dev, "unwanted");
}

TEST_F(verify, gigantic_unwanted)
{
	discard(_metadata, self->dev, "gigantic");
}

/* Nobody wants any of the others either. */
TEST_F(verify, none)
{
	static const char * const names[] = { "full", "sparse", "late",
		"attributes", "unlinked", "one", "gigantic", NULL };
	const char * const *name;

	for (name = names; *name; name++)
		discard(_metadata, self->dev, *name);
}

/* The pages with these numbers failed before the file was retrieved, and no other. */
TEST_F(verify, gigantic_poisoned)
{
	int fd = luo_take_one(_metadata, self->dev, "gigantic");
	char *rest = getenv("POISONED"), word[8];
	off_t failed;

	while (*rest) {
		failed = GIGANTIC + strtol(rest, &rest, 10) * PAGE;
		EXPECT_EQ(-1, pread(fd, word, sizeof(word), failed));
		EXPECT_EQ(EIO, errno);
		EXPECT_EQ(8, pread(fd, word, sizeof(word), failed - 64 * PAGE));
		EXPECT_EQ(8, pread(fd, word, sizeof(word), failed + 64 * PAGE));
	}
}

/* The kernel has no huge pages of the size. */
TEST_F(verify, no_such_size)
{
	int session = luo_retrieve(self->dev, "gigantic");

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENODEV, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));
}

TEST_HARNESS_MAIN
