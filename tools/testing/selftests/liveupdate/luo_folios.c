// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds over a live update: which pages they have, of which size, and how these
 * are counted. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/kernel-page-flags.h>

#include "luo_memfd.h"

#define HUGE		(2 * MIB)
#define HUGE_PAGES	(HUGE / PAGE)

#define THP_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Far more holes than pages. */
static const off_t sparse[] = {
	0, 1, 5, 511, 512, 4097, 1 << 20, (1LL << 30) - 1, 1LL << 30,
};

#define SPARSE_SIZE	(((1L << 30) + 1) * PAGE + 1)

TEST_F(prepare, sparse)
{
	int fd = luo_new_memfd(_metadata, SPARSE_SIZE);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sparse); i++)
		ASSERT_EQ(0, luo_fill(fd, sparse[i] * PAGE, PAGE, i));
	luo_give_one(_metadata, self->dev, "sparse", fd);
}

TEST_F(verify, sparse)
{
	int fd = luo_take_one(_metadata, self->dev, "sparse");
	unsigned int i;

	EXPECT_EQ(SPARSE_SIZE, luo_size(fd));
	EXPECT_EQ(ARRAY_SIZE(sparse) * PAGE, luo_allocated(fd));
	for (i = 0; i < ARRAY_SIZE(sparse); i++)
		EXPECT_TRUE(luo_filled(fd, sparse[i] * PAGE, PAGE, i));
	EXPECT_EQ(2 * PAGE, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ(5 * PAGE, lseek(fd, 2 * PAGE, SEEK_DATA));
	EXPECT_EQ(-1, lseek(fd, ((1L << 30) + 1) * PAGE, SEEK_DATA));

	/* What was a hole can be filled. */
	EXPECT_EQ(0, luo_fill(fd, 2 * PAGE, 3 * PAGE, 50));
	EXPECT_TRUE(luo_filled(fd, 2 * PAGE, 3 * PAGE, 50));
	EXPECT_TRUE(luo_filled(fd, 5 * PAGE, PAGE, 2));
}

/* Every second page, so that nothing that is preserved is contiguous. */
#define COMB_PAGES	4096

TEST_F(prepare, comb)
{
	int fd = luo_new_memfd(_metadata, COMB_PAGES * PAGE);
	off_t i;

	ASSERT_EQ(0, luo_fill(fd, 0, COMB_PAGES * PAGE, 1));
	for (i = 0; i < COMB_PAGES; i += 2)
		ASSERT_EQ(0, fallocate(fd, PUNCH_HOLE, i * PAGE, PAGE));
	luo_give_one(_metadata, self->dev, "comb", fd);
}

TEST_F(verify, comb)
{
	int fd = luo_take_one(_metadata, self->dev, "comb");
	off_t i;

	EXPECT_EQ(COMB_PAGES / 2 * PAGE, luo_allocated(fd));
	for (i = 0; i < COMB_PAGES; i += 2) {
		ASSERT_TRUE(luo_zero(fd, i * PAGE, PAGE));
		ASSERT_TRUE(luo_filled(fd, (i + 1) * PAGE, PAGE, 1));
	}
}

/* Pages that were allocated, but never written: zero, not what was there. */
TEST_F(prepare, unwritten)
{
	int junk, fd = luo_new_memfd(_metadata, 0);

	junk = luo_memfd(64 * MIB, 1);
	ASSERT_LE(0, junk);
	ASSERT_EQ(0, close(junk));
	ASSERT_EQ(0, fallocate(fd, 0, 0, 16 * MIB));
	ASSERT_EQ(0, luo_fill(fd, PAGE, PAGE, 2));
	luo_give_one(_metadata, self->dev, "unwritten", fd);
}

TEST_F(verify, unwritten)
{
	int fd = luo_take_one(_metadata, self->dev, "unwritten");

	EXPECT_EQ(16 * MIB, luo_size(fd));
	EXPECT_EQ(16 * MIB, luo_allocated(fd));
	EXPECT_TRUE(luo_zero(fd, 0, PAGE));
	EXPECT_TRUE(luo_filled(fd, PAGE, PAGE, 2));
	EXPECT_TRUE(luo_zero(fd, 2 * PAGE, 16 * MIB - 2 * PAGE));
}

/* The flags of the page frame behind @page, or of the @nr-th after it. */
static __u64 frame_flags(char *page, int nr)
{
	__u64 frame = luo_frame(page);

	return frame ? luo_frame_flags(frame + nr) : 0;
}

static bool is_huge(char *page)
{
	return frame_flags(page, 0) & (1ULL << KPF_COMPOUND_HEAD) &&
	       frame_flags(page, 0) & (1ULL << KPF_THP) &&
	       frame_flags(page, HUGE_PAGES - 1) & (1ULL << KPF_COMPOUND_TAIL) &&
	       !(frame_flags(page, HUGE_PAGES) & (1ULL << KPF_COMPOUND_TAIL));
}

/* Four huge folios, a hole, one more, and one that is cut at the end of file. */
static const off_t huge[] = { 0, 1, 2, 3, 100 };

#define HUGE_CUT	(101 * HUGE)
#define HUGE_SIZE	(HUGE_CUT + 17 * PAGE)

TEST_F(prepare, huge)
{
	int fd = luo_new_memfd(_metadata, HUGE_CUT + HUGE);
	unsigned int i;
	char *map;

	ASSERT_TRUE(luo_write_text(THP_ENABLED, "always"));
	for (i = 0; i < ARRAY_SIZE(huge); i++)
		ASSERT_EQ(0, luo_fill(fd, huge[i] * HUGE, HUGE, i));
	ASSERT_EQ(0, luo_fill(fd, HUGE_CUT, HUGE, 50));
	ASSERT_TRUE(luo_write_text(THP_ENABLED, "never"));
	ASSERT_EQ(0, ftruncate(fd, HUGE_SIZE));
	map = luo_map(fd, 0, HUGE_SIZE);
	ASSERT_NE(MAP_FAILED, map);
	for (i = 0; i < ARRAY_SIZE(huge); i++) {
		ASSERT_TRUE(is_huge(map + huge[i] * HUGE))
			TH_LOG("folio %d", i);
	}
	luo_give_one(_metadata, self->dev, "huge", fd);
}

TEST_F(verify, huge)
{
	int fd = luo_take_one(_metadata, self->dev, "huge");
	unsigned int i;
	char *map;

	EXPECT_EQ(HUGE_SIZE, luo_size(fd));
	EXPECT_EQ(ARRAY_SIZE(huge) * HUGE + 17 * PAGE, luo_allocated(fd));
	map = luo_map(fd, 0, HUGE_SIZE);
	ASSERT_NE(MAP_FAILED, map);
	for (i = 0; i < ARRAY_SIZE(huge); i++) {
		EXPECT_TRUE(luo_filled(fd, huge[i] * HUGE, HUGE, i));
		EXPECT_TRUE(is_huge(map + huge[i] * HUGE)) TH_LOG("folio %d", i);
	}
	EXPECT_TRUE(luo_filled(fd, HUGE_CUT, 17 * PAGE, 50));
	EXPECT_EQ(HUGE * 100, lseek(fd, 4 * HUGE, SEEK_DATA));

	/* It can be split, and its parts be freed. */
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, 5 * PAGE, PAGE));
	EXPECT_TRUE(luo_zero(fd, 5 * PAGE, PAGE));
	EXPECT_TRUE(luo_filled(fd, 6 * PAGE, HUGE - 6 * PAGE, 0));
	EXPECT_EQ(0, ftruncate(fd, HUGE + HUGE / 2));
	EXPECT_TRUE(luo_filled(fd, HUGE, HUGE / 2, 1));
	EXPECT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(0, luo_allocated(fd));
}

