// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds over a live update: what is preserved of each kind, and that they are
 * files like any other afterwards. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/falloc.h>
#include <linux/kernel-page-flags.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/vfs.h>

#include "luo_update.h"

#ifndef TMPFS_MAGIC
#define TMPFS_MAGIC	0x01021994
#endif

#define PUNCH_HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

#define MIB		(1024 * 1024UL)
#define HUGE		(2 * MIB)
#define HUGE_PAGES	(HUGE / PAGE)

#define THP_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* A session with one file, whose token is 1; and its counterpart. */
static void give_one(struct __test_metadata *const _metadata, int dev,
		     const char *name, int memfd)
{
	int session = luo_create(dev, name);

	ASSERT_LE(0, session);
	luo_give(_metadata, session, memfd, 1);
	luo_hold(_metadata, dev);
}

static int take_one(struct __test_metadata *const _metadata, int dev,
		    const char *name)
{
	int session = luo_retrieve(dev, name);
	int fd;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_finish(session));
	ASSERT_EQ(0, close(session));
	return fd;
}

static int new_memfd(struct __test_metadata *const _metadata, off_t size)
{
	int fd = memfd_create("luo", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, size));
	return fd;
}

/* The file itself. */
TEST_F(prepare, attributes)
{
	int fd = luo_memfd(3 * PAGE, 1);

	ASSERT_EQ(0, ftruncate(fd, 2 * PAGE + 123));
	give_one(_metadata, self->dev, "attributes", fd);
}

TEST_F(verify, attributes)
{
	int fd = take_one(_metadata, self->dev, "attributes");
	struct statfs fs;
	char link[128];

	EXPECT_EQ(2 * PAGE + 123, luo_size(fd));
	EXPECT_TRUE(luo_filled(fd, 0, 2 * PAGE + 120, 1));
	EXPECT_EQ(3 * PAGE, luo_allocated(fd));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(0, fcntl(fd, F_GET_SEALS));
	ASSERT_EQ(0, fstatfs(fd, &fs));
	EXPECT_EQ(TMPFS_MAGIC, fs.f_type);
	luo_link(fd, link, sizeof(link));
	EXPECT_EQ(0, strncmp(link, "/memfd:", 7)) TH_LOG("%s", link);
}

