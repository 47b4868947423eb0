/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixtures for tests of the rules that show without a live update.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LIVEUPDATE_H
#define SELFTESTS_LIVEUPDATE_H

#include "../kselftest_harness.h"
#include "luo_util.h"

/* A limit, not an expectation: emulated kernels with all checks on are slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	900

FIXTURE(device)
{
	int fd;
};

FIXTURE_SETUP(device)
{
	self->fd = luo_open();
	if (self->fd == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

/* One session, with the device closed: sessions outlive it. */
FIXTURE(session)
{
	int fd;
	int memfd;
};

FIXTURE_SETUP(session)
{
	int dev = luo_open();

	if (dev == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, dev);
	self->fd = luo_create(dev, "session");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, close(dev));
	self->memfd = luo_memfd(4 * PAGE, 1);
	ASSERT_LE(0, self->memfd);
}

FIXTURE_TEARDOWN(session)
{
	close(self->fd);
	close(self->memfd);
}

static inline int create_other_session(const char *name)
{
	int session, dev = luo_open();

	if (dev < 0)
		return dev;
	session = luo_create(dev, name);
	close(dev);
	return session;
}

#endif /* SELFTESTS_LIVEUPDATE_H */