/*
 * Small folios with a hole before them, in which the next kernel would like to
 * have a huge one, while theirs are not there yet.
 */
#define BESIDE		(HUGE - PAGE)

TEST_F(prepare, beside)
{
	int fd = luo_new_memfd(_metadata, 2 * HUGE);

	ASSERT_EQ(0, luo_fill(fd, PAGE, BESIDE, 1));
	ASSERT_EQ(0, luo_fill(fd, HUGE + PAGE, BESIDE, 2));
	luo_give_one(_metadata, self->dev, "beside", fd);
}

TEST_F(verify, beside)
{
	int other = luo_new_memfd(_metadata, HUGE);
	int session, fd;
	char *map;

	session = luo_retrieve(self->dev, "beside");
	ASSERT_LE(0, session);
	ASSERT_TRUE(luo_write_text(THP_ENABLED, "always"));
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	map = luo_map(fd, 0, 2 * HUGE);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, pwrite(fd, "w", 1, 0));
	map[HUGE] = 'm';

	/* This one has nothing to wait for. */
	EXPECT_EQ(1, pwrite(other, "w", 1, 0));
	ASSERT_TRUE(luo_write_text(THP_ENABLED, "never"));
	EXPECT_EQ(HUGE, luo_allocated(other));

	EXPECT_EQ('w', map[0]);
	EXPECT_EQ('m', map[HUGE]);
	EXPECT_TRUE(luo_filled(fd, PAGE, BESIDE, 1));
	EXPECT_TRUE(luo_filled(fd, HUGE + PAGE, BESIDE, 2));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_TRUE(luo_filled(fd, PAGE, BESIDE, 1));
}

