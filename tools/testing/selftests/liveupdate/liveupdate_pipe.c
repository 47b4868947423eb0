// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with a pipe while it is in a session, and what is in it then.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define _GNU_SOURCE
#include "liveupdate.h"
#include "luo_pipe.h"

#ifndef O_NOTIFICATION_PIPE
#define O_NOTIFICATION_PIPE	O_EXCL
#endif

#define SEED	7

/* A pipe for 64 pages, with data, that is preserved. */
FIXTURE(pipe)
{
	int session;
	int ends[2];
	size_t size;
	size_t len;
};

FIXTURE_SETUP(pipe)
{
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	self->size = 64 * PAGE;
	self->len = 3 * PAGE + 512;
	ASSERT_EQ(0, luo_pipe(self->ends, self->size, 0));
	ASSERT_TRUE(luo_pipe_write(self->ends[1], 0, self->len, SEED));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
}

FIXTURE_TEARDOWN(pipe)
{
	close(self->session);
	close(self->ends[0]);
	close(self->ends[1]);
}

TEST_F(pipe, looks_empty_and_full)
{
	int other[2];
	char c;

	ASSERT_EQ(0, luo_pipe(other, PAGE, 0));
	EXPECT_EQ(-EAGAIN, luo_result(read(self->ends[0], &c, 1)));
	EXPECT_EQ(-EAGAIN, luo_result(write(self->ends[1], "", 1)));
	EXPECT_EQ(-EAGAIN, luo_result(splice(self->ends[0], NULL, other[1], NULL,
					     PAGE, SPLICE_F_NONBLOCK)));
	EXPECT_EQ(-EAGAIN, luo_result(tee(self->ends[0], other[1], PAGE,
					  SPLICE_F_NONBLOCK)));
	EXPECT_EQ(-EAGAIN, luo_result(vmsplice(self->ends[1],
					       &(struct iovec){ &c, 1 }, 1,
					       SPLICE_F_NONBLOCK)));
	ASSERT_EQ(1, write(other[1], "", 1));
	EXPECT_EQ(-EAGAIN, luo_result(splice(other[0], NULL, self->ends[1], NULL,
					     1, SPLICE_F_NONBLOCK)));
	EXPECT_EQ(0, luo_pipe_bytes(self->ends[0]));
	EXPECT_EQ(0, luo_poll(self->ends[0]));
	EXPECT_EQ(0, luo_poll(self->ends[1]));
	close(other[0]);
	close(other[1]);
}

TEST_F(pipe, keeps_its_size)
{
	EXPECT_EQ(0, fcntl(self->ends[0], F_GETPIPE_SZ));
	EXPECT_EQ(-EBUSY, luo_result(fcntl(self->ends[0], F_SETPIPE_SZ,
					   2 * self->size)));
	EXPECT_EQ(-EBUSY, luo_result(fcntl(self->ends[1], F_SETPIPE_SZ, PAGE)));
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(self->size, fcntl(self->ends[0], F_GETPIPE_SZ));
	EXPECT_EQ(2 * self->size, fcntl(self->ends[0], F_SETPIPE_SZ,
					2 * self->size));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, self->len, SEED));
}

TEST_F(pipe, is_like_any_other_when_let_go_of)
{
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(self->len, luo_pipe_bytes(self->ends[0]));
	EXPECT_EQ(POLLIN, luo_poll(self->ends[0]));
	EXPECT_EQ(POLLOUT, luo_poll(self->ends[1]));
	EXPECT_TRUE(luo_pipe_write(self->ends[1], self->len, 512, SEED));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, self->len, SEED));
	EXPECT_TRUE(luo_pipe_splice(self->ends[0], self->len, 512, SEED));
	EXPECT_EQ(0, luo_pipe_bytes(self->ends[0]));
}

TEST_F(pipe, can_be_preserved_again)
{
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, close(self->session));
		self->session = create_other_session("session");
		ASSERT_LE(0, self->session);
		EXPECT_EQ(0, luo_preserve_fd(self->session, self->ends[i % 2], i));
		EXPECT_EQ(0, luo_poll(self->ends[0]));
	}
	ASSERT_EQ(0, close(self->session));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, self->len, SEED));
}

