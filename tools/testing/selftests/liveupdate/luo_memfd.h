/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of memfds with two halves share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_MEMFD_H
#define SELFTESTS_LUO_MEMFD_H

#include <linux/falloc.h>

#include "luo_update.h"

#define PUNCH_HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

#define MIB		(1024 * 1024UL)

/* A session with one file, whose token is 1; and its counterpart. */
static inline void luo_give_one(struct __test_metadata *const _metadata, int dev,
				const char *name, int memfd)
{
	int session = luo_create(dev, name);

	ASSERT_LE(0, session);
	luo_give(_metadata, session, memfd, 1);
	luo_hold(_metadata, dev);
}

static inline int luo_take_one(struct __test_metadata *const _metadata, int dev,
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

static inline int luo_new_memfd(struct __test_metadata *const _metadata,
				off_t size)
{
	int fd = memfd_create("luo", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, size));
	return fd;
}

#endif /* SELFTESTS_LUO_MEMFD_H */
