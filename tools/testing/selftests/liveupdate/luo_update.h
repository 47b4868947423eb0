/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixtures for tests with two halves, one before and one after a live update.
 *
 * The test prepare.NAME leaves its sessions with a process that holds them for
 * as long as the kernel runs; verify.NAME in the next kernel looks at what came
 * of them. STAGE in the environment counts the kernels from 1. Run single tests
 * with "-r prepare.NAME".
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_UPDATE_H
#define SELFTESTS_LUO_UPDATE_H

#include "../kselftest_harness.h"
#include "luo_util.h"

/* A limit, not an expectation: emulated kernels with all checks on are slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	900

/* A number from the environment. */
static inline long luo_param(const char *name, long by_default)
{
	const char *value = getenv(name);

	return value ? strtol(value, NULL, 0) : by_default;
}

static inline long luo_stage(void)
{
	return luo_param("STAGE", 1);
}

FIXTURE(prepare)
{
	int dev;
};

FIXTURE_SETUP(prepare)
{
	self->dev = luo_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, luo_raise_nofile(1 << 16));
}

FIXTURE_TEARDOWN(prepare)
{
	close(self->dev);
}

FIXTURE(verify)
{
	int dev;
};

FIXTURE_SETUP(verify)
{
	self->dev = luo_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, luo_raise_nofile(1 << 16));
}

FIXTURE_TEARDOWN(verify)
{
	close(self->dev);
}

/* Leave all that is open, but the device, with a process that goes on. */
static inline void luo_hold(struct __test_metadata *const _metadata, int dev)
{
	int ready[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		luo_be_holder(dev, ready[1]);

	/* The next test opens the device, which has one opener at a time. */
	close(ready[1]);
	ASSERT_EQ(0, read(ready[0], &c, 1));
	close(ready[0]);
}

/* Put @fd into @session and close it. */
static inline void luo_give(struct __test_metadata *const _metadata,
			    int session, int fd, __u64 token)
{
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, token));
	ASSERT_EQ(0, close(fd));
}

/* Take the file of @token, whose contents have been @seed from 0 to @size. */
static inline int luo_take(struct __test_metadata *const _metadata,
			   int session, __u64 token, size_t size, __u64 seed)
{
	int fd = luo_retrieve_fd(session, token);

	ASSERT_LE(0, fd) TH_LOG("token %#llx", token);
	EXPECT_EQ(size, luo_size(fd)) TH_LOG("token %#llx", token);
	EXPECT_TRUE(luo_filled(fd, 0, size, seed)) TH_LOG("token %#llx", token);
	return fd;
}

#endif /* SELFTESTS_LUO_UPDATE_H */
