// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions and their files over a live update: what is handed over, and what is
 * not. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <sys/vfs.h>

#include "luo_update.h"

/* Any 64-bit value is a token. */
static __u64 token_of(unsigned long i)
{
	return i * 0x9e3779b97f4a7c15ULL;
}

TEST_F(prepare, simple)
{
	int session = luo_create(self->dev, "simple");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(4 * PAGE, 1), 7);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, simple)
{
	int session, fd;

	session = luo_retrieve(self->dev, "simple");
	ASSERT_LE(0, session);
	fd = luo_take(_metadata, session, 7, 4 * PAGE, 1);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, close(session));
	EXPECT_TRUE(luo_filled(fd, 0, 4 * PAGE, 1));
}

/* A session that came in is a file like one that was created. */
TEST_F(prepare, session_file)
{
	int session = luo_create(self->dev, "session_file");

	ASSERT_LE(0, session);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, session_file)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct liveupdate_session_get_name arg = {
		.size = sizeof(arg),
		.reserved = 1,
	};
	struct statfs fs;
	char link[128];
	int session;

	session = luo_retrieve(self->dev, "session_file");
	ASSERT_LE(0, session);
	EXPECT_EQ(FD_CLOEXEC, fcntl(session, F_GETFD));
	luo_link(session, link, sizeof(link));
	EXPECT_STREQ("anon_inode:[luo_session] session_file", link);
	ASSERT_EQ(0, fstatfs(session, &fs));
	EXPECT_EQ(ANON_INODE_FS_MAGIC, fs.f_type);

	EXPECT_EQ(0, luo_get_name(session, name));
	EXPECT_STREQ("session_file", name);
	EXPECT_EQ(-1, ioctl(session, LIVEUPDATE_SESSION_GET_NAME, &arg));
	EXPECT_EQ(EINVAL, errno);
}

/* Without a file a session is handed over all the same. */
TEST_F(prepare, empty)
{
	ASSERT_LE(0, luo_create(self->dev, "empty 1"));
	ASSERT_LE(0, luo_create(self->dev, "empty 2"));
	ASSERT_LE(0, luo_create(self->dev, LUO_LONGEST_NAME));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, empty)
{
	int session;

	session = luo_retrieve(self->dev, LUO_LONGEST_NAME);
	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_finish(session));
	session = luo_retrieve(self->dev, "empty 2");
	ASSERT_LE(0, session);
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 0));
	EXPECT_EQ(0, close(session));
	session = luo_retrieve(self->dev, "empty 1");
	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_finish(session));
}

/* Each session has tokens of its own. */
#define SEVERAL	16

TEST_F(prepare, several)
{
	char name[64];
	int i, session;

	for (i = 0; i < SEVERAL; i++) {
		snprintf(name, sizeof(name), "several %d", i);
		session = luo_create(self->dev, name);
		ASSERT_LE(0, session);
		luo_give(_metadata, session, luo_memfd(PAGE, 2 * i), 0);
		luo_give(_metadata, session, luo_memfd(2 * PAGE, 2 * i + 1), UINT64_MAX);
	}
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, several)
{
	char name[64];
	int i, session;

	for (i = SEVERAL - 1; i >= 0; i--) {
		snprintf(name, sizeof(name), "several %d", i);
		session = luo_retrieve(self->dev, name);
		ASSERT_LE(0, session);
		luo_take(_metadata, session, UINT64_MAX, 2 * PAGE, 2 * i + 1);
		luo_take(_metadata, session, 0, PAGE, 2 * i);
		EXPECT_EQ(0, luo_finish(session));
	}
}

/* Many files in one session, retrieved in another order, some not at all. */
static void give_files(struct __test_metadata *const _metadata, int dev,
		       const char *name, unsigned long nr)
{
	int session = luo_create(dev, name);
	unsigned long i;

	ASSERT_LE(0, session);
	for (i = 0; i < nr; i++)
		luo_give(_metadata, session, luo_memfd(PAGE, i), token_of(i));
	luo_hold(_metadata, dev);
}

static void take_files(struct __test_metadata *const _metadata, int dev,
		       const char *name, unsigned long nr)
{
	int session = luo_retrieve(dev, name);
	unsigned long i, n;

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, token_of(nr)));
	for (i = 0; i < nr; i++) {
		n = i * 7919 % nr;	/* a prime: each number once */
		if (n % 5 == 3)
			continue;
		close(luo_take(_metadata, session, token_of(n), PAGE, n));
	}
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, token_of(3)));
}

TEST_F(prepare, files)
{
	give_files(_metadata, self->dev, "files", 500);
}

TEST_F(verify, files)
{
	take_files(_metadata, self->dev, "files", 500);
}

/* Nothing of it is retrieved. */
TEST_F(verify, discarded)
{
	int session = luo_retrieve(self->dev, "files");

	ASSERT_LE(0, session);
	ASSERT_EQ(0, luo_finish(session));
}

TEST_F(prepare, many_files)
{
	give_files(_metadata, self->dev, "many files",
		   luo_param("FILES", 20000));
}

