// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes over a live update, with what is in them. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_memfd.h"
#include "luo_pipe.h"

#define SEED		9
#define NR_PAGES	1024
#define SIZE		(NR_PAGES * PAGE)
#define CGROUP		"/cgroup/pipes"

static void new_pipe(struct __test_metadata *const _metadata, int ends[2],
		     size_t size)
{
	ASSERT_EQ(0, luo_pipe(ends, size, 0));
}

static void give_read_end(struct __test_metadata *const _metadata, int dev,
			  const char *name, int ends[2])
{
	close(ends[1]);
	luo_give_one(_metadata, dev, name, ends[0]);
}

/* There is no more, and nobody writes. */
static void expect_end(struct __test_metadata *const _metadata, int fd)
{
	char c;

	EXPECT_EQ(0, luo_pipe_bytes(fd));
	EXPECT_EQ(0, read(fd, &c, 1));
}

/* What was written, not in whole pages; and the size of the pipe. */
TEST_F(prepare, written)
{
	int ends[2];

	new_pipe(_metadata, ends, 32 * PAGE);
	ASSERT_TRUE(luo_pipe_write(ends[1], 0, 3 * PAGE + 512, SEED));
	ASSERT_TRUE(luo_pipe_write(ends[1], 3 * PAGE + 512, 5 * PAGE, SEED));
	ASSERT_TRUE(luo_pipe_read(ends[0], 0, 512, SEED));
	give_read_end(_metadata, self->dev, "written", ends);
}

TEST_F(verify, written)
{
	int fd = luo_take_one(_metadata, self->dev, "written");

	EXPECT_EQ(32 * PAGE, fcntl(fd, F_GETPIPE_SZ));
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(8 * PAGE, luo_pipe_bytes(fd));
	EXPECT_TRUE(luo_pipe_read(fd, 512, 3 * PAGE, SEED));
	EXPECT_TRUE(luo_pipe_splice(fd, 3 * PAGE + 512, 5 * PAGE, SEED));
	expect_end(_metadata, fd);
}

