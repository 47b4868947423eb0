/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of /dev/luo_test (CONFIG_LIVEUPDATE_TEST), for the selftests.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_TEST_H
#define SELFTESTS_LUO_TEST_H

#include <linux/reboot.h>
#include <sched.h>
#include <sys/reboot.h>

#include "luo_update.h"

static inline int luo_tell(int fd, const char *command)
{
	return luo_result(write(fd, command, strlen(command)));
}

/* A file that was told @command. */
static inline int luo_test_file(const char *command)
{
	int fd = luo_result(open("/dev/luo_test", O_RDWR | O_CLOEXEC));
	int err;

	if (fd < 0)
		return fd;
	err = luo_tell(fd, command);
	return err < 0 ? err : fd;
}

/* A file of the test handler that holds @data, told @command. */
static inline int luo_data_file(struct __test_metadata *const _metadata,
				const char *data, const char *command)
{
	char text[80];
	int fd;

	snprintf(text, sizeof(text), "data=%s", data);
	fd = luo_test_file(text);
	ASSERT_LE(0, fd) TH_LOG("needs CONFIG_LIVEUPDATE_TEST");
	ASSERT_LT(0, luo_tell(fd, command));
	return fd;
}

static inline void luo_expect_data(struct __test_metadata *const _metadata,
				   int fd, const char *data)
{
	char text[80] = { };

	ASSERT_LE(0, fd);
	EXPECT_EQ(strlen(data), pread(fd, text, sizeof(text) - 1, 0));
	EXPECT_STREQ(data, text);
}

/* A file that needs @fd; it is given up with the session, or by -1. */
static inline int luo_needy_file(int needs)
{
	int fd = luo_result(open("/dev/luo_test_needy", O_RDWR | O_CLOEXEC));
	char command[32];
	int err;

	if (fd < 0)
		return fd;
	snprintf(command, sizeof(command), "needs %d", needs);
	err = luo_tell(fd, command);
	return err < 0 ? err : fd;
}

/* What a file needs, by a new descriptor. */
static inline int luo_needs(int fd)
{
	char text[16] = { };

	return read(fd, text, sizeof(text) - 1) < 0 ? -errno : atoi(text);
}

/* Tell what concerns all files. */
static inline void luo_tell_all(struct __test_metadata *const _metadata,
				const char *command)
{
	int fd = luo_test_file(command);

	ASSERT_LE(0, fd) TH_LOG("needs CONFIG_LIVEUPDATE_TEST");
	close(fd);
}

/* How often the device, or an FLB, logged this. */
static inline int luo_logged(const char *message)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[4096], want[80];
	int count = 0;
	ssize_t n;

	snprintf(want, sizeof(want), ";luo_test: %s\n", message);
	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n < 0)
			break;
		record[n] = '\0';
		if (strstr(record, want))
			count++;
	}
	close(fd);
	return count;
}

static inline void luo_wait_for_log(const char *message, int times)
{
	while (luo_logged(message) < times)
		sched_yield();
}

/* Go to the next kernel, if nobody refuses. */
static inline int luo_reboot(void)
{
	return luo_result(reboot(LINUX_REBOOT_CMD_KEXEC));
}

/* The same in a process of its own, which exits with 0 when it is refused. */
static inline pid_t luo_start_reboot(struct __test_metadata *const _metadata)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(luo_reboot() == -EIO ? 0 : 1);
	return pid;
}

static inline void luo_wait_for_exit(struct __test_metadata *const _metadata,
				     pid_t pid)
{
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

#endif /* SELFTESTS_LUO_TEST_H */