TEST_F(verify, many_files)
{
	take_files(_metadata, self->dev, "many files",
		   luo_param("FILES", 20000));
}

TEST_F(prepare, many_sessions)
{
	unsigned long i, nr = luo_param("SESSIONS", 2000);
	char name[64];
	int session;

	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "many sessions %lu", i);
		session = luo_create(self->dev, name);
		ASSERT_LE(0, session);
		luo_give(_metadata, session, luo_memfd(PAGE, i), i);
	}
	EXPECT_EQ(-EEXIST, luo_create(self->dev, name));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, many_sessions)
{
	unsigned long i, n, nr = luo_param("SESSIONS", 2000);
	char name[64];
	int session;

	for (i = 0; i < nr; i++) {
		n = i * 7919 % nr;
		snprintf(name, sizeof(name), "many sessions %lu", n);
		session = luo_retrieve(self->dev, name);
		ASSERT_LE(0, session) TH_LOG("%s", name);
		close(luo_take(_metadata, session, n, PAGE, n));
		EXPECT_EQ(0, close(session));
		EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, name));
	}
}

/* What was preserved, but belongs to no session any more. */
TEST_F(prepare, closed)
{
	int session;

	session = luo_create(self->dev, "closed");
	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(PAGE, 1), 1);
	ASSERT_EQ(0, close(session));

	session = luo_create(self->dev, "reopened");
	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(PAGE, 2), 2);
	ASSERT_EQ(0, close(session));
	session = luo_create(self->dev, "reopened");
	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(PAGE, 3), 3);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, closed)
{
	int session;

	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "closed"));
	session = luo_retrieve(self->dev, "reopened");
	ASSERT_LE(0, session);
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 2));
	luo_take(_metadata, session, 3, PAGE, 3);
}

TEST_F(prepare, killed)
{
	int session, status, pipefd[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(pipefd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		session = luo_create(self->dev, "killed");
		luo_give(_metadata, session, luo_memfd(PAGE, 1), 1);
		ASSERT_EQ(1, write(pipefd[1], "", 1));
		for (;;)
			pause();
	}
	close(pipefd[1]);
	ASSERT_EQ(1, read(pipefd[0], &c, 1));
	EXPECT_EQ(-EEXIST, luo_create(self->dev, "killed"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

TEST_F(verify, killed)
{
	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "killed"));
}

/* For luo_monitor, which must not take these for a guest of its own. */
TEST_F(prepare, no_guest)
{
	int session = luo_create(self->dev, "no guest");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(PAGE, 1), 1);
	luo_give(_metadata, session, luo_memfd(PAGE, 2), 2);
	luo_hold(_metadata, self->dev);
}

/* Not retrieved by the second kernel, and so not there in the third. */
TEST_F(prepare, left)
{
	int session = luo_create(self->dev, "left");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, luo_memfd(16 * PAGE, 1), 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, left)
{
	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "left"));
}

/* After a boot that took over nothing. */
TEST_F(verify, nothing)
{
	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "simple"));
	EXPECT_LE(0, luo_create(self->dev, "simple"));
}

/*
 * Files that go from kernel to kernel, and change a little in each: one stays
 * as it is, one has another page rewritten, one grows by a page.
 */
#define CHAIN_PAGES	256

static void give_chain(struct __test_metadata *const _metadata, int dev,
		       const int *fds)
{
	int session = luo_create(dev, "chain");
	int i;

	ASSERT_LE(0, session);
	for (i = 0; i < 3; i++)
		luo_give(_metadata, session, fds[i], i);
	luo_hold(_metadata, dev);
}

TEST_F(prepare, chain)
{
	int fds[] = {
		luo_memfd(CHAIN_PAGES * PAGE, 10),
		luo_memfd(CHAIN_PAGES * PAGE, 20),
		luo_memfd(PAGE, 30),
	};

	give_chain(_metadata, self->dev, fds);
}

TEST_F(verify, chain)
{
	long i, stage = luo_stage();
	int session, fds[3];

	session = luo_retrieve(self->dev, "chain");
	ASSERT_LE(0, session);
	fds[0] = luo_take(_metadata, session, 0, CHAIN_PAGES * PAGE, 10);
	fds[1] = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fds[1]);
	for (i = 2; i < stage; i++)
		EXPECT_TRUE(luo_filled(fds[1], i * PAGE, PAGE, i));
	EXPECT_TRUE(luo_filled(fds[1], 0, 2 * PAGE, 20));
	EXPECT_TRUE(luo_filled(fds[1], i * PAGE, (CHAIN_PAGES - i) * PAGE, 20));
	fds[2] = luo_take(_metadata, session, 2, (stage - 1) * PAGE, 30);
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, close(session));

	ASSERT_EQ(0, luo_fill(fds[1], stage * PAGE, PAGE, stage));
	ASSERT_EQ(0, luo_fill(fds[2], (stage - 1) * PAGE, PAGE, 30));
	give_chain(_metadata, self->dev, fds);
}

TEST_HARNESS_MAIN
