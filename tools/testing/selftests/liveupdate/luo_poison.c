// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that fails, before and after it is preserved: just that is lost, and in
 * the next kernel too. How to run it: luo_update.h. It needs CONFIG_MEMORY_FAILURE,
 * and for some tests CONFIG_MEMORY_HOTPLUG, on a machine that is started again
 * afterwards: the pages are not to be had any more.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/kernel-page-flags.h>

#include "luo_hugetlb.h"
#include "luo_memfd.h"
#include "luo_scratch.h"

#define NR_PAGES	1024
#define SIZE		(NR_PAGES * PAGE)
#define SEED		7

#define HUGE		(2UL << 20)
#define HUGE_PAGES	(HUGE / PAGE)

#define THP_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Have a page of the file fail; who has it mapped is killed. */
static void poison(struct __test_metadata *const _metadata, int fd, size_t page)
{
	char *map = luo_map(fd, page * PAGE, PAGE);
	__u64 frame;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, map);
	frame = luo_frame(map);
	ASSERT_NE(0, frame);
	ASSERT_EQ(0, munmap(map, PAGE));

	pid = fork();
	if (!pid) {
		map = luo_map(fd, page * PAGE, PAGE);
		luo_frame(map);
		/* It says that a page that is pinned stays where it is. */
		madvise(map, PAGE, MADV_HWPOISON);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_TRUE(luo_frame_flags(frame) & (1ULL << KPF_HWPOISON));
}

/* Just this page of a file is lost. */
static void expect_lost(struct __test_metadata *const _metadata, int fd,
			size_t size, size_t page)
{
	char *map = luo_map(fd, 0, size);
	char c;

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(size, luo_size(fd));
	EXPECT_EQ(SIGBUS, luo_touch(map + page * PAGE));
	EXPECT_EQ(-1, pread(fd, &c, 1, page * PAGE));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, pwrite(fd, "", 1, page * PAGE));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(0, luo_touch(map + (page - 1) * PAGE));
	EXPECT_EQ(0, luo_touch(map + (page + 1) * PAGE));
	EXPECT_TRUE(luo_filled(fd, 0, page * PAGE, SEED));
	EXPECT_TRUE(luo_filled(fd, (page + 1) * PAGE,
			       size - (page + 1) * PAGE, SEED));
	/* It is no hole. */
	EXPECT_EQ(size, lseek(fd, 0, SEEK_HOLE));
	munmap(map, size);
}

/* A session with one file, whose token is 1. */
static int give_one(struct __test_metadata *const _metadata, int dev,
		    const char *name, int fd)
{
	int session = luo_create(dev, name);

	ASSERT_LE(0, session);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, luo_preserve_fd(session, fd, 1));
	return session;
}

#define BEFORE_PAGE	100

TEST_F(prepare, before)
{
	int fd = luo_memfd(SIZE, SEED);

	poison(_metadata, fd, BEFORE_PAGE);
	expect_lost(_metadata, fd, SIZE, BEFORE_PAGE);
	give_one(_metadata, self->dev, "before", fd);
	luo_hold(_metadata, self->dev);
}

/*
 * Finishing succeeds: the hardware lost the page, not the update. The file is
 * preserved once more: the third kernel has to find the same.
 */
TEST_F(verify, before)
{
	int fd = luo_take_one(_metadata, self->dev, "before");

	expect_lost(_metadata, fd, SIZE, BEFORE_PAGE);
	give_one(_metadata, self->dev, "before", fd);
	luo_hold(_metadata, self->dev);
}

/* Given up, it has room for data again. */
TEST_F(verify, replaced)
{
	int fd = luo_take_one(_metadata, self->dev, "before");

	expect_lost(_metadata, fd, SIZE, BEFORE_PAGE);
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       BEFORE_PAGE * PAGE, PAGE));
	EXPECT_EQ(0, luo_fill(fd, BEFORE_PAGE * PAGE, PAGE, SEED));
	EXPECT_TRUE(luo_filled(fd, 0, SIZE, SEED));
}

#define AFTER_PAGE	777