/* Files of a mounted tmpfs without a name: they become memfds. */
TEST_F(prepare, unnamed)
{
	int session = luo_create(self->dev, "unnamed");
	int mnt = luo_tmpfs(), fd[2];

	ASSERT_LE(0, session);
	fd[0] = openat(mnt, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	fd[1] = openat(mnt, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd[0]);
	ASSERT_LE(0, fd[1]);
	ASSERT_EQ(0, luo_fill(fd[0], 0, 3 * PAGE, 1));
	ASSERT_EQ(0, ftruncate(fd[1], MIB + 1));
	ASSERT_EQ(0, luo_fill(fd[1], PAGE, PAGE, 2));
	ASSERT_EQ(0, unlinkat(mnt, "file", 0));
	luo_give(_metadata, session, fd[0], 0);
	luo_give(_metadata, session, fd[1], 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, unnamed)
{
	int session = luo_retrieve(self->dev, "unnamed");
	int fd[2], i;
	char link[128];

	ASSERT_LE(0, session);
	fd[0] = luo_take(_metadata, session, 0, 3 * PAGE, 1);
	fd[1] = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(MIB + 1, luo_size(fd[1]));
	EXPECT_TRUE(luo_zero(fd[1], 0, PAGE));
	EXPECT_TRUE(luo_filled(fd[1], PAGE, PAGE, 2));
	EXPECT_TRUE(luo_zero(fd[1], 2 * PAGE, MIB - 2 * PAGE));
	for (i = 0; i < 2; i++) {
		luo_link(fd[i], link, sizeof(link));
		EXPECT_EQ(0, strncmp(link, "/memfd:", 7)) TH_LOG("%s", link);
		/* Files of tmpfs cannot be sealed. */
		EXPECT_EQ(F_SEAL_SEAL, fcntl(fd[i], F_GET_SEALS));
	}
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, ftruncate(fd[0], PAGE));
}

TEST_F(prepare, empty)
{
	int session = luo_create(self->dev, "empty memfds");

	ASSERT_LE(0, session);
	luo_give(_metadata, session, new_memfd(_metadata, 0), 0);
	luo_give(_metadata, session, new_memfd(_metadata, 1), 1);
	luo_give(_metadata, session, new_memfd(_metadata, 1 << 30), 2);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, empty)
{
	static const off_t sizes[] = { 0, 1, 1 << 30 };
	int session, fd, i;

	session = luo_retrieve(self->dev, "empty memfds");
	ASSERT_LE(0, session);
	for (i = 0; i < 3; i++) {
		fd = luo_retrieve_fd(session, i);
		ASSERT_LE(0, fd);
		EXPECT_EQ(sizes[i], luo_size(fd));
		EXPECT_TRUE(luo_zero(fd, 0, sizes[i] ? 1 : 0));
		EXPECT_EQ(0, luo_fill(fd, 0, PAGE, i));
		EXPECT_TRUE(luo_filled(fd, 0, PAGE, i));
	}
}

/* The position as of the update, not as of the call. */
TEST_F(prepare, position)
{
	int session = luo_create(self->dev, "position");
	int fds[] = { luo_memfd(4 * PAGE, 1), luo_memfd(4 * PAGE, 2) };

	ASSERT_LE(0, session);
	ASSERT_EQ(PAGE, lseek(fds[0], PAGE, SEEK_SET));
	ASSERT_EQ(0, luo_preserve_fd(session, fds[0], 0));
	ASSERT_EQ(0, luo_preserve_fd(session, fds[1], 1));
	ASSERT_EQ(3 * PAGE + 5, lseek(fds[0], 3 * PAGE + 5, SEEK_SET));
	ASSERT_EQ(1L << 40, lseek(fds[1], 1L << 40, SEEK_SET));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, position)
{
	int session, fd;

	session = luo_retrieve(self->dev, "position");
	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 0);
	EXPECT_EQ(3 * PAGE + 5, lseek(fd, 0, SEEK_CUR));
	fd = luo_retrieve_fd(session, 1);
	EXPECT_EQ(1L << 40, lseek(fd, 0, SEEK_CUR));
}

/* Each seal alone and all together, and what they forbid. */
static const int seals[] = {
	0, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
	F_SEAL_FUTURE_WRITE, F_SEAL_EXEC,
	F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
	F_SEAL_FUTURE_WRITE | F_SEAL_EXEC,
};

static int sealed_memfd(struct __test_metadata *const _metadata, int seal)
{
	/* An executable file would get more seals with F_SEAL_EXEC. */
	int fd = memfd_create("luo", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_fill(fd, 0, 2 * PAGE, seal));
	ASSERT_EQ(0, fchmod(fd, 0600));
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, seal));
	ASSERT_EQ(seal, fcntl(fd, F_GET_SEALS));
	return fd;
}

TEST_F(prepare, seals)
{
	int session = luo_create(self->dev, "seals");
	unsigned int i;

	ASSERT_LE(0, session);
	for (i = 0; i < ARRAY_SIZE(seals); i++)
		luo_give(_metadata, session, sealed_memfd(_metadata, seals[i]), i);

	/* Not sealable at all. */
	luo_give(_metadata, session, memfd_create("luo", MFD_CLOEXEC), i);
	luo_hold(_metadata, self->dev);
}

