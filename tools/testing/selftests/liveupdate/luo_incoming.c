// SPDX-License-Identifier: GPL-2.0
/*
 * The rules for sessions and files that came in. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_update.h"

static void give_three(struct __test_metadata *const _metadata, int dev,
		       const char *name)
{
	int session = luo_create(dev, name);
	int i;

	ASSERT_LE(0, session);
	for (i = 1; i <= 3; i++)
		luo_give(_metadata, session, luo_memfd(i * PAGE, i), i);
	luo_hold(_metadata, dev);
}

static int retrieve_three(struct __test_metadata *const _metadata, int dev,
			  const char *name)
{
	int session = luo_retrieve(dev, name);

	ASSERT_LE(0, session);
	return session;
}

TEST_F(prepare, retrieved_once)
{
	give_three(_metadata, self->dev, "retrieved_once");
}

TEST_F(verify, retrieved_once)
{
	int session = retrieve_three(_metadata, self->dev, "retrieved_once");

	EXPECT_EQ(-EINVAL, luo_retrieve(self->dev, "retrieved_once"));
	luo_take(_metadata, session, 1, PAGE, 1);
	EXPECT_EQ(-EINVAL, luo_retrieve(self->dev, "retrieved_once"));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(-EINVAL, luo_retrieve(self->dev, "retrieved_once"));
	EXPECT_EQ(0, close(session));
	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "retrieved_once"));
}

TEST_F(prepare, close_finishes)
{
	give_three(_metadata, self->dev, "close_finishes");
}

TEST_F(verify, close_finishes)
{
	int session = retrieve_three(_metadata, self->dev, "close_finishes");
	int fd = luo_take(_metadata, session, 2, 2 * PAGE, 2);

	EXPECT_EQ(0, close(session));
	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "close_finishes"));
	EXPECT_TRUE(luo_filled(fd, 0, 2 * PAGE, 2));
	EXPECT_EQ(0, ftruncate(fd, 0));
}

TEST_F(prepare, finish)
{
	give_three(_metadata, self->dev, "finish");
}

TEST_F(verify, finish)
{
	int session = retrieve_three(_metadata, self->dev, "finish");
	int fd = luo_take(_metadata, session, 2, 2 * PAGE, 2);

	EXPECT_EQ(-EINVAL, luo_finish_reserved(session, 1));
	EXPECT_EQ(-EINVAL, luo_finish_reserved(session, 1U << 31));
	luo_take(_metadata, session, 1, PAGE, 1);

	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 2));
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 3));
	EXPECT_EQ(-EINVAL, luo_preserve_fd(session, fd, 4));
	EXPECT_TRUE(luo_filled(fd, 0, 2 * PAGE, 2));
}

/* What its handler may still have to finish is not preserved anew. */
TEST_F(prepare, busy_until_finished)
{
	give_three(_metadata, self->dev, "busy_until_finished");
}

TEST_F(verify, busy_until_finished)
{
	int session = retrieve_three(_metadata, self->dev, "busy_until_finished");
	int other = luo_create(self->dev, "other");
	int fd = luo_take(_metadata, session, 1, PAGE, 1);

	ASSERT_LE(0, other);
	EXPECT_EQ(-EBUSY, luo_preserve_fd(other, fd, 1));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(other, luo_reopen(fd, O_RDWR), 1));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, luo_preserve_fd(other, fd, 1));
	EXPECT_EQ(0, close(other));
	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 1));
}

TEST_F(prepare, preserves_nothing_more)
{
	give_three(_metadata, self->dev, "preserves_nothing_more");
}

TEST_F(verify, preserves_nothing_more)
{
	int session = retrieve_three(_metadata, self->dev, "preserves_nothing_more");
	int memfd = luo_memfd(PAGE, 4);

	EXPECT_EQ(-EINVAL, luo_preserve_fd(session, memfd, 4));
	EXPECT_EQ(0, ftruncate(memfd, 0));
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 4));
}

/* One open file, however often it is asked for. */
TEST_F(prepare, same_file)
{
	give_three(_metadata, self->dev, "same_file");
}