/* More than anything else has to care about. */
TEST_F(prepare, big)
{
	size_t size = luo_param("BIG_MIB", 1024) * MIB;

	luo_give_one(_metadata, self->dev, "big", luo_memfd(size, 1));
}

TEST_F(verify, big)
{
	size_t size = luo_param("BIG_MIB", 1024) * MIB;
	int fd = luo_take_one(_metadata, self->dev, "big");

	EXPECT_EQ(size, luo_size(fd));
	EXPECT_EQ(size, luo_allocated(fd));
	EXPECT_TRUE(luo_filled(fd, 0, size, 1));
}

TEST_F(verify, big_discarded)
{
	int session = luo_retrieve(self->dev, "big");

	ASSERT_LE(0, session);
	ASSERT_EQ(0, close(session));
}

/*
 * Larger than the memory in which it may be preserved, as where most is added to
 * the machine while it runs. What is given back is free again.
 */
TEST_F(prepare, too_large)
{
	int fd = luo_memfd(luo_param("BIG_MIB", 1024) * MIB, 1);
	int session = luo_create(self->dev, "too large");

	ASSERT_LE(0, fd);
	ASSERT_LE(0, session);
	EXPECT_EQ(-ENOMEM, luo_preserve_fd(session, fd, 1));
	EXPECT_EQ(0, ftruncate(fd, 0));
}

/*
 * Page frames that have no preserved neighbour: every second one is another
 * file's, which is not preserved.
 */
#define ISOLATED_PAGES	65536UL

static unsigned long count_neighbours(int fd, unsigned long nr)
{
	char *map = luo_map(fd, 0, nr * PAGE);
	unsigned long i, neighbours = 0;
	__u64 frame, last = 0;

	for (i = 0; i < nr; i++) {
		frame = luo_frame(map + i * PAGE);
		neighbours += !frame || frame == last + 1 || frame + 1 == last;
		last = frame;
	}
	munmap(map, nr * PAGE);
	return neighbours;
}

TEST_F(prepare, isolated)
{
	int fd = luo_new_memfd(_metadata, 0), other = luo_new_memfd(_metadata, 0);
	unsigned long i, neighbours;

	for (i = 0; i < ISOLATED_PAGES; i++) {
		ASSERT_EQ(0, luo_fill(fd, i * PAGE, PAGE, 1));
		ASSERT_EQ(0, luo_fill(other, i * PAGE, PAGE, 2));
	}
	neighbours = count_neighbours(fd, ISOLATED_PAGES);
	TH_LOG("%lu of %lu pages have a neighbour", neighbours, ISOLATED_PAGES);
	ASSERT_GT(ISOLATED_PAGES / 16, neighbours);
	ASSERT_EQ(0, close(other));
	luo_give_one(_metadata, self->dev, "isolated", fd);
}

TEST_F(verify, isolated)
{
	int fd = luo_take_one(_metadata, self->dev, "isolated");

	EXPECT_EQ(ISOLATED_PAGES * PAGE, luo_size(fd));
	EXPECT_TRUE(luo_filled(fd, 0, ISOLATED_PAGES * PAGE, 1));
	EXPECT_EQ(0, ftruncate(fd, 0));
}

/* The page frames are what those of a memfd are. */
TEST_F(prepare, frames)
{
	luo_give_one(_metadata, self->dev, "frames", luo_memfd(MIB, 1));
}