static void expect_sealed(struct __test_metadata *const _metadata, int fd, int seal)
{
	char page[PAGE_MAX] = { };
	bool writable = !(seal & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));

	EXPECT_EQ(seal, fcntl(fd, F_GET_SEALS));
	EXPECT_EQ(writable ? PAGE : -1, pwrite(fd, page, PAGE, 0));
	EXPECT_EQ(writable, luo_map(fd, 0, PAGE) != MAP_FAILED);
	EXPECT_EQ(seal & F_SEAL_GROW ? -1 : 0, ftruncate(fd, 3 * PAGE));
	EXPECT_EQ(seal & F_SEAL_SHRINK ? -1 : 0, ftruncate(fd, PAGE));
	EXPECT_EQ(seal & F_SEAL_EXEC ? -1 : 0, fchmod(fd, 0700) | fchmod(fd, 0600));
	EXPECT_EQ(seal & F_SEAL_SEAL ? -1 : 0,
		  fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
}

TEST_F(verify, seals)
{
	int session, fd;
	unsigned int i;

	session = luo_retrieve(self->dev, "seals");
	ASSERT_LE(0, session);
	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		fd = luo_take(_metadata, session, i, 2 * PAGE, seals[i]);
		expect_sealed(_metadata, fd, seals[i]);
	}
	fd = luo_retrieve_fd(session, i);
	ASSERT_LE(0, fd);
	EXPECT_EQ(F_SEAL_SEAL, fcntl(fd, F_GET_SEALS));
}

/* Far more holes than pages. */
static const off_t sparse[] = {
	0, 1, 5, 511, 512, 4097, 1 << 20, (1LL << 30) - 1, 1LL << 30,
};

#define SPARSE_SIZE	(((1L << 30) + 1) * PAGE + 1)

TEST_F(prepare, sparse)
{
	int fd = new_memfd(_metadata, SPARSE_SIZE);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sparse); i++)
		ASSERT_EQ(0, luo_fill(fd, sparse[i] * PAGE, PAGE, i));
	give_one(_metadata, self->dev, "sparse", fd);
}

TEST_F(verify, sparse)
{
	int fd = take_one(_metadata, self->dev, "sparse");
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
	int fd = new_memfd(_metadata, COMB_PAGES * PAGE);
	off_t i;

	ASSERT_EQ(0, luo_fill(fd, 0, COMB_PAGES * PAGE, 1));
	for (i = 0; i < COMB_PAGES; i += 2)
		ASSERT_EQ(0, fallocate(fd, PUNCH_HOLE, i * PAGE, PAGE));
	give_one(_metadata, self->dev, "comb", fd);
}

TEST_F(verify, comb)
{
	int fd = take_one(_metadata, self->dev, "comb");
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
	int junk, fd = new_memfd(_metadata, 0);

	junk = luo_memfd(64 * MIB, 1);
	ASSERT_LE(0, junk);
	ASSERT_EQ(0, close(junk));
	ASSERT_EQ(0, fallocate(fd, 0, 0, 16 * MIB));
	ASSERT_EQ(0, luo_fill(fd, PAGE, PAGE, 2));
	give_one(_metadata, self->dev, "unwritten", fd);
}

TEST_F(verify, unwritten)
{
	int fd = take_one(_metadata, self->dev, "unwritten");

	EXPECT_EQ(16 * MIB, luo_size(fd));
	EXPECT_EQ(16 * MIB, luo_allocated(fd));
	EXPECT_TRUE(luo_zero(fd, 0, PAGE));
	EXPECT_TRUE(luo_filled(fd, PAGE, PAGE, 2));
	EXPECT_TRUE(luo_zero(fd, 2 * PAGE, 16 * MIB - 2 * PAGE));
}

