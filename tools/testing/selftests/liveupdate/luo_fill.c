// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds that get their folios after they were retrieved, when they are used or
 * in the background. How to run it: luo_update.h; between the halves the record
 * of folio number 600 is to be corrupted in the sessions "damaged", "unwanted"
 * and "foreign_damaged", and in the latter and "foreign" the mark in the block
 * of files by which a kernel shows that it writes checksums.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "luo_update.h"

#define NR_PAGES	1024
#define SIZE		(NR_PAGES * PAGE)
#define SEED		5
#define NR_READERS	4

/* The records of a page of the array go together: these pages are lost. */
#define LOST_START	(512 * PAGE)
#define LOST_END	(768 * PAGE)

static void give(struct __test_metadata *const _metadata, int session,
		 __u64 token, size_t stride)
{
	int fd = memfd_create("fill", MFD_ALLOW_SEALING);
	size_t at;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, SIZE));
	for (at = 0; at < SIZE; at += stride)
		ASSERT_EQ(0, luo_fill(fd, at, PAGE, SEED));
	luo_give(_metadata, session, fd, token);
}

/* A session with a file, of which token 1 is given. */
static void prepare_one(struct __test_metadata *const _metadata, int dev,
			const char *name)
{
	int session = luo_create(dev, name);

	ASSERT_LE(0, session);
	give(_metadata, session, 1, PAGE);
	luo_hold(_metadata, dev);
}

TEST_F(prepare, used)
{
	int session = luo_create(self->dev, "used");
	__u64 token;

	ASSERT_LE(0, session);
	for (token = 0; token < 8; token++)
		give(_metadata, session, token, PAGE);
	give(_metadata, session, 8, 2 * PAGE);
	luo_hold(_metadata, self->dev);
}

/* How large a file is shows at once. */
TEST_F(prepare, allocated)
{
	int session = luo_create(self->dev, "allocated");

	ASSERT_LE(0, session);
	give(_metadata, session, 1, PAGE);
	give(_metadata, session, 2, 2 * PAGE);
	give(_metadata, session, 3, SIZE);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, allocated)
{
	int session = luo_retrieve(self->dev, "allocated");
	const off_t allocated[] = { SIZE, SIZE / 2, PAGE };
	int i, fd[3];

	ASSERT_LE(0, session);
	for (i = 0; i < 3; i++) {
		fd[i] = luo_retrieve_fd(session, i + 1);
		ASSERT_LE(0, fd[i]);
		EXPECT_EQ(allocated[i], luo_allocated(fd[i]));
	}
	EXPECT_TRUE(luo_filled(fd[0], 0, 10 * PAGE, SEED));
	EXPECT_EQ(0, luo_fill(fd[1], PAGE, PAGE, SEED));
	EXPECT_EQ(SIZE, luo_allocated(fd[0]));
	EXPECT_EQ(SIZE / 2 + PAGE, luo_allocated(fd[1]));
	EXPECT_EQ(0, close(fd[2]));

	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(SIZE, luo_allocated(fd[0]));
	EXPECT_EQ(SIZE / 2 + PAGE, luo_allocated(fd[1]));
	EXPECT_EQ(0, ftruncate(fd[0], SIZE / 2));
	EXPECT_EQ(SIZE / 2, luo_allocated(fd[0]));
	EXPECT_EQ(0, ftruncate(fd[1], 0));
	EXPECT_EQ(0, luo_allocated(fd[1]));
}

/* What is retrieved may exceed the limit of the memory cgroup. */
TEST_F(prepare, limited)
{
	prepare_one(_metadata, self->dev, "limited");
}

static void write_text(struct __test_metadata *const _metadata,
		       const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ASSERT_LE(0, fd) TH_LOG("%s", path);
	ASSERT_EQ(strlen(text), write(fd, text, strlen(text))) TH_LOG("%s", path);
	close(fd);
}

static long nr_killed(void)
{
	FILE *events = fopen("/cgroup/limited/memory.events", "r");
	char line[64];
	long nr = -1;

	while (events && fgets(line, sizeof(line), events))
		sscanf(line, "oom_kill %ld", &nr);
	if (events)
		fclose(events);
	return nr;
}

