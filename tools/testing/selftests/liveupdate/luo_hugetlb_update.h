/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of memfds of huge pages with two halves share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_HUGETLB_UPDATE_H
#define SELFTESTS_LUO_HUGETLB_UPDATE_H

#include "luo_hugetlb.h"
#include "luo_memfd.h"

#define GIGANTIC	(1024 * MIB)

/* The size of the huge pages of a test, which is a process of its own. */
static size_t huge_size;

/* Else that of HUGE_KB in the environment, or the default one. */
static inline size_t huge(void)
{
	return huge_size ?: luo_param("HUGE_KB", huge_default() / 1024) * 1024;
}

static inline int new_file(struct __test_metadata *const _metadata, off_t pages)
{
	int fd = huge_memfd(huge(), pages * huge());

	ASSERT_LE(0, fd);
	return fd;
}

static inline void fill_page(struct __test_metadata *const _metadata, int fd,
			     off_t page, __u64 seed)
{
	ASSERT_TRUE(huge_fill(fd, page * huge(), huge(), seed));
}

static inline bool has_page(int fd, off_t page, __u64 seed)
{
	return huge_filled(fd, page * huge(), huge(), seed);
}

#endif /* SELFTESTS_LUO_HUGETLB_UPDATE_H */