/* What is written after the call, by whatever way, goes over as well. */
TEST_F(prepare, modified)
{
	int session = luo_create(self->dev, "modified");
	int fd = luo_memfd(4 * PAGE, 1);
	char *map = luo_map(fd, 0, 4 * PAGE);

	ASSERT_LE(0, session);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	ASSERT_EQ(0, luo_fill(fd, PAGE, PAGE, 2));
	memset(map + 2 * PAGE, 'm', PAGE);
	map = luo_map(fd, 0, 4 * PAGE);
	ASSERT_NE(MAP_FAILED, map);
	memset(map + 3 * PAGE, 'n', PAGE);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, modified)
{
	int fd = take_one(_metadata, self->dev, "modified");
	char page[PAGE], expected[PAGE];

	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 1));
	EXPECT_TRUE(luo_filled(fd, PAGE, PAGE, 2));
	memset(expected, 'm', PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 2 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
	memset(expected, 'n', PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 3 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
}

/*
 * A hole of a preserved file cannot be filled any more; or, if it can, what was
 * written there is not lost. A second file tells what happened.
 */
#define FILLED_BY_WRITE	1
#define FILLED_BY_MAP	2

static sigjmp_buf no_page;

static void on_sigbus(int sig)
{
	siglongjmp(no_page, sig);
}

static bool fill_by_map(char *page)
{
	if (sigsetjmp(no_page, 1))
		return false;
	memset(page, 'm', PAGE);
	return true;
}

TEST_F(prepare, holes)
{
	int session = luo_create(self->dev, "holes");
	int fd = luo_memfd(PAGE, 1);
	int report = luo_memfd(PAGE, 0);
	char filled = 0, *map;

	ASSERT_LE(0, session);
	ASSERT_EQ(0, ftruncate(fd, 16 * PAGE));
	map = luo_map(fd, 0, 16 * PAGE);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	ASSERT_EQ(0, luo_preserve_fd(session, report, 2));

	signal(SIGBUS, on_sigbus);
	if (!luo_fill(fd, 4 * PAGE, PAGE, 4))
		filled |= FILLED_BY_WRITE;
	if (fill_by_map(map + 8 * PAGE))
		filled |= FILLED_BY_MAP;
	ASSERT_EQ(1, pwrite(report, &filled, 1, 0));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, holes)
{
	int session, report, fd;
	char filled, page[PAGE], expected[PAGE];

	session = luo_retrieve(self->dev, "holes");
	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	report = luo_retrieve_fd(session, 2);
	ASSERT_EQ(1, pread(report, &filled, 1, 0));
	EXPECT_EQ(16 * PAGE, luo_size(fd));
	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 1));
	EXPECT_TRUE(luo_zero(fd, PAGE, 3 * PAGE));

	TH_LOG("a hole of a preserved file: written %s, mapped %s",
	       filled & FILLED_BY_WRITE ? "filled" : "refused",
	       filled & FILLED_BY_MAP ? "filled" : "refused");
	EXPECT_TRUE(filled & FILLED_BY_WRITE ?
		    luo_filled(fd, 4 * PAGE, PAGE, 4) :
		    luo_zero(fd, 4 * PAGE, PAGE));
	memset(expected, filled & FILLED_BY_MAP ? 'm' : 0, PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 8 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
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
	int fd = new_memfd(_metadata, HUGE_CUT + HUGE);
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
	give_one(_metadata, self->dev, "huge", fd);
}

TEST_F(verify, huge)
{
	int fd = take_one(_metadata, self->dev, "huge");
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
	int fd = new_memfd(_metadata, 2 * HUGE);

	ASSERT_EQ(0, luo_fill(fd, PAGE, BESIDE, 1));
	ASSERT_EQ(0, luo_fill(fd, HUGE + PAGE, BESIDE, 2));
	give_one(_metadata, self->dev, "beside", fd);
}

TEST_F(verify, beside)
{
	int other = new_memfd(_metadata, HUGE);
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

	give_one(_metadata, self->dev, "big", luo_memfd(size, 1));
}

