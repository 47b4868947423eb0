// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes when memory is short: each allocation of preserve and retrieve fails once.
 * The call then fails or does without, and no data are lost. How to run it:
 * luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_fault.h"
#include "luo_pipe.h"

#define SEED		11
#define NR_COPIES	4

/* A pipe with pages that stay where they are, and some that are copied. */
static int mixed_pipe(struct __test_metadata *const _metadata)
{
	__u64 frames[NR_COPIES];
	int ends[2];

	ASSERT_EQ(0, luo_pipe(ends, 32 * PAGE, 0));
	luo_dump(ends[1], NR_COPIES * PAGE, PAGE, SEED, frames);
	ASSERT_EQ(NR_COPIES * PAGE, luo_pipe_bytes(ends[0]));
	ASSERT_TRUE(luo_pipe_write(ends[1], 0, NR_COPIES * PAGE, SEED));
	close(ends[1]);
	return ends[0];
}

static bool has_all(int fd)
{
	char c;

	return luo_pipe_read(fd, 0, NR_COPIES * PAGE, SEED) &&
	       luo_pipe_read(fd, 0, NR_COPIES * PAGE, SEED) &&
	       !read(fd, &c, 1);
}

/* Returns whether there was an n-th allocation; failures are counted. */
static bool preserve_pipe(struct __test_metadata *const _metadata, int dev,
			  int faults, int n, int *failed)
{
	int session = luo_create(dev, "fault"), fd;
	bool hit;

	ASSERT_LE(0, session);
	fd = mixed_pipe(_metadata);
	if (preserve_fault(_metadata, session, faults, n, fd, &hit, failed)) {
		EXPECT_EQ(2 * NR_COPIES * PAGE, luo_pipe_bytes(fd));
		ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	}
	ASSERT_EQ(0, close(session));
	EXPECT_TRUE(has_all(fd));
	close(fd);
	return hit;
}

TEST_F(prepare, preserve_fails)
{
	int faults = faults_open(_metadata), n, failed = 0;
	bool hit = true;

	for (n = 1; hit && n < MOST_ALLOCATIONS; n++)
		hit = preserve_pipe(_metadata, self->dev, faults, n, &failed);
	ASSERT_FALSE(hit);
	EXPECT_LT(NR_COPIES, failed);
	TH_LOG("%d faults, %d failures", n - 2, failed);
}

/* Each fault may take a pipe. */
#define SOME_PIPES	64

TEST_F(prepare, retrieve_fails)
{
	int session = luo_create(self->dev, "retrieve_fails"), i, fd;

	ASSERT_LE(0, session);
	for (i = 1; i <= SOME_PIPES; i++) {
		fd = mixed_pipe(_metadata);
		ASSERT_EQ(0, luo_preserve_fd(session, fd, i));
		close(fd);
	}
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, retrieve_fails)
{
	int faults = faults_open(_metadata), session, fd, ret, n;
	bool hit = true;

	session = luo_retrieve(self->dev, "retrieve_fails");
	ASSERT_LE(0, session);
	for (n = 1; hit && n <= SOME_PIPES; n++) {
		fault_arm(_metadata, faults, n);
		ret = luo_retrieve_fd(session, n);
		hit = fault_hit(_metadata, faults);
		if (ret < 0) {
			ASSERT_TRUE(hit);
			if (ret != -EAGAIN)
				expect_nomem(_metadata, ret);
		}
		/* Nothing is lost, unless memory was too short for the records. */
		fd = ret < 0 ? luo_retrieve_fd(session, n) : ret;
		if (fd < 0) {
			EXPECT_EQ(-ENOMEM, ret);
			continue;
		}
		EXPECT_TRUE(has_all(fd));
		close(fd);
	}
	ASSERT_FALSE(hit);
	TH_LOG("%d faults", n - 2);
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(0, close(session));
}

TEST_HARNESS_MAIN