TEST_F(verify, same_file)
{
	int session = retrieve_three(_metadata, self->dev, "same_file");
	int first = luo_take(_metadata, session, 3, 3 * PAGE, 3);
	int second = luo_take(_metadata, session, 3, 3 * PAGE, 3);

	EXPECT_NE(first, second);
	EXPECT_EQ(FD_CLOEXEC, fcntl(second, F_GETFD));
	EXPECT_EQ(PAGE, lseek(first, PAGE, SEEK_SET));
	EXPECT_EQ(PAGE, lseek(second, 0, SEEK_CUR));

	/* The session holds it, too. */
	EXPECT_EQ(0, luo_fill(first, PAGE, PAGE, 9));
	EXPECT_EQ(0, close(first));
	EXPECT_EQ(0, close(second));
	first = luo_retrieve_fd(session, 3);
	ASSERT_LE(0, first);
	EXPECT_TRUE(luo_filled(first, PAGE, PAGE, 9));
	EXPECT_TRUE(luo_filled(first, 0, PAGE, 3));
}

/* Names that came in do not stand in the way of new sessions. */
TEST_F(prepare, name_again)
{
	give_three(_metadata, self->dev, "name_again");
}

TEST_F(verify, name_again)
{
	int created, session;

	created = luo_create(self->dev, "name_again");
	ASSERT_LE(0, created);
	EXPECT_EQ(-EEXIST, luo_create(self->dev, "name_again"));
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(created, 1));

	session = retrieve_three(_metadata, self->dev, "name_again");
	luo_take(_metadata, session, 1, PAGE, 1);
	EXPECT_EQ(0, luo_preserve_fd(created, luo_memfd(PAGE, 5), 1));
	EXPECT_EQ(0, close(created));
	luo_take(_metadata, session, 2, 2 * PAGE, 2);
}

/* An answer that cannot be given takes nothing away. */
TEST_F(prepare, bad_pointers)
{
	give_three(_metadata, self->dev, "bad_pointers");
}

TEST_F(verify, bad_pointers)
{
	struct liveupdate_ioctl_retrieve_session arg = {
		.size = sizeof(arg),
		.name = "bad_pointers",
	};
	struct liveupdate_session_retrieve_fd retrieve = {
		.size = sizeof(retrieve),
		.token = 2,
	};
	int session, fd;

	fd = dup(0);
	EXPECT_EQ(-1, ioctl(self->dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION,
			    luo_read_only(&arg, sizeof(arg))));
	EXPECT_EQ(EFAULT, errno);
	session = retrieve_three(_metadata, self->dev, "bad_pointers");
	EXPECT_EQ(fd + 1, session);

	EXPECT_EQ(-1, ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD,
			    luo_read_only(&retrieve, sizeof(retrieve))));
	EXPECT_EQ(EFAULT, errno);
	fd = luo_take(_metadata, session, 2, 2 * PAGE, 2);
	EXPECT_EQ(session + 1, fd);
}

/* The size rules, for the commands that do something on what came in only. */
TEST_F(prepare, sizes)
{
	give_three(_metadata, self->dev, "sizes");
}

TEST_F(verify, sizes)
{
	int session = retrieve_three(_metadata, self->dev, "sizes");
	struct {
		struct liveupdate_session_retrieve_fd arg;
		char tail;
	} retrieve = { .arg = { .token = 1 }, .tail = 1 };
	struct {
		struct liveupdate_session_finish arg;
		char tail;
	} finish = { .tail = 1 };

	for (; retrieve.arg.size < sizeof(retrieve.arg); retrieve.arg.size++) {
		EXPECT_EQ(-1, ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &retrieve));
		EXPECT_EQ(EINVAL, errno);
	}
	retrieve.arg.size = sizeof(retrieve);
	EXPECT_EQ(-1, ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &retrieve));
	EXPECT_EQ(E2BIG, errno);
	retrieve.tail = 0;
	EXPECT_EQ(0, ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &retrieve));
	EXPECT_TRUE(luo_filled(retrieve.arg.fd, 0, PAGE, 1));

	for (; finish.arg.size < sizeof(finish.arg); finish.arg.size++) {
		EXPECT_EQ(-1, ioctl(session, LIVEUPDATE_SESSION_FINISH, &finish));
		EXPECT_EQ(EINVAL, errno);
	}
	finish.arg.size = sizeof(finish);
	EXPECT_EQ(-1, ioctl(session, LIVEUPDATE_SESSION_FINISH, &finish));
	EXPECT_EQ(E2BIG, errno);
	luo_take(_metadata, session, 2, 2 * PAGE, 2);
	finish.tail = 0;
	EXPECT_EQ(0, ioctl(session, LIVEUPDATE_SESSION_FINISH, &finish));
}

TEST_HARNESS_MAIN