TEST_F(prepare, after)
{
	int fd = luo_memfd(SIZE, SEED);

	give_one(_metadata, self->dev, "after", fd);
	poison(_metadata, fd, AFTER_PAGE);
	expect_lost(_metadata, fd, SIZE, AFTER_PAGE);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, after)
{
	int fd = luo_take_one(_metadata, self->dev, "after");

	expect_lost(_metadata, fd, SIZE, AFTER_PAGE);
}

/* A pinned huge folio cannot be split, and is whole in this kernel. */
#define HUGE_SIZE	(4 * HUGE)
#define HUGE_PAGE	(HUGE_PAGES + 37)

static int thp_memfd(struct __test_metadata *const _metadata)
{
	char *map;
	int fd;

	ASSERT_TRUE(luo_write_text(THP_ENABLED, "always"));
	fd = luo_memfd(HUGE_SIZE, SEED);
	ASSERT_TRUE(luo_write_text(THP_ENABLED, "never"));
	ASSERT_LE(0, fd);
	map = luo_map(fd, HUGE, HUGE);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_TRUE(luo_frame_flags(luo_frame(map)) & (1ULL << KPF_THP));
	ASSERT_EQ(0, munmap(map, HUGE));
	return fd;
}

TEST_F(prepare, huge)
{
	int fd = thp_memfd(_metadata);

	give_one(_metadata, self->dev, "huge", fd);
	poison(_metadata, fd, HUGE_PAGE);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, huge)
{
	int fd = luo_take_one(_metadata, self->dev, "huge");

	expect_lost(_metadata, fd, HUGE_SIZE, HUGE_PAGE);
	EXPECT_EQ(0, luo_fill(fd, (HUGE_PAGE - 1) * PAGE, PAGE, SEED));
	EXPECT_EQ(0, luo_fill(fd, (HUGE_PAGE + 1) * PAGE, PAGE, SEED));
}

/* What nobody takes is freed, but for the page that failed. */
TEST_F(prepare, unwanted)
{
	int fd = thp_memfd(_metadata);

	give_one(_metadata, self->dev, "unwanted", fd);
	poison(_metadata, fd, HUGE_PAGE);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, unwanted)
{
	int session = luo_retrieve(self->dev, "unwanted");
	long before, after;

	ASSERT_LE(0, session);
	before = luo_meminfo("MemTotal");
	EXPECT_EQ(0, luo_finish(session));
	after = luo_meminfo("MemTotal");
	EXPECT_LE(HUGE_SIZE / 1024, after - before);
}

/*
 * A file of hugetlbfs keeps a huge page of which one page has failed. read() can
 * have the rest of it; it cannot be mapped.
 */
#define HUGETLB_SIZE	(2 * huge_default())
#define HUGETLB_LOST	(huge_default() + 37 * PAGE)

static int hugetlb_memfd(struct __test_metadata *const _metadata)
{
	int fd = huge_memfd(huge_default(), HUGETLB_SIZE);

	ASSERT_LE(0, fd);
	ASSERT_TRUE(huge_fill(fd, 0, HUGETLB_SIZE, SEED));
	return fd;
}

static void poison_hugetlb(struct __test_metadata *const _metadata, int fd)
{
	long before = luo_meminfo("HardwareCorrupted");
	pid_t pid = fork();
	char *map;

	ASSERT_LE(0, pid);
	if (!pid) {
		map = huge_map(fd, 0, HUGETLB_SIZE);
		luo_frame(map + HUGETLB_LOST);
		madvise(map + HUGETLB_LOST, PAGE, MADV_HWPOISON);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_EQ(before + PAGE / 1024, luo_meminfo("HardwareCorrupted"));
}

static void expect_hugetlb_lost(struct __test_metadata *const _metadata, int fd)
{
	char *map = huge_map(fd, 0, HUGETLB_SIZE), c;

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(HUGETLB_SIZE, luo_size(fd));
	EXPECT_EQ(HUGETLB_SIZE, luo_allocated(fd));
	EXPECT_EQ(0, luo_touch(map));
	EXPECT_EQ(SIGBUS, luo_touch(map + HUGETLB_LOST));
	EXPECT_EQ(-1, pread(fd, &c, 1, HUGETLB_LOST));
	EXPECT_EQ(EIO, errno);
	EXPECT_TRUE(huge_words(fd, 0, HUGETLB_LOST, HUGETLB_SIZE, SEED));
	EXPECT_TRUE(huge_words(fd, HUGETLB_LOST + PAGE, HUGETLB_SIZE,
			       HUGETLB_SIZE, SEED));
	munmap(map, HUGETLB_SIZE);
}

TEST_F(prepare, hugetlb_before)
{
	int fd = hugetlb_memfd(_metadata);

	/* In scratch memory it could not stay: have it moved out. */
	close(give_one(_metadata, self->dev, "hugetlb before", fd));
	poison_hugetlb(_metadata, fd);
	expect_hugetlb_lost(_metadata, fd);
	give_one(_metadata, self->dev, "hugetlb before", fd);
	luo_hold(_metadata, self->dev);
}

/* Preserved once more: the third kernel has to find the same. */
TEST_F(verify, hugetlb_before)
{
	int fd = luo_take_one(_metadata, self->dev, "hugetlb before");

	expect_hugetlb_lost(_metadata, fd);
	give_one(_metadata, self->dev, "hugetlb before", fd);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, hugetlb_replaced)
{
	int fd = luo_take_one(_metadata, self->dev, "hugetlb before");

	expect_hugetlb_lost(_metadata, fd);
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       huge_default(), huge_default()));
	EXPECT_TRUE(huge_fill(fd, 0, HUGETLB_SIZE, SEED));
	EXPECT_TRUE(huge_filled(fd, 0, HUGETLB_SIZE, SEED));
}