TEST_F(verify, frames)
{
	int fd = luo_take_one(_metadata, self->dev, "frames");
	char *map = luo_map(fd, 0, MIB);
	__u64 flags, expected = 1ULL << KPF_UPTODATE | 1ULL << KPF_LRU |
				1ULL << KPF_SWAPBACKED | 1ULL << KPF_MMAP;
	size_t i;

	ASSERT_NE(MAP_FAILED, map);
	/* Brings them to the LRU lists. */
	ASSERT_TRUE(luo_write_text("/proc/sys/vm/drop_caches", "1"));
	for (i = 0; i < MIB; i += PAGE) {
		flags = frame_flags(map + i, 0);
		ASSERT_EQ(expected, flags & expected) TH_LOG("page %zu", i / PAGE);
	}
}

/* Counted as shared memory, and in the memory cgroup of who retrieves it. */
#define COUNTED		(4096 * PAGE)
#define SLACK		(1024 * PAGE)

TEST_F(prepare, counted)
{
	luo_give_one(_metadata, self->dev, "counted", luo_memfd(COUNTED, 1));
}

static long cgroup_usage(void)
{
	char text[32] = { };
	int fd = open("/cgroup/luo/memory.current", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	return len > 0 ? strtol(text, NULL, 10) : -1;
}

TEST_F(verify, counted)
{
	long shmem = luo_meminfo("Shmem") * 1024;
	int fd;

	ASSERT_TRUE(luo_write_text("/cgroup/cgroup.subtree_control", "+memory"));
	ASSERT_EQ(0, mkdir("/cgroup/luo", 0700));
	ASSERT_TRUE(luo_write_text("/cgroup/luo/cgroup.procs", "0"));
	ASSERT_GT(SLACK, cgroup_usage());

	fd = luo_take_one(_metadata, self->dev, "counted");
	EXPECT_LT(COUNTED - SLACK, cgroup_usage());
	EXPECT_LT(shmem + COUNTED - SLACK, luo_meminfo("Shmem") * 1024);
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, 0, COUNTED / 2));
	EXPECT_GT(COUNTED / 2 + SLACK, cgroup_usage());
	EXPECT_LT(COUNTED / 2 - SLACK, cgroup_usage());

	EXPECT_EQ(0, close(fd));
	EXPECT_GT(SLACK, cgroup_usage());
	EXPECT_GT(shmem + SLACK, luo_meminfo("Shmem") * 1024);
}

/* Swapped out before the call; and after the update, in the next kernel. */
#define SWAPPED		(8 * MIB)

static void swap_out(struct __test_metadata *const _metadata, int fd)
{
	long before = luo_meminfo("SwapFree");
	void *map = luo_map(fd, 0, SWAPPED);

	ASSERT_LT(0, luo_meminfo("SwapTotal")) TH_LOG("needs swap");
	ASSERT_NE(MAP_FAILED, map);
	/* Those still on their way to the LRU lists would stay. */
	ASSERT_TRUE(luo_write_text("/proc/sys/vm/drop_caches", "1"));
	ASSERT_EQ(0, madvise(map, SWAPPED, MADV_POPULATE_READ));
	ASSERT_EQ(0, madvise(map, SWAPPED, MADV_PAGEOUT));
	ASSERT_LT(SWAPPED / 1024 / 2, before - luo_meminfo("SwapFree"));
	ASSERT_EQ(0, munmap(map, SWAPPED));
}

TEST_F(prepare, swapped)
{
	int fd = luo_memfd(SWAPPED, 1);

	swap_out(_metadata, fd);
	luo_give_one(_metadata, self->dev, "swapped", fd);
}

TEST_F(verify, swapped)
{
	int fd = luo_take_one(_metadata, self->dev, "swapped");

	EXPECT_EQ(SWAPPED, luo_allocated(fd));
	EXPECT_TRUE(luo_filled(fd, 0, SWAPPED, 1));
	swap_out(_metadata, fd);
	EXPECT_TRUE(luo_filled(fd, 0, SWAPPED, 1));
	swap_out(_metadata, fd);
	EXPECT_EQ(0, luo_fill(fd, 0, SWAPPED, 2));
	EXPECT_TRUE(luo_filled(fd, 0, SWAPPED, 2));
	swap_out(_metadata, fd);
	EXPECT_EQ(0, ftruncate(fd, SWAPPED / 2));
	EXPECT_EQ(SWAPPED / 2, luo_allocated(fd));
	EXPECT_TRUE(luo_filled(fd, 0, SWAPPED / 2, 2));
}

TEST_HARNESS_MAIN