/* A task that would be killed if one had to be. */
static pid_t start_victim(struct __test_metadata *const _metadata)
{
	char text[16];
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	for (; !pid;)
		pause();
	snprintf(text, sizeof(text), "%d", pid);
	write_text(_metadata, "/cgroup/limited/cgroup.procs", text);
	return pid;
}

/*
 * Nobody is killed for what is put into the file; it is all there. We leave the
 * cgroup by a descriptor that is open: with nothing new to be charged for.
 */
TEST_F(verify, limited)
{
	int root = open("/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC);
	int session, fd;
	pid_t victim;

	write_text(_metadata, "/cgroup/cgroup.subtree_control", "+memory");
	ASSERT_EQ(0, mkdir("/cgroup/limited", 0700));
	write_text(_metadata, "/cgroup/limited/memory.max", "2M");
	if (!access("/cgroup/limited/memory.swap.max", W_OK))
		write_text(_metadata, "/cgroup/limited/memory.swap.max", "0");
	victim = start_victim(_metadata);

	write_text(_metadata, "/cgroup/limited/cgroup.procs", "0");
	session = luo_retrieve(self->dev, "limited");
	fd = luo_retrieve_fd(session, 1);
	ASSERT_EQ(1, write(root, "0", 1));
	ASSERT_LE(0, fd);

	EXPECT_EQ(SIZE, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ(0, nr_killed());
	EXPECT_TRUE(luo_filled(fd, 0, SIZE, SEED));
	EXPECT_EQ(0, luo_finish(session));
	kill(victim, SIGKILL);
}

struct reader {
	pthread_t thread;
	const char *map;
	size_t first;
	size_t nr_wrong;
};

static bool page_ok(const char *map, size_t page)
{
	const __u64 *words = (const __u64 *)(map + page * PAGE);
	const size_t nr = PAGE / sizeof(*words);

	return words[0] == luo_word(SEED, page * nr) &&
	       words[nr - 1] == luo_word(SEED, page * nr + nr - 1);
}

/* All pages, from one on, in steps that make neighbours not the next. */
static void *read_all(void *arg)
{
	struct reader *r = arg;
	size_t i;

	for (i = 0; i < NR_PAGES; i++)
		r->nr_wrong += !page_ok(r->map, (r->first + i * 77) % NR_PAGES);
	return NULL;
}

static void expect_readers_agree(struct __test_metadata *const _metadata, int fd)
{
	struct reader readers[NR_READERS] = { };
	int i;

	for (i = 0; i < NR_READERS; i++) {
		readers[i].map = luo_map(fd, 0, SIZE);
		readers[i].first = i * NR_PAGES / NR_READERS;
		ASSERT_NE(MAP_FAILED, readers[i].map);
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_all,
					    &readers[i]));
	}
	for (i = 0; i < NR_READERS; i++) {
		ASSERT_EQ(0, pthread_join(readers[i].thread, NULL));
		EXPECT_EQ(0, readers[i].nr_wrong);
		munmap((void *)readers[i].map, SIZE);
	}
}

/* Each is used at once in its own way. */
TEST_F(verify, used)
{
	int session = luo_retrieve(self->dev, "used");
	int fd[9], i;

	ASSERT_LE(0, session);
	for (i = 0; i < 8; i++) {
		fd[i] = luo_retrieve_fd(session, i);
		ASSERT_LE(0, fd[i]);
	}

	expect_readers_agree(_metadata, fd[0]);
	/* Goes away while it gets its folios. */
	EXPECT_EQ(0, close(fd[1]));
	/* Each has to wait for all folios, or would miss some. */
	EXPECT_EQ(0, fallocate(fd[2], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       PAGE, 1022 * PAGE));
	EXPECT_TRUE(luo_zero(fd[2], PAGE, 1022 * PAGE));
	EXPECT_TRUE(luo_filled(fd[2], 1023 * PAGE, PAGE, SEED));
	EXPECT_EQ(0, ftruncate(fd[3], PAGE));
	EXPECT_EQ(0, ftruncate(fd[3], SIZE));
	EXPECT_TRUE(luo_filled(fd[3], 0, PAGE, SEED));
	EXPECT_TRUE(luo_zero(fd[3], PAGE, SIZE - PAGE));
	EXPECT_EQ(SIZE, lseek(fd[4], 0, SEEK_HOLE));
	/* What is written stays. */
	EXPECT_EQ(0, luo_fill(fd[6], 0, SIZE, SEED + 1));
	EXPECT_TRUE(luo_filled(fd[6], 0, SIZE, SEED + 1));
	/* Token 8, with holes, is not retrieved. */
	EXPECT_EQ(0, luo_finish(session));
	for (i = 4; i < 8; i++)
		EXPECT_TRUE(luo_filled(fd[i], 0, SIZE, SEED + (i == 6)));
}