TEST_F(prepare, hugetlb_after)
{
	int fd = hugetlb_memfd(_metadata);

	give_one(_metadata, self->dev, "hugetlb after", fd);
	poison_hugetlb(_metadata, fd);
	expect_hugetlb_lost(_metadata, fd);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, hugetlb_after)
{
	int fd = luo_take_one(_metadata, self->dev, "hugetlb after");

	expect_hugetlb_lost(_metadata, fd);
}

/* A page of a file that lies in scratch memory; 0 when there is none. */
static size_t page_in_scratch(int fd)
{
	char *map = luo_map(fd, 0, SIZE);
	struct area areas[MAX_AREAS];
	size_t nr = scratch_areas(areas), page;
	__u64 frames[NR_PAGES];

	luo_frames(map, NR_PAGES, frames);
	for (page = NR_PAGES - 2; page > 0; page--)
		if (in_areas(frames[page], areas, nr))
			break;
	munmap(map, SIZE);
	return page;
}

/*
 * In scratch memory nothing is preserved, and what failed cannot be moved. As
 * soon as files take enough of memory, one of them has pages there: at the latest
 * when there is no other.
 */
#define MAX_FILES	900

static int memfd_in_scratch(struct __test_metadata *const _metadata,
			    size_t *page)
{
	int fds[MAX_FILES], nr = 0, fd;

	do {
		ASSERT_GT(MAX_FILES, nr) TH_LOG("no page is in scratch memory");
		fds[nr] = luo_memfd(SIZE, SEED);
		ASSERT_LE(0, fds[nr]);
		*page = page_in_scratch(fds[nr++]);
	} while (!*page);

	fd = fds[--nr];
	while (nr)
		close(fds[--nr]);
	poison(_metadata, fd, *page);
	return fd;
}

TEST_F(prepare, scratch)
{
	size_t page;
	int fd = memfd_in_scratch(_metadata, &page);
	int report = memfd_create("page", 0);
	int session;

	ASSERT_EQ(sizeof(page), write(report, &page, sizeof(page)));
	session = give_one(_metadata, self->dev, "scratch", fd);
	EXPECT_EQ(0, luo_preserve_fd(session, report, 2));
	expect_lost(_metadata, fd, SIZE, page);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, scratch)
{
	int session = luo_retrieve(self->dev, "scratch");
	int fd, report;
	size_t page = 0;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	report = luo_retrieve_fd(session, 2);
	ASSERT_EQ(sizeof(page), pread(report, &page, sizeof(page), 0));
	expect_lost(_metadata, fd, SIZE, page);
	EXPECT_EQ(0, luo_finish(session));
	expect_lost(_metadata, fd, SIZE, page);
}