/* An end comes back as the same end, and the other one can be opened. */
TEST_F(prepare, ends)
{
	int session = luo_create(self->dev, "ends"), ends[2];

	ASSERT_LE(0, session);
	new_pipe(_metadata, ends, 4 * PAGE);
	ASSERT_TRUE(luo_pipe_write(ends[1], 0, PAGE, SEED));
	luo_give(_metadata, session, ends[1], 1);
	new_pipe(_metadata, ends, 4 * PAGE);
	luo_give(_metadata, session, luo_reopen(ends[0], O_RDWR), 2);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, ends)
{
	int session = luo_retrieve(self->dev, "ends"), fd, other, both;
	char c;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	both = luo_retrieve_fd(session, 2);
	ASSERT_LE(0, both);
	/* A session that is not finished has its files open. */
	ASSERT_EQ(0, luo_finish(session));
	EXPECT_EQ(O_WRONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(-EBADF, luo_result(read(fd, &c, 1)));
	other = luo_reopen(fd, O_RDONLY);
	ASSERT_LE(0, other);
	EXPECT_TRUE(luo_pipe_write(fd, PAGE, PAGE, SEED));
	EXPECT_TRUE(luo_pipe_read(other, 0, 2 * PAGE, SEED));
	close(fd);
	expect_end(_metadata, other);

	EXPECT_EQ(O_RDWR, fcntl(both, F_GETFL) & O_ACCMODE);
	EXPECT_TRUE(luo_pipe_write(both, 0, PAGE, SEED));
	EXPECT_TRUE(luo_pipe_read(both, 0, PAGE, SEED));
}

/* Data of each kind: packets, zeroes, pages of a file, and memory that is mapped. */
TEST_F(prepare, kinds)
{
	char *zeroes = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	char *map = luo_anon(4 * PAGE, PAGE, SEED);
	int file = luo_memfd(4 * PAGE, SEED), ends[2];
	loff_t pos = 0;

	ASSERT_NE(NULL, map);
	new_pipe(_metadata, ends, 16 * PAGE);
	ASSERT_EQ(0, fcntl(ends[1], F_SETFL, O_DIRECT | O_NONBLOCK));
	ASSERT_EQ(3, write(ends[1], "one", 3));
	ASSERT_EQ(5, write(ends[1], "three", 5));
	ASSERT_EQ(0, fcntl(ends[1], F_SETFL, O_NONBLOCK));
	ASSERT_TRUE(luo_gift(ends[1], zeroes, PAGE));
	ASSERT_EQ(4 * PAGE, splice(file, &pos, ends[1], NULL, 4 * PAGE, 0));
	ASSERT_TRUE(luo_gift(ends[1], map, 4 * PAGE));
	ASSERT_TRUE(luo_gift(ends[1], map + 8, 64));
	give_read_end(_metadata, self->dev, "kinds", ends);
}

TEST_F(verify, kinds)
{
	int fd = luo_take_one(_metadata, self->dev, "kinds");
	char got[PAGE], want[PAGE];

	memset(want, 0, sizeof(want));
	EXPECT_EQ(3, read(fd, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(got, "one", 3));
	EXPECT_EQ(5, read(fd, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(got, "three", 5));
	EXPECT_EQ(sizeof(got), read(fd, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(got, want, sizeof(got)));
	EXPECT_TRUE(luo_pipe_read(fd, 0, 4 * PAGE, SEED));
	EXPECT_TRUE(luo_pipe_splice(fd, 0, 4 * PAGE, SEED));
	EXPECT_TRUE(luo_pipe_read(fd, 8, 64, SEED));
	expect_end(_metadata, fd);
}

/* Without data, in a pipe as small as can be. */
TEST_F(prepare, empty)
{
	int ends[2];

	new_pipe(_metadata, ends, PAGE);
	give_read_end(_metadata, self->dev, "empty", ends);
}

TEST_F(verify, empty)
{
	int fd = luo_take_one(_metadata, self->dev, "empty");

	EXPECT_EQ(PAGE, fcntl(fd, F_GETPIPE_SZ));
	expect_end(_metadata, fd);
}

/*
 * Memory of a process that is dead. The second file tells the page frames of what
 * can stay where it is.
 */
static void give_dump(struct __test_metadata *const _metadata, int dev,
		      const char *name, size_t align)
{
	int report = memfd_create("frames", 0), ends[2];
	int session = luo_create(dev, name);
	__u64 frames[NR_PAGES];
	size_t nr;

	ASSERT_LE(0, session);
	new_pipe(_metadata, ends, SIZE);
	nr = luo_dump(ends[1], SIZE, align, SEED, frames);
	/* Some of many pages are not in scratch memory; two huge pages may be. */
	ASSERT_TRUE(nr || align > PAGE);
	ASSERT_EQ(nr, luo_unmapped(frames, NR_PAGES));
	ASSERT_EQ(sizeof(frames), write(report, frames, sizeof(frames)));
	close(ends[1]);
	luo_give(_metadata, session, ends[0], 1);
	luo_give(_metadata, session, report, 2);
	EXPECT_EQ(nr, luo_unmapped(frames, NR_PAGES));
	luo_hold(_metadata, dev);
}

static size_t nr_staying(const __u64 *frames)
{
	size_t i, count = 0;

	for (i = 0; i < NR_PAGES; i++)
		count += !!frames[i];
	return count;
}

/* How many of the page frames the memory cgroup of this task is charged for. */
static size_t charged(const __u64 *frames)
{
	int fd = open("/proc/kpagecgroup", O_RDONLY);
	size_t i, count = 0;
	struct stat st;
	__u64 ino;

	if (stat(CGROUP, &st))
		return 0;
	for (i = 0; i < NR_PAGES; i++)
		count += frames[i] && pread(fd, &ino, 8, frames[i] * 8) == 8 &&
			 ino == st.st_ino;
	close(fd);
	return count;
}

static long charge(void)
{
	FILE *f = fopen(CGROUP "/memory.current", "r");
	long bytes = -1;

	if (!f || fscanf(f, "%ld", &bytes) != 1)
		bytes = -1;
	if (f)
		fclose(f);
	return bytes;
}

/* They are in the same page frames, and whoever retrieves them is charged. */
static int take_dump(struct __test_metadata *const _metadata, int dev,
		     const char *name, __u64 *frames)
{
	const size_t size = NR_PAGES * sizeof(*frames);
	int session, fd, report;

	mkdir(CGROUP, 0755);
	ASSERT_TRUE(luo_write_text(CGROUP "/cgroup.procs", "0"));
	session = luo_retrieve(dev, name);
	ASSERT_LE(0, session);
	report = luo_retrieve_fd(session, 2);
	ASSERT_EQ(size, pread(report, frames, size, 0));
	EXPECT_EQ(0, charged(frames));
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(nr_staying(frames), charged(frames));
	EXPECT_LE(SIZE, charge());
	EXPECT_EQ(SIZE, fcntl(fd, F_GETPIPE_SZ));
	EXPECT_EQ(SIZE, luo_pipe_bytes(fd));
	close(report);
	EXPECT_EQ(0, luo_finish(session));
	close(session);
	return fd;
}

static void read_dump(struct __test_metadata *const _metadata, int fd,
		      const __u64 *frames)
{
	long before = charge();

	EXPECT_TRUE(luo_pipe_read(fd, 0, SIZE / 2, SEED));
	EXPECT_TRUE(luo_pipe_splice(fd, SIZE / 2, SIZE / 2, SEED));
	expect_end(_metadata, fd);
	EXPECT_GT(before - (long)SIZE / 2, charge());
	EXPECT_GT(NR_PAGES / 2, charged(frames));
}

TEST_F(prepare, dump)
{
	give_dump(_metadata, self->dev, "dump", PAGE);
}

/* Read only in the third kernel: the second one has it stay where it is, too. */
TEST_F(verify, dump)
{
	int report = memfd_create("frames", 0), session, fd;
	__u64 frames[NR_PAGES];

	fd = take_dump(_metadata, self->dev, "dump", frames);
	session = luo_create(self->dev, "dump");
	ASSERT_LE(0, session);
	ASSERT_EQ(sizeof(frames), write(report, frames, sizeof(frames)));
	luo_give(_metadata, session, fd, 1);
	luo_give(_metadata, session, report, 2);
	EXPECT_EQ(nr_staying(frames), charged(frames));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, dump_again)
{
	__u64 frames[NR_PAGES];
	int fd = take_dump(_metadata, self->dev, "dump", frames);

	read_dump(_metadata, fd, frames);
}

TEST_F(prepare, huge_dump)
{
	if (!luo_thp_size() || SIZE % luo_thp_size())
		SKIP(return, "no huge pages of this size");
	give_dump(_metadata, self->dev, "huge_dump", luo_thp_size());
}

TEST_F(verify, huge_dump)
{
	__u64 frames[NR_PAGES];
	int fd = take_dump(_metadata, self->dev, "huge_dump", frames);

	read_dump(_metadata, fd, frames);
}

/* Nobody retrieves it: all of it is free memory when the session is finished. */
TEST_F(prepare, unwanted)
{
	give_dump(_metadata, self->dev, "unwanted", PAGE);
}

TEST_F(verify, unwanted)
{
	int session = luo_retrieve(self->dev, "unwanted");
	long before = luo_meminfo("MemTotal");

	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_LE((long)SIZE / 1024, luo_meminfo("MemTotal") - before);
}

/* Of what has failed nothing is read, nor of what is behind it. */
#define POISONED_PAGE	700

TEST_F(prepare, poisoned)
{
	int session = luo_create(self->dev, "poisoned"), ends[2];
	__u64 frames[NR_PAGES];

	ASSERT_LE(0, session);
	new_pipe(_metadata, ends, SIZE);
	ASSERT_LT(0, luo_dump(ends[1], SIZE, PAGE, SEED, frames));
	close(ends[1]);
	luo_give(_metadata, session, ends[0], 1);
	ASSERT_TRUE(luo_offline(frames[POISONED_PAGE]));
	luo_hold(_metadata, self->dev);
}

/* Nor can it be handed on. */
TEST_F(verify, poisoned)
{
	int fd = luo_take_one(_metadata, self->dev, "poisoned");
	int session = luo_create(self->dev, "poisoned");
	int file = luo_memfd(PAGE, SEED);
	char c;

	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_preserve_fd(session, fd, 1));
	EXPECT_TRUE(luo_pipe_read(fd, 0, POISONED_PAGE * PAGE, SEED));
	EXPECT_EQ(-EIO, luo_result(read(fd, &c, 1)));
	EXPECT_EQ(-EIO, luo_result(splice(fd, NULL, file, NULL, PAGE, 0)));
	EXPECT_EQ(SIZE - POISONED_PAGE * PAGE, luo_pipe_bytes(fd));
	close(file);
}

/* What is damaged cannot be retrieved, and what is not damaged can. */
TEST_F(verify, damaged)
{
	int session, fd;

	session = luo_retrieve(self->dev, "written");
	ASSERT_LE(0, session);
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));

	session = luo_retrieve(self->dev, "dump");
	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));

	session = luo_retrieve(self->dev, "ends");
	ASSERT_LE(0, session);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 1));
	fd = luo_retrieve_fd(session, 2);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, luo_finish(session));
}

TEST_HARNESS_MAIN
