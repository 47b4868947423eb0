// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds of huge pages that are preserved and let go of again and again, while
 * others use them, truncate them, change the pool, or have pages moved.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/falloc.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "liveupdate.h"
#include "luo_hugetlb.h"

#define PUNCH_HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define COMPACT		"/proc/sys/vm/compact_memory"
#define NODE_1		"/sys/devices/system/node/node1"

#define NR_POOL		8
#define NR_PAGES	6
#define ROUNDS		60

FIXTURE(race)
{
	size_t page;
	int fd;
	char *map;
	bool two_nodes;
	pthread_t other;
	atomic_bool end;
	/* Of the other thread: how often it did what it is for, and what went wrong. */
	atomic_int done;
	atomic_int wrong;
};

FIXTURE_SETUP(race)
{
	int session = create_other_session("session");

	if (session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, session);
	close(session);
	self->page = huge_default();
	ASSERT_TRUE(huge_pool(self->page, NR_POOL));
	self->fd = huge_memfd(self->page, NR_PAGES * self->page);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(race)
{
	close(self->fd);
	/* Whoever won, no page is lost or left over. */
	EXPECT_EQ(NR_POOL, huge_count(self->page, "nr"));
	EXPECT_EQ(NR_POOL, huge_count(self->page, "free"));
	EXPECT_EQ(0, huge_count(self->page, "resv"));
	EXPECT_EQ(0, huge_count(self->page, "surplus"));
	EXPECT_TRUE(huge_pool(self->page, 0));
}

static void start(struct __test_metadata *const _metadata, FIXTURE_DATA(race) * race,
		  void *(*run)(void *race))
{
	ASSERT_EQ(0, pthread_create(&race->other, NULL, run, race));
	while (!race->done)
		sched_yield();
}

static void join(struct __test_metadata *const _metadata, FIXTURE_DATA(race) * race)
{
	race->end = true;
	ASSERT_EQ(0, pthread_join(race->other, NULL));
	EXPECT_EQ(0, race->wrong);
	EXPECT_LT(0, race->done);
}

/*
 * Preserves the file; close the session to let go of it. There may be no memory
 * to move pages to at the moment, but there is again.
 */
static int preserve(struct __test_metadata *const _metadata, int fd)
{
	int session = create_other_session("session"), err;

	ASSERT_LE(0, session);
	while ((err = luo_preserve_fd(session, fd, 1)) == -ENOMEM)
		sched_yield();
	ASSERT_EQ(0, err);
	return session;
}

/* Fills and reads pages of the file; only it makes holes, which it may or may not. */
static void *fill_pages(void *arg)
{
	FIXTURE_DATA(race) * race = arg;
	off_t at;
	int n;

	for (n = 0; !race->end; n++) {
		at = n % NR_PAGES * race->page;
		if (!huge_fill(race->fd, at, race->page, n) ||
		    !huge_filled(race->fd, at, race->page, n))
			race->wrong++;
		if (fallocate(race->fd, PUNCH_HOLE, at, race->page)) {
			if (errno != EPERM ||
			    !huge_filled(race->fd, at, race->page, n))
				race->wrong++;
		} else if (!luo_zero(race->fd, at, PAGE)) {
			race->wrong++;
		}
		race->done++;
	}
	return NULL;
}

TEST_F(race, of_faults_and_preserve)
{
	int i, session;

	start(_metadata, self, fill_pages);
	for (i = 0; i < ROUNDS; i++) {
		session = preserve(_metadata, self->fd);
		sched_yield();
		ASSERT_EQ(0, close(session));
	}
	join(_metadata, self);
}

static void *truncate_file(void *arg)
{
	FIXTURE_DATA(race) * race = arg;
	int sizes[] = { 0, NR_PAGES, 2, NR_PAGES }, n;

	for (n = 0; !race->end; n++) {
		if (ftruncate(race->fd, sizes[n % 4] * race->page) && errno != EPERM)
			race->wrong++;
		/* It may be too short by now. */
		if (n % 4 == 3)
			posix_fallocate(race->fd, 0, race->page);
		race->done++;
	}
	return NULL;
}

TEST_F(race, of_truncate_and_preserve)
{
	off_t size, allocated;
	int i, j, session;

	start(_metadata, self, truncate_file);
	for (i = 0; i < ROUNDS; i++) {
		session = preserve(_metadata, self->fd);
		size = luo_size(self->fd);
		allocated = luo_allocated(self->fd);
		for (j = 0; j < 10; j++) {
			sched_yield();
			ASSERT_EQ(size, luo_size(self->fd));
			ASSERT_EQ(allocated, luo_allocated(self->fd));
		}
		ASSERT_EQ(0, close(session));
	}
	join(_metadata, self);
}

static void *change_pool(void *arg)
{
	FIXTURE_DATA(race) * race = arg;

	while (!race->end) {
		huge_pool(race->page, 0);
		/* There may be no memory for all at the moment. */
		huge_pool(race->page, NR_POOL);
		race->done++;
	}
	return NULL;
}

static void expect_pages(struct __test_metadata *const _metadata, FIXTURE_DATA(race) * race)
{
	int n;

	for (n = 0; n < NR_PAGES; n++)
		ASSERT_TRUE(huge_filled(race->fd, n * race->page, race->page, n));
}

TEST_F(race, of_the_pool_and_preserve)
{
	int i, session;

	ASSERT_TRUE(huge_fill(self->fd, 0, self->page, 0));
	for (i = 1; i < NR_PAGES; i++)
		ASSERT_TRUE(huge_fill(self->fd, i * self->page, self->page, i));
	start(_metadata, self, change_pool);
	for (i = 0; i < ROUNDS; i++) {
		session = preserve(_metadata, self->fd);
		sched_yield();
		ASSERT_EQ(0, close(session));
	}
	join(_metadata, self);
	expect_pages(_metadata, self);
	ASSERT_TRUE(huge_pool(self->page, NR_POOL));
}

/*
 * Moves all pages to the one node and the other, if there are two, and has memory
 * compacted, which keeps off huge pages.
 */
static void *move(void *arg)
{
	FIXTURE_DATA(race) * race = arg;
	int nodes[NR_PAGES], status[NR_PAGES], i, n;
	void *pages[NR_PAGES];

	for (n = 0; !race->end; n++) {
		for (i = 0; i < NR_PAGES; i++) {
			pages[i] = race->map + i * race->page;
			nodes[i] = n % 2;
			status[i] = -1;
		}
		if (!race->two_nodes) {
			if (!luo_write_text(COMPACT, "1"))
				race->wrong++;
			race->done++;
			continue;
		}
		syscall(__NR_move_pages, 0, NR_PAGES, pages, nodes, status,
			MPOL_MF_MOVE);
		/* What is preserved stays. Once, all of them are moved. */
		for (i = 0; i < NR_PAGES && status[i] == nodes[i]; i++)
			;
		race->done += i == NR_PAGES;
	}
	return NULL;
}

/* The page frame of a page, which may be unmapped while it is tried to move it. */
static __u64 frame_of(char *page)
{
	__u64 frame = 0;

	while (!frame)
		frame = luo_frame(page);
	return frame;
}

/* A page that is preserved is not moved. */
TEST_F(race, of_migration_and_preserve)
{
	__u64 frame[NR_PAGES];
	int i, n, session;

	self->two_nodes = !access(NODE_1, F_OK);
	self->map = huge_map(self->fd, 0, NR_PAGES * self->page);
	ASSERT_NE(MAP_FAILED, self->map);
	for (n = 0; n < NR_PAGES; n++)
		ASSERT_TRUE(huge_fill(self->fd, n * self->page, self->page, n));
	/* What is not mapped is not moved. */
	ASSERT_EQ(0, madvise(self->map, NR_PAGES * self->page, MADV_POPULATE_READ));
	start(_metadata, self, move);
	for (i = 0; i < ROUNDS / 4; i++) {
		session = preserve(_metadata, self->fd);
		for (n = 0; n < NR_PAGES; n++)
			frame[n] = frame_of(self->map + n * self->page);
		sched_yield();
		for (n = 0; n < NR_PAGES; n++)
			ASSERT_EQ(frame[n], frame_of(self->map + n * self->page));
		ASSERT_EQ(0, close(session));
	}
	join(_metadata, self);
	expect_pages(_metadata, self);
	munmap(self->map, NR_PAGES * self->page);
}

TEST_HARNESS_MAIN