/* What stood for the lost page is free again when it does not. */
TEST_F(prepare, given_up)
{
	size_t page;
	int fd = memfd_in_scratch(_metadata, &page);
	int session, i;
	long before;

	before = luo_meminfo("HardwareCorrupted");
	for (i = 0; i < 600; i++) {
		session = give_one(_metadata, self->dev, "given up", fd);
		ASSERT_EQ(0, close(session));
	}
	EXPECT_EQ(before, luo_meminfo("HardwareCorrupted"));
	expect_lost(_metadata, fd, SIZE, page);
}

/* It fails while it waits to be retrieved. */
#define LATE_PAGE	300

TEST_F(prepare, late)
{
	int fd = luo_memfd(SIZE, SEED), report = memfd_create("frame", 0);
	int session = give_one(_metadata, self->dev, "late", fd);
	char *map = luo_map(fd, 0, SIZE);
	__u64 frame = luo_frame(map + LATE_PAGE * PAGE);

	ASSERT_NE(0, frame);
	ASSERT_EQ(sizeof(frame), write(report, &frame, sizeof(frame)));
	EXPECT_EQ(0, luo_preserve_fd(session, report, 2));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, late)
{
	int session = luo_retrieve(self->dev, "late");
	__u64 frame = 0;
	int fd, report;

	ASSERT_LE(0, session);
	report = luo_retrieve_fd(session, 2);
	ASSERT_EQ(sizeof(frame), pread(report, &frame, sizeof(frame), 0));
	ASSERT_TRUE(luo_offline(frame));
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	expect_lost(_metadata, fd, SIZE, LATE_PAGE);
	EXPECT_EQ(0, luo_finish(session));
}

/*
 * A page of the kexec image that is loaded. Its pages in scratch memory are the
 * only ones next to each other that are neither free nor on an LRU list.
 */
static __u64 middle_of_image(void)
{
	struct area areas[MAX_AREAS];
	size_t nr = scratch_areas(areas);
	__u64 frame, run, longest = 0, middle = 0;

	while (nr--) {
		run = 0;
		for (frame = areas[nr].start; frame < areas[nr].end; frame++) {
			run = luo_frame_flags(frame) ? 0 : run + 1;
			if (run > longest) {
				longest = run;
				middle = frame - run / 2;
			}
		}
	}
	return longest > 1024 ? middle : 0;
}

TEST(image)
{
	__u64 frame = middle_of_image();
	FILE *list;

	ASSERT_NE(0, frame);
	ASSERT_TRUE(luo_offline(frame));
	list = fopen("/tmp/poisoned", "w");
	ASSERT_NE(NULL, list);
	fprintf(list, "%#llx", frame);
	fclose(list);
}

/*
 * What the kernel hands on itself may fail, too. The next one would not survive to read
 * it as early as it does. It is found by its name in the root FDT, whose node has two
 * properties, address and size: a token, a length, a name, and 64 bits in the processor's
 * order. The size is less than a page.
 */
TEST(timer)
{
	static const char name[] = "x86-apic-timer";
	char fdt[8192];
	ssize_t len, i;
	__u64 values[2];
	int fd;

	fd = open("/sys/kernel/debug/kho/out/fdt", O_RDONLY);
	if (fd < 0 && errno == ENOENT)
		SKIP(return, "needs debugfs, and KHO's files there");
	ASSERT_LE(0, fd);
	len = read(fd, fdt, sizeof(fdt));
	close(fd);
	for (i = 0; i + 56 < len && memcmp(fdt + i, name, sizeof(name)); i += 4)
		;
	if (i + 56 >= len)
		SKIP(return, "this kernel hands no frequency of a timer on");
	memcpy(&values[0], fdt + i + 16 + 12, sizeof(values[0]));
	memcpy(&values[1], fdt + i + 16 + 32, sizeof(values[1]));
	EXPECT_TRUE(luo_offline((values[0] | values[1]) / PAGE));
}

/* What failed before is not used: page frame POISONED, and so many KiB in all. */
TEST(known)
{
	__u64 frame = luo_param("POISONED", 0);
	__u64 flags = luo_frame_flags(frame);

	EXPECT_EQ(luo_param("CORRUPTED", 0), luo_meminfo("HardwareCorrupted"));
	EXPECT_TRUE(flags & (1ULL << KPF_HWPOISON));
	EXPECT_FALSE(flags & (1ULL << KPF_BUDDY));
	EXPECT_FALSE(flags & (1ULL << KPF_LRU));
}

TEST_HARNESS_MAIN
