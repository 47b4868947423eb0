// SPDX-License-Identifier: GPL-2.0
/*
 * What a file handler has a say in, by means of /dev/luo_test
 * (CONFIG_LIVEUPDATE_TEST). How to run it: luo_update.h.
 *
 * The tests prepare.refused... want the next kernel to be loaded: they try to go
 * there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdatomic.h>

#include "luo_test.h"

/* Another kind of file than a memfd, in one session with one. */
TEST_F(prepare, mixed)
{
	int session = luo_create(self->dev, "mixed");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_data_file(_metadata, "mixed 1", "ok"), 1);
	luo_give(_metadata, session, luo_memfd(PAGE, 2), 2);
	luo_give(_metadata, session, luo_data_file(_metadata, "mixed 3", "ok"), 3);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, mixed)
{
	int session = luo_retrieve(self->dev, "mixed");
	int other = luo_create(self->dev, "other");
	int fd;

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	fd = luo_retrieve_fd(session, 3);
	luo_expect_data(_metadata, fd, "mixed 3");
	luo_take(_metadata, session, 2, PAGE, 2);
	luo_expect_data(_metadata, luo_retrieve_fd(session, 1), "mixed 1");

	/* Its handler is to finish it before it preserves it. */
	EXPECT_EQ(-EBUSY, luo_preserve_fd(other, fd, 1));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, luo_preserve_fd(other, fd, 1));
}

/* The handler's errno; and nothing is left behind by the attempt. */
TEST_F(prepare, preserve_fails)
{
	int session = luo_create(self->dev, "preserve_fails");
	int fd = luo_data_file(_metadata, "preserve", "fail preserve");

	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_preserve_fd(session, fd, 1));
	EXPECT_EQ(-EIO, luo_preserve_fd(session, fd, 1));
	luo_give(_metadata, session, luo_memfd(PAGE, 1), 1);
	ASSERT_LT(0, luo_tell(fd, "ok"));
	EXPECT_EQ(0, luo_preserve_fd(session, fd, 2));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, preserve_fails)
{
	int session = luo_retrieve(self->dev, "preserve_fails");

	ASSERT_LE(0, session);
	luo_take(_metadata, session, 1, PAGE, 1);
	luo_expect_data(_metadata, luo_retrieve_fd(session, 2), "preserve");
}

/* The handler is asked once; the others in the session do not suffer. */
TEST_F(prepare, retrieve_fails)
{
	int session = luo_create(self->dev, "retrieve_fails");

	ASSERT_LE(0, session);
	luo_give(_metadata, session,
		 luo_data_file(_metadata, "retrieve", "fail retrieve"), 1);
	luo_give(_metadata, session, luo_memfd(PAGE, 2), 2);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, retrieve_fails)
{
	int session = luo_retrieve(self->dev, "retrieve_fails");

	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	luo_take(_metadata, session, 2, PAGE, 2);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 1));
}

/* Either all is finished or nothing. */
TEST_F(prepare, busy)
{
	int session = luo_create(self->dev, "busy");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(PAGE, 1), 1);
	luo_give(_metadata, session, luo_data_file(_metadata, "busy", "fail can_finish"), 2);
	luo_give(_metadata, session, luo_memfd(PAGE, 3), 3);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, busy)
{
	int session = luo_retrieve(self->dev, "busy");
	int fd;

	ASSERT_LE(0, session);
	EXPECT_EQ(-EBUSY, luo_finish(session));
	luo_take(_metadata, session, 1, PAGE, 1);
	fd = luo_retrieve_fd(session, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, luo_finish(session));
	EXPECT_EQ(-EINVAL, luo_retrieve(self->dev, "busy"));
	luo_take(_metadata, session, 3, PAGE, 3);

	ASSERT_LT(0, luo_tell(fd, "ok"));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 3));
}

/* The update is called off, the system goes on, and the next try works. */
TEST_F(prepare, refused)
{
	int session[2], fd, memfd;

	session[0] = luo_create(self->dev, "refused 1");
	ASSERT_LE(0, session[0]);
	memfd = luo_memfd(4 * PAGE, 1);
	ASSERT_EQ(0, luo_preserve_fd(session[0], memfd, 1));
	luo_give(_metadata, session[0], luo_data_file(_metadata, "first", "ok"), 2);
	session[1] = luo_create(self->dev, "refused 2");
	ASSERT_LE(0, session[1]);
	luo_give(_metadata, session[1], luo_data_file(_metadata, "second", "ok"), 1);
	fd = luo_data_file(_metadata, "third", "fail freeze");
	ASSERT_EQ(0, luo_preserve_fd(session[1], fd, 2));
	luo_give(_metadata, session[1], luo_data_file(_metadata, "fourth", "ok"), 3);

	ASSERT_EQ(-EIO, luo_reboot());
	ASSERT_EQ(-EIO, luo_reboot());

	/* All of it is as before: what there is, what can be done with it. */
	EXPECT_EQ(-EEXIST, luo_create(self->dev, "refused 1"));
	EXPECT_EQ(-EEXIST, luo_preserve_fd(session[0], fd, 2));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(session[0], memfd, 3));
	EXPECT_EQ(-1, ftruncate(memfd, 0));
	EXPECT_EQ(0, luo_fill(memfd, PAGE, PAGE, 9));
	luo_give(_metadata, session[0], luo_memfd(PAGE, 3), 3);
	session[0] = luo_create(self->dev, "refused 3");
	ASSERT_LE(0, session[0]);
	luo_give(_metadata, session[0], luo_memfd(PAGE, 4), 1);

	ASSERT_LT(0, luo_tell(fd, "ok"));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, refused)
{
	int session, fd;

	session = luo_retrieve(self->dev, "refused 1");
	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 1));
	EXPECT_TRUE(luo_filled(fd, PAGE, PAGE, 9));
	EXPECT_TRUE(luo_filled(fd, 2 * PAGE, 2 * PAGE, 1));
	luo_expect_data(_metadata, luo_retrieve_fd(session, 2), "first");
	luo_take(_metadata, session, 3, PAGE, 3);

	session = luo_retrieve(self->dev, "refused 2");
	ASSERT_LE(0, session);
	luo_expect_data(_metadata, luo_retrieve_fd(session, 1), "second");
	luo_expect_data(_metadata, luo_retrieve_fd(session, 2), "third");
	luo_expect_data(_metadata, luo_retrieve_fd(session, 3), "fourth");

	session = luo_retrieve(self->dev, "refused 3");
	ASSERT_LE(0, session);
	luo_take(_metadata, session, 1, PAGE, 4);
}