TEST_F(prepare, damaged)
{
	prepare_one(_metadata, self->dev, "damaged");
}

TEST_F(verify, damaged)
{
	int session = luo_retrieve(self->dev, "damaged");
	int other, fd;
	char *map, c;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	map = luo_map(fd, 0, SIZE);
	ASSERT_NE(MAP_FAILED, map);

	EXPECT_EQ(SIGBUS, luo_touch(map + LOST_START));
	EXPECT_EQ(SIGBUS, luo_touch(map + LOST_END - PAGE));
	EXPECT_EQ(0, luo_touch(map + LOST_START - PAGE));
	EXPECT_EQ(0, luo_touch(map + LOST_END));
	EXPECT_EQ(-1, pread(fd, &c, 1, LOST_START));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, pwrite(fd, "", 1, LOST_END - 1));
	EXPECT_EQ(EIO, errno);
	EXPECT_TRUE(luo_filled(fd, 0, LOST_START, SEED));
	EXPECT_TRUE(luo_filled(fd, LOST_END, SIZE - LOST_END, SEED));

	EXPECT_EQ(-EIO, luo_finish(session));
	/* Who tries again until it works comes to an end. */
	EXPECT_EQ(0, luo_finish(session));
	/* Nobody is to take it for whole. */
	other = luo_create(self->dev, "other");
	ASSERT_LE(0, other);
	EXPECT_EQ(-EIO, luo_preserve_fd(other, fd, 1));
	close(other);
	close(session);
	EXPECT_EQ(-ENOENT, luo_retrieve(self->dev, "damaged"));
	EXPECT_EQ(SIGBUS, luo_touch(map + LOST_START));
	EXPECT_EQ(0, luo_touch(map));
}

TEST_F(prepare, unwanted)
{
	prepare_one(_metadata, self->dev, "unwanted");
}

/* What nobody retrieved is freed, but for what is damaged, and nobody misses that. */
TEST_F(verify, unwanted)
{
	int session = luo_retrieve(self->dev, "unwanted");

	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_finish(session));
}

TEST_F(prepare, foreign)
{
	prepare_one(_metadata, self->dev, "foreign");
}

/* From a kernel that writes no checksums: complete once it is retrieved. */
TEST_F(verify, foreign)
{
	int session = luo_retrieve(self->dev, "foreign");
	unsigned char resident[NR_PAGES];
	int fd, missing = 0, i;
	char *map;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	map = luo_map(fd, 0, SIZE);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, mincore(map, SIZE, resident));
	for (i = 0; i < NR_PAGES; i++)
		missing += !(resident[i] & 1);
	EXPECT_EQ(0, missing);
	EXPECT_TRUE(luo_filled(fd, 0, SIZE, SEED));
	EXPECT_EQ(0, luo_finish(session));
}

TEST_F(prepare, foreign_damaged)
{
	prepare_one(_metadata, self->dev, "foreign_damaged");
}

/* Then all records are looked at before anything is taken. */
TEST_F(verify, foreign_damaged)
{
	int session = luo_retrieve(self->dev, "foreign_damaged");

	ASSERT_LE(0, session);
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));
}

TEST_HARNESS_MAIN