/* The other end is the same pipe. */
TEST_F(pipe, is_preserved_once)
{
	int other = create_other_session("other");
	int again = luo_reopen(self->ends[0], O_RDWR);

	ASSERT_LE(0, other);
	ASSERT_LE(0, again);
	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->session, self->ends[1], 2));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(other, again, 2));
	close(again);
	close(other);
}

/* Who reads is not told of an end, and who writes of no reader, before it is so. */
TEST_F(pipe, has_both_ends)
{
	char c;

	ASSERT_EQ(0, close(self->ends[1]));
	EXPECT_EQ(-EAGAIN, luo_result(read(self->ends[0], &c, 1)));
	EXPECT_EQ(0, luo_poll(self->ends[0]));
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(POLLIN | POLLHUP, luo_poll(self->ends[0]));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, self->len, SEED));
	EXPECT_EQ(0, read(self->ends[0], &c, 1));
}

TEST_F(pipe, has_no_reader)
{
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, close(self->ends[0]));
	EXPECT_EQ(-EAGAIN, luo_result(write(self->ends[1], "", 1)));
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(-EPIPE, luo_result(write(self->ends[1], "", 1)));
}

/* Tasks that wait go on when the session is given up. */
TEST_F(pipe, wakes_who_waits)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(self->session);
		fcntl(self->ends[0], F_SETFL, 0);
		_exit(!luo_pipe_read(self->ends[0], 0, self->len, SEED));
	}
	ASSERT_EQ(0, close(self->session));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* What is in no pipe yet, and the kinds that are refused. */
FIXTURE(bag)
{
	int session;
	int ends[2];
	size_t size;
};

FIXTURE_SETUP(bag)
{
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	self->size = 256 * PAGE;
	ASSERT_EQ(0, luo_pipe(self->ends, self->size, 0));
}

FIXTURE_TEARDOWN(bag)
{
	close(self->session);
	close(self->ends[0]);
	close(self->ends[1]);
}

TEST_F(bag, can_be_empty)
{
	char c;

	EXPECT_EQ(0, luo_preserve_fd(self->session, self->ends[1], 1));
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(-EAGAIN, luo_result(read(self->ends[0], &c, 1)));
	EXPECT_TRUE(luo_pipe_write(self->ends[1], 0, PAGE, SEED));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, PAGE, SEED));
}

TEST_F(bag, is_no_fifo)
{
	int fs = luo_tmpfs(), fd;

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, mknodat(fs, "fifo", S_IFIFO | 0600, 0));
	fd = openat(fs, "fifo", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, fd, 1));
	EXPECT_EQ(1, write(fd, "", 1));
	close(fd);
	close(fs);
}

TEST_F(bag, has_no_notifications)
{
	int ends[2];

	if (pipe2(ends, O_NOTIFICATION_PIPE | O_CLOEXEC))
		return;
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, ends[0], 1));
	close(ends[0]);
	close(ends[1]);
}

TEST_F(bag, keeps_packets)
{
	char text[16];

	ASSERT_EQ(0, fcntl(self->ends[1], F_SETFL, O_DIRECT | O_NONBLOCK));
	ASSERT_EQ(3, write(self->ends[1], "one", 3));
	ASSERT_EQ(5, write(self->ends[1], "three", 5));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(3, read(self->ends[0], text, sizeof(text)));
	EXPECT_EQ(5, read(self->ends[0], text, sizeof(text)));
}

/* What somebody else has is copied, so it does not change any more. */
TEST_F(bag, has_a_copy_of_a_file)
{
	int file = luo_memfd(16 * PAGE, SEED);
	loff_t pos = 0;

	ASSERT_EQ(16 * PAGE, splice(file, &pos, self->ends[1], NULL, 16 * PAGE, 0));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	ASSERT_EQ(0, luo_fill(file, 0, 16 * PAGE, SEED + 1));
	ASSERT_EQ(0, close(self->session));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, 16 * PAGE, SEED));
	close(file);
}

