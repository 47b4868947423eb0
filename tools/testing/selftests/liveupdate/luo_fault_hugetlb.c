// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds of huge pages when memory is short: each allocation of preserve, freeze and
 * retrieve fails once. The call then fails or does without, and no page of the
 * pool is lost. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_fault.h"
#include "luo_hugetlb_update.h"
#include "luo_test.h"

#define NR_POOL		8

/* All huge pages are in the pool, and are free but for some. */
static void expect_pool(struct __test_metadata *const _metadata, long used)
{
	EXPECT_EQ(NR_POOL, huge_count(huge(), "nr"));
	EXPECT_EQ(NR_POOL - used, huge_count(huge(), "free"));
	EXPECT_EQ(0, huge_count(huge(), "resv"));
	EXPECT_EQ(0, huge_count(huge(), "surplus"));
}

/* Two pages and a hole. */
static int sparse_file(struct __test_metadata *const _metadata)
{
	int fd = new_file(_metadata, 3);

	fill_page(_metadata, fd, 0, 1);
	fill_page(_metadata, fd, 2, 3);
	return fd;
}

TEST_F(prepare, preserve_fails)
{
	int faults = faults_open(_metadata), fd, n, failed = 0;
	bool hit = true;

	ASSERT_TRUE(huge_pool(huge(), NR_POOL));
	fd = sparse_file(_metadata);
	for (n = 1; hit && n < MOST_ALLOCATIONS; n++) {
		hit = preserve_with_fault(_metadata, self->dev, faults, n, fd,
					  3 * huge(), huge(), &failed);
		expect_pool(_metadata, 2);
	}
	ASSERT_FALSE(hit);
	EXPECT_LT(0, failed);
	TH_LOG("%d faults, %d failures", n - 2, failed);
	luo_give_one(_metadata, self->dev, "preserve_fails", fd);
}

static void take_sparse(struct __test_metadata *const _metadata, int dev,
			const char *name)
{
	int fd = luo_take_one(_metadata, dev, name);

	EXPECT_EQ(2 * huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 0, 1));
	EXPECT_TRUE(has_page(fd, 2, 3));
	EXPECT_TRUE(luo_zero(fd, huge(), PAGE));
}

TEST_F(verify, preserve_fails)
{
	take_sparse(_metadata, self->dev, "preserve_fails");
}

/*
 * A page is added to a preserved file, and the update begins: a file that is frozen
 * last calls it off in any case. Needs a kernel that is loaded.
 */
static void freeze_with_fault(struct __test_metadata *const _metadata, int dev,
			      int faults, int n, bool *hit)
{
	int stopper = luo_test_file("fail freeze"), session[2], fd;

	ASSERT_LE(0, stopper) TH_LOG("needs CONFIG_LIVEUPDATE_TEST");
	session[0] = luo_create(dev, "freeze_fails");
	session[1] = luo_create(dev, "freeze_fails 2");
	ASSERT_LE(0, session[0]);
	ASSERT_LE(0, session[1]);
	fd = sparse_file(_metadata);
	ASSERT_EQ(0, luo_preserve_fd(session[0], fd, 1));
	ASSERT_EQ(0, luo_preserve_fd(session[1], stopper, 1));
	fill_page(_metadata, fd, 1, 2);

	fault_arm(_metadata, faults, n);
	ASSERT_GT(0, luo_reboot());
	*hit = fault_hit(_metadata, faults);
	/* It is preserved, and thawed, as before. */
	EXPECT_EQ(-EPERM, luo_result(ftruncate(fd, 0)));
	EXPECT_TRUE(has_page(fd, 0, 1));
	fill_page(_metadata, fd, 1, 4);
	EXPECT_TRUE(has_page(fd, 1, 4));
	ASSERT_EQ(0, close(session[1]));
	ASSERT_EQ(0, close(session[0]));
	EXPECT_EQ(0, ftruncate(fd, 0));
	close(fd);
	close(stopper);
}

TEST_F(prepare, freeze_fails)
{
	int faults = faults_open(_metadata), n;
	long used = huge_count(huge(), "nr") - huge_count(huge(), "free");
	bool hit = true;

	for (n = 1; hit && n < MOST_ALLOCATIONS; n++) {
		freeze_with_fault(_metadata, self->dev, faults, n, &hit);
		expect_pool(_metadata, used);
	}
	ASSERT_FALSE(hit);
	/* There may be none: at most the tree of preserved memory needs any. */
	TH_LOG("%d faults", n - 2);
}

/* Each fault may take a file; its page is in the pool in any case. */
#define SOME_FILES	48

TEST_F(prepare, retrieve_fails)
{
	int i, fd, session = luo_create(self->dev, "retrieve_fails");

	ASSERT_LE(0, session);
	ASSERT_TRUE(huge_pool(huge(), SOME_FILES + 2));
	for (i = 1; i <= SOME_FILES; i++) {
		fd = new_file(_metadata, 1);
		fill_page(_metadata, fd, 0, i);
		luo_give(_metadata, session, fd, i);
	}
	luo_hold(_metadata, self->dev);
}

static int retrieve_with_fault(struct __test_metadata *const _metadata,
			       int session, int faults, int n, bool *hit)
{
	int fd, again;

	fault_arm(_metadata, faults, n);
	fd = luo_retrieve_fd(session, n);
	*hit = fault_hit(_metadata, faults);
	if (fd >= 0)
		return fd;
	ASSERT_TRUE(*hit);
	if (fd != -EAGAIN)
		expect_nomem(_metadata, fd);
	/* Nothing is lost, unless memory was too short for the records. */
	again = luo_retrieve_fd(session, n);
	if (again >= 0)
		TH_LOG("fault %d: retrieved the second time", n);
	else
		EXPECT_EQ(-ENOMEM, fd);
	return again;
}

TEST_F(verify, retrieve_fails)
{
	int faults = faults_open(_metadata), session, fd, n;
	long nr = huge_count(huge(), "nr"), total = luo_meminfo("MemTotal");
	bool hit = true;

	session = luo_retrieve(self->dev, "retrieve_fails");
	ASSERT_LE(0, session);
	for (n = 1; hit && n <= SOME_FILES; n++) {
		fd = retrieve_with_fault(_metadata, session, faults, n, &hit);
		if (fd < 0)
			continue;
		EXPECT_EQ(huge(), luo_allocated(fd));
		EXPECT_TRUE(has_page(fd, 0, n));
		close(fd);
	}
	ASSERT_FALSE(hit);
	TH_LOG("%d faults", n - 2);
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, close(session));

	/* All of them were surplus, and are free memory, as is what nobody retrieved. */
	EXPECT_LE(SOME_FILES, nr);
	EXPECT_EQ(nr - SOME_FILES, huge_count(huge(), "nr"));
	EXPECT_EQ(nr - SOME_FILES, huge_count(huge(), "surplus"));
	EXPECT_LE(SOME_FILES * (long)huge() / 1024,
		  luo_meminfo("MemTotal") - total);
}

TEST_HARNESS_MAIN