TEST_F(verify, big)
{
	size_t size = luo_param("BIG_MIB", 1024) * MIB;
	int fd = take_one(_metadata, self->dev, "big");

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
	int fd = new_memfd(_metadata, 0), other = new_memfd(_metadata, 0);
	unsigned long i, neighbours;

	for (i = 0; i < ISOLATED_PAGES; i++) {
		ASSERT_EQ(0, luo_fill(fd, i * PAGE, PAGE, 1));
		ASSERT_EQ(0, luo_fill(other, i * PAGE, PAGE, 2));
	}
	neighbours = count_neighbours(fd, ISOLATED_PAGES);
	TH_LOG("%lu of %lu pages have a neighbour", neighbours, ISOLATED_PAGES);
	ASSERT_GT(ISOLATED_PAGES / 16, neighbours);
	ASSERT_EQ(0, close(other));
	give_one(_metadata, self->dev, "isolated", fd);
}

TEST_F(verify, isolated)
{
	int fd = take_one(_metadata, self->dev, "isolated");

	EXPECT_EQ(ISOLATED_PAGES * PAGE, luo_size(fd));
	EXPECT_TRUE(luo_filled(fd, 0, ISOLATED_PAGES * PAGE, 1));
	EXPECT_EQ(0, ftruncate(fd, 0));
}

/* The page frames are what those of a memfd are. */
TEST_F(prepare, frames)
{
	give_one(_metadata, self->dev, "frames", luo_memfd(MIB, 1));
}

TEST_F(verify, frames)
{
	int fd = take_one(_metadata, self->dev, "frames");
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
	give_one(_metadata, self->dev, "counted", luo_memfd(COUNTED, 1));
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

	fd = take_one(_metadata, self->dev, "counted");
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
	give_one(_metadata, self->dev, "swapped", fd);
}

TEST_F(verify, swapped)
{
	int fd = take_one(_metadata, self->dev, "swapped");

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

/* Written, extended, truncated, sealed, mapped: and preserved again. */
TEST_F(prepare, reused)
{
	give_one(_metadata, self->dev, "reused", luo_memfd(MIB, 1));
}

static void use_in_second(struct __test_metadata *const _metadata, int fd)
{
	char *map;

	ASSERT_TRUE(luo_filled(fd, 0, MIB, 1));
	EXPECT_EQ(0, luo_fill(fd, 0, PAGE, 2));
	EXPECT_EQ(0, luo_fill(fd, MIB, MIB, 3));
	EXPECT_EQ(2 * MIB, luo_allocated(fd));
	EXPECT_EQ(0, ftruncate(fd, MIB + MIB / 2));
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, PAGE, PAGE));
	EXPECT_EQ(MIB + MIB / 2 - PAGE, luo_allocated(fd));
	map = luo_map(fd, 0, MIB);
	ASSERT_NE(MAP_FAILED, map);
	memset(map + 2 * PAGE, 'm', PAGE);
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
}

static void use_in_third(struct __test_metadata *const _metadata, int fd)
{
	char page[PAGE], expected[PAGE];

	EXPECT_EQ(MIB + MIB / 2, luo_size(fd));
	EXPECT_EQ(F_SEAL_GROW, fcntl(fd, F_GET_SEALS));
	EXPECT_TRUE(luo_filled(fd, 0, PAGE, 2));
	EXPECT_TRUE(luo_zero(fd, PAGE, PAGE));
	memset(expected, 'm', PAGE);
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 2 * PAGE));
	EXPECT_EQ(0, memcmp(page, expected, PAGE));
	EXPECT_TRUE(luo_filled(fd, 3 * PAGE, MIB - 3 * PAGE, 1));
	EXPECT_TRUE(luo_filled(fd, MIB, MIB / 2, 3));
}

TEST_F(verify, reused)
{
	int fd = take_one(_metadata, self->dev, "reused");

	if (luo_stage() > 2) {
		use_in_third(_metadata, fd);
	} else {
		use_in_second(_metadata, fd);
		give_one(_metadata, self->dev, "reused", fd);
	}
}

TEST_HARNESS_MAIN
