// SPDX-License-Identifier: GPL-2.0
/*
 * Live update when memory is short: each allocation of each call fails once.
 * The call then fails with an errno or does without, and nothing is lost.
 * How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_fault.h"

TEST_F(prepare, create_fails)
{
	int faults = faults_open(_metadata);
	int n, session, hits = 0;

	for (n = 1; n < MOST_ALLOCATIONS; n++) {
		fault_arm(_metadata, faults, n);
		session = luo_create(self->dev, "create_fails");
		if (!fault_hit(_metadata, faults))
			break;
		hits++;
		if (session < 0) {
			expect_nomem(_metadata, session);
			session = luo_create(self->dev, "create_fails");
		}
		ASSERT_LE(0, session) TH_LOG("after fault %d", n);
		ASSERT_EQ(0, close(session));
	}
	ASSERT_LE(0, session);
	EXPECT_LT(0, hits);
	TH_LOG("%d faults", hits);
	luo_give(_metadata, session, luo_memfd(PAGE, 1), 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, create_fails)
{
	int session = luo_retrieve(self->dev, "create_fails");

	ASSERT_LE(0, session);
	luo_take(_metadata, session, 1, PAGE, 1);
}

/* Pages far apart, and more of them than there are records in a page. */
#define NEAR_PAGES	300
#define FAR		(1024 * 1024 * 1024L)

static int file_of_all_sorts(struct __test_metadata *const _metadata)
{
	int fd = luo_memfd(NEAR_PAGES * PAGE, 1);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_fill(fd, FAR, PAGE, 2));
	return fd;
}

static void expect_all_sorts(struct __test_metadata *const _metadata, int fd)
{
	ASSERT_LE(0, fd);
	EXPECT_TRUE(luo_filled(fd, 0, NEAR_PAGES * PAGE, 1));
	EXPECT_TRUE(luo_zero(fd, NEAR_PAGES * PAGE, PAGE));
	EXPECT_TRUE(luo_filled(fd, FAR, PAGE, 2));
}

/* All faults, each in a new session; the number of failures. */
static int preserve_with_faults(struct __test_metadata *const _metadata,
				int dev, int faults, int fd)
{
	int n, failed = 0;
	bool hit = true;

	for (n = 1; hit && n < MOST_ALLOCATIONS; n++)
		hit = preserve_with_fault(_metadata, dev, faults, n, fd,
					  FAR + PAGE, PAGE, &failed);
	ASSERT_FALSE(hit);
	TH_LOG("%d faults, %d failures", n - 2, failed);
	return failed;
}

/* What a failure left preserved would be missing in the next kernel. */
TEST_F(prepare, preserve_fails)
{
	int faults = faults_open(_metadata);
	int session, fd = file_of_all_sorts(_metadata);

	EXPECT_LT(0, preserve_with_faults(_metadata, self->dev, faults, fd));

	session = luo_create(self->dev, "preserve_fails");
	ASSERT_LE(0, session);
	luo_give(_metadata, session, fd, 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, preserve_fails)
{
	int session = luo_retrieve(self->dev, "preserve_fails");

	ASSERT_LE(0, session);
	expect_all_sorts(_metadata, luo_retrieve_fd(session, 1));
}

/* The first open of the device, which reads what came in: run it first. */
TEST(open_fails)
{
	int faults = faults_open(_metadata);
	int n, dev;

	for (n = 1; n < MOST_ALLOCATIONS; n++) {
		fault_arm(_metadata, faults, n);
		dev = luo_open();
		if (!fault_hit(_metadata, faults))
			break;
		if (dev < 0)
			expect_nomem(_metadata, dev);
		else
			close(dev);
	}
	EXPECT_LE(0, dev);
	EXPECT_LT(1, n);
	TH_LOG("%d faults", n - 1);
}

/*
 * A retrieve that fails may not be tried again, so each fault takes a file. Whether
 * or not, all memory is free when the session is finished.
 */
#define SOME_FILES	64
#define FILE_PAGES	256

TEST_F(prepare, retrieve_fails)
{
	int i, session = luo_create(self->dev, "retrieve_fails");

	ASSERT_LE(0, session);
	for (i = 1; i <= SOME_FILES; i++)
		luo_give(_metadata, session, luo_memfd(FILE_PAGES * PAGE, i), i);
	luo_hold(_metadata, self->dev);
}

static int retrieve_session_with_faults(struct __test_metadata *const _metadata,
					int faults, int dev, const char *name)
{
	int n, session;

	for (n = 1; n < MOST_ALLOCATIONS; n++) {
		fault_arm(_metadata, faults, n);
		session = luo_retrieve(dev, name);
		if (!fault_hit(_metadata, faults) || session >= 0)
			break;
		expect_nomem(_metadata, session);
	}
	ASSERT_LE(0, session);
	return session;
}

TEST_F(verify, retrieve_fails)
{
	int faults = faults_open(_metadata);
	int n, fd, ret, session, failed = 0, again = 0;
	long before = luo_meminfo("MemTotal"), taken;

	session = retrieve_session_with_faults(_metadata, faults, self->dev,
					       "retrieve_fails");
	for (n = 1; n <= SOME_FILES; n++) {
		fault_arm(_metadata, faults, n);
		fd = luo_retrieve_fd(session, n);
		if (!fault_hit(_metadata, faults))
			break;
		if (fd < 0) {
			failed++;
			if (fd == -EAGAIN)
				again++;
			else
				expect_nomem(_metadata, fd);
			/* Remembered, unless nothing was restored yet. */
			ret = luo_retrieve_fd(session, n);
			if (ret < 0)
				EXPECT_EQ(-ENOMEM, fd);
			fd = ret;
		}
		if (fd >= 0) {
			EXPECT_TRUE(luo_filled(fd, 0, FILE_PAGES * PAGE, n));
			close(fd);
		}
	}
	EXPECT_LT(0, again);
	ASSERT_LT(n, SOME_FILES);
	TH_LOG("%d faults, %d failures, %d of them to try again", n - 1, failed,
	       again);

	for (; n <= SOME_FILES; n++)
		close(luo_take(_metadata, session, n, FILE_PAGES * PAGE, n));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, close(session));

	/* All that was preserved is memory of this kernel's now. */
	taken = luo_meminfo("MemTotal") - before;
	TH_LOG("%ld kB taken back", taken);
	EXPECT_LE(SOME_FILES * FILE_PAGES * 4, taken);
}

TEST_HARNESS_MAIN
