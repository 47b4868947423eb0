// SPDX-License-Identifier: GPL-2.0
/*
 * Files that need others of their session, by means of /dev/luo_test_needy
 * (CONFIG_LIVEUPDATE_TEST). How to run it: luo_update.h.
 *
 * The test prepare.refused_needy wants the next kernel to be loaded: it tries to go
 * there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_test.h"

/* A file that needs another one, which is put into the session before it. */
TEST_F(prepare, needs_former)
{
	int session = luo_create(self->dev, "needs_former");
	int fd = luo_data_file(_metadata, "former", "ok");

	ASSERT_LE(0, session);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	luo_give(_metadata, session, luo_needy_file(fd), 2);
	luo_hold(_metadata, self->dev);
}

/* Are both descriptors of one open file? */
static void expect_same(struct __test_metadata *const _metadata, int fd,
			int other)
{
	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	EXPECT_EQ(2, lseek(fd, 2, SEEK_SET));
	EXPECT_EQ(2, lseek(other, 0, SEEK_CUR));
}

/* What it needs comes with it; who asks for that later gets the same. */
TEST_F(verify, needs_former)
{
	int session = luo_retrieve(self->dev, "needs_former");
	int fd = luo_retrieve_fd(session, 2);
	int needed = luo_needs(fd);

	ASSERT_LE(0, fd);
	luo_expect_data(_metadata, needed, "former");
	expect_same(_metadata, needed, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));
	luo_expect_data(_metadata, luo_needs(fd), "former");
}

/* The other way round, in both kernels; and a memfd, opened a second time. */
TEST_F(prepare, needs_latter)
{
	int session = luo_create(self->dev, "needs_latter");
	int fd = luo_data_file(_metadata, "latter", "ok");
	int memfd = luo_memfd(PAGE, 3);

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_needy_file(fd), 1);
	luo_give(_metadata, session, fd, 2);
	luo_give(_metadata, session,
		 luo_needy_file(luo_reopen(memfd, O_RDONLY)), 3);
	luo_give(_metadata, session, memfd, 4);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, needs_latter)
{
	int session = luo_retrieve(self->dev, "needs_latter");
	int needed = luo_retrieve_fd(session, 2);

	luo_expect_data(_metadata, needed, "latter");
	expect_same(_metadata, needed, luo_needs(luo_retrieve_fd(session, 1)));
	needed = luo_needs(luo_retrieve_fd(session, 3));
	ASSERT_LE(0, needed);
	EXPECT_TRUE(luo_filled(needed, 0, PAGE, 3));
	expect_same(_metadata, needed, luo_retrieve_fd(session, 4));
	EXPECT_EQ(0, luo_finish(session));
}

/* It cannot do without, and has no part in what becomes of the rest. */
TEST_F(prepare, needs_lost)
{
	int session = luo_create(self->dev, "needs_lost");
	int fd = luo_data_file(_metadata, "lost", "fail retrieve");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_needy_file(fd), 1);
	luo_give(_metadata, session, fd, 2);
	luo_give(_metadata, session, luo_memfd(PAGE, 3), 3);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, needs_lost)
{
	int session = luo_retrieve(self->dev, "needs_lost");

	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 2));
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	luo_take(_metadata, session, 3, PAGE, 3);
	EXPECT_EQ(0, luo_finish(session));
}

/* Each needs the other. */
TEST_F(prepare, needs_circle)
{
	int session = luo_create(self->dev, "needs_circle");
	int fd[2] = { luo_needy_file(-1) };
	char command[32];

	ASSERT_LE(0, session);
	ASSERT_LE(0, fd[0]);
	fd[1] = luo_needy_file(fd[0]);
	snprintf(command, sizeof(command), "needs %d", fd[1]);
	ASSERT_LT(0, luo_tell(fd[0], command));
	luo_give(_metadata, session, fd[0], 0);
	luo_give(_metadata, session, fd[1], 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, needs_circle)
{
	int session = luo_retrieve(self->dev, "needs_circle");

	ASSERT_LE(0, session);
	EXPECT_EQ(-ELOOP, luo_retrieve_fd(session, 0));
	EXPECT_EQ(-ELOOP, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));
}

/* Chains longer than stacks are deep, when they are begun at their end. */
#define CHAIN	20
#define DEEPEST	8

static void give_needy_chain(struct __test_metadata *const _metadata, int dev,
			     const char *name)
{
	int session = luo_create(dev, name);
	int i, fd = -1, next;

	ASSERT_LE(0, session);
	for (i = 0; i < CHAIN; i++) {
		next = luo_needy_file(fd);
		ASSERT_LE(0, next);
		ASSERT_EQ(0, luo_preserve_fd(session, next, i));
		close(fd);
		fd = next;
	}
	luo_hold(_metadata, dev);
}

TEST_F(prepare, needs_chain)
{
	give_needy_chain(_metadata, self->dev, "needs_chain");
}

TEST_F(verify, needs_chain)
{
	int session = luo_retrieve(self->dev, "needs_chain");
	int i;

	ASSERT_LE(0, session);
	for (i = DEEPEST - 1; i < CHAIN; i += DEEPEST)
		EXPECT_LE(0, luo_retrieve_fd(session, i));
	EXPECT_LE(0, luo_retrieve_fd(session, CHAIN - 1));
	EXPECT_EQ(0, luo_finish(session));
}

TEST_F(prepare, needs_long_chain)
{
	give_needy_chain(_metadata, self->dev, "needs_long_chain");
}

/* Those that were asked are lost, those before them are not. */
TEST_F(verify, needs_long_chain)
{
	int session = luo_retrieve(self->dev, "needs_long_chain");
	int i, fd;

	ASSERT_LE(0, session);
	EXPECT_EQ(-ELOOP, luo_retrieve_fd(session, CHAIN - 1));
	for (i = 0; i < CHAIN; i++) {
		fd = luo_retrieve_fd(session, i);
		EXPECT_EQ(i < CHAIN - DEEPEST, fd >= 0);
		EXPECT_EQ(i >= CHAIN - DEEPEST, fd == -ELOOP);
	}
	EXPECT_EQ(0, luo_finish(session));
}

/* What it needs is in another session: the handler has a say in the freeze. */
TEST_F(prepare, refused_needy)
{
	int session = luo_create(self->dev, "needy");
	int other = luo_create(self->dev, "needed");
	int fd = luo_data_file(_metadata, "elsewhere", "ok");
	int needy = luo_needy_file(fd);

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, luo_preserve_fd(session, needy, 1));
	ASSERT_EQ(-ENOENT, luo_reboot());
	ASSERT_EQ(0, luo_preserve_fd(other, fd, 1));
	ASSERT_EQ(-ENOENT, luo_reboot());
}

TEST_HARNESS_MAIN
