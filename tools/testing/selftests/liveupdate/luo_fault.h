/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection (CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC), for the selftests.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_FAULT_H
#define SELFTESTS_LUO_FAULT_H

#include "luo_update.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* More than any call makes. */
#define MOST_ALLOCATIONS	2000

static inline void set_text(struct __test_metadata *const _metadata,
			    const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	ASSERT_LE(0, fd) TH_LOG("%s: needs FAULT_INJECTION_DEBUG_FS", path);
	ASSERT_EQ(strlen(text), write(fd, text, strlen(text)));
	close(fd);
}

/* Let all allocations fail, not only those that may not sleep. */
static inline int faults_open(struct __test_metadata *const _metadata)
{
	int fd;

	set_text(_metadata, DEBUGFS "failslab/ignore-gfp-wait", "N");
	set_text(_metadata, DEBUGFS "failslab/verbose", "0");
	set_text(_metadata, DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	set_text(_metadata, DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	set_text(_metadata, DEBUGFS "fail_page_alloc/min-order", "0");
	set_text(_metadata, DEBUGFS "fail_page_alloc/verbose", "0");
	fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	return fd;
}

static inline void fault_arm(struct __test_metadata *const _metadata, int faults,
			     int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	ASSERT_EQ(len, pwrite(faults, text, len, 0));
}

/* Was there an n-th allocation since? */
static inline bool fault_hit(struct __test_metadata *const _metadata,
			     int faults)
{
	char text[16] = { };

	ASSERT_LT(0, pread(faults, text, sizeof(text) - 1, 0));
	ASSERT_EQ(1, pwrite(faults, "0", 1, 0));
	return !strtol(text, NULL, 10);
}

/* A call that fails must have run out of memory; tmpfs says ENOSPC for inodes. */
static inline void expect_nomem(struct __test_metadata *const _metadata,
				int ret)
{
	EXPECT_TRUE(ret == -ENOMEM || ret == -ENOSPC) TH_LOG("errno %d", -ret);
}

/*
 * Preserves a file under token 1 with its n-th allocation failing. Returns what the
 * call did; *hit tells whether there was such an allocation. Failures are counted.
 */
static inline int preserve_fault(struct __test_metadata *const _metadata,
				 int session, int faults, int n, int fd,
				 bool *hit, int *failed)
{
	int ret;

	fault_arm(_metadata, faults, n);
	ret = luo_preserve_fd(session, fd, 1);
	*hit = fault_hit(_metadata, faults);
	if (ret) {
		ASSERT_TRUE(*hit);
		expect_nomem(_metadata, ret);
		(*failed)++;
	}
	return ret;
}

/*
 * The same in a new session. Returns whether there was such an allocation. After a
 * failure the file has been let go of, so it may have another @size, of @page more,
 * and the session is good.
 */
static inline bool preserve_with_fault(struct __test_metadata *const _metadata,
				       int dev, int faults, int n, int fd,
				       off_t size, off_t page, int *failed)
{
	int session = luo_create(dev, "preserve_fails");
	bool hit;

	ASSERT_LE(0, session);
	if (preserve_fault(_metadata, session, faults, n, fd, &hit, failed)) {
		ASSERT_EQ(0, ftruncate(fd, size + page));
		ASSERT_EQ(0, ftruncate(fd, size));
		ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	}
	ASSERT_EQ(0, close(session));
	return hit;
}

#endif /* SELFTESTS_LUO_FAULT_H */