TEST_F(bag, has_a_copy_of_mapped_memory)
{
	char *map = luo_anon(16 * PAGE, PAGE, SEED);

	ASSERT_NE(NULL, map);
	ASSERT_TRUE(luo_gift(self->ends[1], map, 16 * PAGE));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	luo_words((__u64 *)map, 0, 16 * PAGE, SEED + 1);
	ASSERT_EQ(0, close(self->session));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, 16 * PAGE, SEED));
}

/* Memory that was never written. */
TEST_F(bag, has_zeroes)
{
	char *map = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	char got[2 * PAGE], want[2 * PAGE];

	ASSERT_NE(MAP_FAILED, map);
	memset(want, 0, sizeof(want));
	ASSERT_TRUE(luo_gift(self->ends[1], map, sizeof(got)));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	ASSERT_EQ(0, close(self->session));
	ASSERT_EQ(sizeof(got), read(self->ends[0], got, sizeof(got)));
	EXPECT_EQ(0, memcmp(got, want, sizeof(got)));
}

/* Memory of a process that is dead stays where it is. */
TEST_F(bag, takes_what_nobody_maps)
{
	__u64 frames[256];
	size_t nr;

	nr = luo_dump(self->ends[1], self->size, PAGE, SEED, frames);
	ASSERT_LT(0, nr);
	EXPECT_EQ(nr, luo_unmapped(frames, 256));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	EXPECT_EQ(nr, luo_unmapped(frames, 256));
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(nr, luo_unmapped(frames, 256));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, self->size, SEED));
	EXPECT_GT(16, luo_unmapped(frames, 256));
}

/* Of a huge page all has to be in one pipe, in order: else it is copied. */
TEST_F(bag, takes_huge_pages)
{
	const size_t huge = luo_thp_size(), max = huge / PAGE;
	__u64 *frames = calloc(max, sizeof(*frames));
	int rest[2];
	size_t nr;

	if (!huge || fcntl(self->ends[0], F_SETPIPE_SZ, huge) < 0)
		SKIP(return, "no huge pages");
	nr = luo_dump(self->ends[1], huge, huge, SEED, frames);
	EXPECT_EQ(nr, luo_unmapped(frames, max));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	EXPECT_EQ(nr, luo_unmapped(frames, max));
	ASSERT_EQ(0, close(self->session));
	EXPECT_EQ(nr, luo_unmapped(frames, max));

	ASSERT_EQ(0, luo_pipe(rest, PAGE, 0));
	ASSERT_EQ(PAGE, splice(self->ends[0], NULL, rest[1], NULL, PAGE, 0));
	self->session = create_other_session("session");
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	EXPECT_TRUE(luo_pipe_read(rest[0], 0, PAGE, SEED));
	EXPECT_EQ(0, luo_unmapped(frames, max));
	ASSERT_EQ(0, close(self->session));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], PAGE, huge - PAGE, SEED));
	close(rest[0]);
	close(rest[1]);
	free(frames);
}

/* The same data in two pipes: each has its own. */
TEST_F(bag, shares_with_no_other_pipe)
{
	__u64 frames[16];
	int other[2];
	size_t nr;

	ASSERT_EQ(0, luo_pipe(other, self->size, 0));
	nr = luo_dump(self->ends[1], 16 * PAGE, PAGE, SEED, frames);
	ASSERT_EQ(16 * PAGE, tee(self->ends[0], other[1], 16 * PAGE, 0));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->ends[0], 1));
	EXPECT_EQ(nr, luo_unmapped(frames, 16));
	ASSERT_EQ(0, luo_preserve_fd(self->session, other[0], 2));
	EXPECT_EQ(nr, luo_unmapped(frames, 16));
	ASSERT_EQ(0, close(self->session));
	EXPECT_TRUE(luo_pipe_read(self->ends[0], 0, 16 * PAGE, SEED));
	EXPECT_TRUE(luo_pipe_read(other[0], 0, 16 * PAGE, SEED));
	EXPECT_EQ(0, luo_unmapped(frames, 16));
	close(other[0]);
	close(other[1]);
}

TEST_HARNESS_MAIN