/*
 * Updates called off while sessions are created and holes of a preserved file
 * are filled: those who do so wait, and notice nothing.
 */
#define ATTEMPTS	20
#define HOLES		4096

static bool use_sessions(int dev)
{
	int session = luo_create(dev, "in use");
	int fd = luo_memfd(PAGE, 1);
	bool done;

	done = session >= 0 && fd >= 0 && !luo_preserve_fd(session, fd, 1);
	close(session);
	return done && !ftruncate(fd, 0) && !close(fd);
}

static pid_t start(struct __test_metadata *const _metadata, int dev, int fd,
		   atomic_int *stop)
{
	pid_t pid = fork();
	int i;

	ASSERT_LE(0, pid);
	if (pid)
		return pid;
	for (i = 0; !atomic_load(stop); i++) {
		if (fd < 0 && !use_sessions(dev))
			_exit(1);
		if (fd >= 0 && luo_fill(fd, i % HOLES * PAGE, PAGE, 5))
			_exit(1);
	}
	_exit(0);
}

TEST_F(prepare, refused_in_use)
{
	atomic_int *stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int session = luo_create(self->dev, "refused_in_use");
	int holes = memfd_create("luo", MFD_CLOEXEC);
	int i, status, fd;
	pid_t pids[2];

	ASSERT_NE(MAP_FAILED, stop);
	ASSERT_LE(0, session);
	ASSERT_EQ(0, ftruncate(holes, HOLES * PAGE));
	ASSERT_EQ(0, luo_preserve_fd(session, holes, 1));
	fd = luo_data_file(_metadata, "in use", "fail freeze");
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 2));

	pids[0] = start(_metadata, self->dev, -1, stop);
	pids[1] = start(_metadata, self->dev, holes, stop);
	for (i = 0; i < ATTEMPTS; i++)
		EXPECT_EQ(-EIO, luo_reboot());
	atomic_store(stop, 1);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	ASSERT_EQ(0, luo_fill(holes, 0, HOLES * PAGE, 6));
	ASSERT_LT(0, luo_tell(fd, "ok"));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, refused_in_use)
{
	int session = luo_retrieve(self->dev, "refused_in_use");

	ASSERT_LE(0, session);
	luo_take(_metadata, session, 1, HOLES * PAGE, 6);
	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "in use"));
}

/* No memfd: there are kernels without. */
TEST_F(prepare, alone)
{
	int session = luo_create(self->dev, "alone");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_data_file(_metadata, "alone", "ok"), 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, alone)
{
	int session = luo_retrieve(self->dev, "alone");

	ASSERT_LE(0, session);
	luo_expect_data(_metadata, luo_retrieve_fd(session, 1), "alone");
	EXPECT_EQ(0, luo_finish(session));
}

/*
 * The image that is loaded hands nothing over: the kexec is refused as long as
 * that would lose a file. An empty session is nothing to lose.
 */
TEST_F(prepare, cold)
{
	int session = luo_create(self->dev, "cold");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(PAGE, 1), 1);
	EXPECT_EQ(-EOPNOTSUPP, luo_reboot());
	luo_give(_metadata, session, luo_memfd(PAGE, 2), 2);
	EXPECT_EQ(-EOPNOTSUPP, luo_reboot());
	ASSERT_EQ(0, close(session));

	ASSERT_LE(0, luo_create(self->dev, "cold"));
	luo_hold(_metadata, self->dev);
}

/* A freeze that goes on until the kernel is gone. */
TEST_F(prepare, hung)
{
	int session = luo_create(self->dev, "hung");
	int asleep = luo_logged("asleep in freeze");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_data_file(_metadata, "hung", "sleep freeze"), 1);
	luo_start_reboot(_metadata);
	luo_wait_for_log("asleep in freeze", asleep + 1);
}

TEST_HARNESS_MAIN
