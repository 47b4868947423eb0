// SPDX-License-Identifier: GPL-2.0
/*
 * What CRIU does not leave as it was, of the open files of a service.
 *
 * TCP connections: CRIU puts them into repair mode to find out what they are, and takes
 * them out of it; but not if it was killed meanwhile. Then they would neither send nor
 * receive any more, although the service lives.
 *
 * Timers of timerfd_create() with an interval: once such a timer has expired, the kernel
 * starts it again only when that has been read. Until then CRIU takes it for one that is
 * not armed, and restores it so. Most have expired by the time at which they are dumped.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "namespace.h"
#include "proc.h"
#include "repair.h"

/**
 * struct process - a process whose files are looked at
 * @pid:   its pid
 * @pidfd: the same
 */
struct process {
	pid_t pid;
	int pidfd;
};

/* A copy of the file that @link is, -1 if it cannot be had. */
static int copy_file(const struct process *process, const char *link)
{
	return pidfd_getfd(process->pidfd, atoi(strrchr(link, '/') + 1), 0);
}

static void each_file(pid_t pid, bool (*look)(void *process, const char *link))
{
	struct process process = {
		.pid = pid,
		.pidfd = pidfd_open(pid, 0),
	};

	if (process.pidfd < 0)
		return;
	proc_find_link(pid, "fd", look, &process);
	close(process.pidfd);
}

static bool end_of_socket(void *process, const char *link)
{
	int fd = copy_file(process, link), mode = 0;
	socklen_t len = sizeof(mode);

	if (fd < 0)
		return false;
	if (!getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, &len) && mode) {
		mode = 0;
		setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, sizeof(mode));
	}
	close(fd);
	return false;
}

static void end_of_process(void *user, pid_t pid)
{
	(void)user;
	each_file(pid, end_of_socket);
}

/* Take the connections of the service whose first process is @first out of repair mode. */
void repair_end(pid_t first)
{
	namespace_each(first, end_of_process, NULL);
}

/* A timer with an interval, which has expired, and is not armed any more? */
static bool has_stopped(const struct process *process, const char *link,
			struct timespec *interval)
{
	unsigned long long ticks = 0, seconds = 1, nanoseconds = 0;
	char path[64], line[128];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", process->pid,
		 strrchr(link, '/') + 1);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found += sscanf(line, "ticks: %llu", &ticks) == 1 ||
			 sscanf(line, "it_value: (%llu, %llu)", &seconds,
				&nanoseconds) == 2 ||
			 sscanf(line, "it_interval: (%ld, %ld)",
				&interval->tv_sec, &interval->tv_nsec) == 2;
	if (f)
		fclose(f);
	return found == 3 && ticks && !seconds && !nanoseconds &&
	       (interval->tv_sec || interval->tv_nsec);
}

static bool restart_timer(void *process, const char *link)
{
	struct itimerspec timer = { .it_value.tv_nsec = 1 };
	int fd;

	if (!has_stopped(process, link, &timer.it_interval))
		return false;
	fd = copy_file(process, link);
	if (fd < 0)
		return false;
	timerfd_settime(fd, 0, &timer, NULL);
	close(fd);
	return false;
}

static void restart_of_process(void *user, pid_t pid)
{
	(void)user;
	each_file(pid, restart_timer);
}

/* Start those timers again that the service had. */
void repair_timers(pid_t first)
{
	namespace_each(first, restart_of_process, NULL);
}
