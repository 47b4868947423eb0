// SPDX-License-Identifier: GPL-2.0
/*
 * Which process a service is, for whoever comes after its keeper.
 *
 * A service that has given up privileges outlives a keeper that is killed: the
 * kernel clears its parent death signal. Two of it would work on the same files.
 * Under systemd this is not needed: what is in the unit's cgroup is killed.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "message.h"
#include "pidfile.h"

#define PID_SUFFIX	".pid"
#define KILL_TIMEOUT	10000	/* ms */

static FILE *pidfile_open(const char *run_dir, const char *name,
			  const char *mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s" PID_SUFFIX, run_dir, name);
	return fopen(path, mode);
}

/* When a process was started, in ticks since boot; 0 if there is none. */
static unsigned long long start_time(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64], line[1024];
	const char *c = NULL;
	int field;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f))
		c = strrchr(line, ')');	/* the name may have anything in it */
	fclose(f);
	/* It is field 22; a blank before field 3 follows the parenthesis. */
	if (c)
		c++;
	for (field = 3; c && field < 22; field++)
		c = strchr(c + 2, ' ');
	if (c)
		ticks = strtoull(c, NULL, 10);
	return ticks;
}

/* Remember which process the service is. */
void pidfile_write(const char *run_dir, const char *name, pid_t pid)
{
	FILE *f = pidfile_open(run_dir, name, "we");

	if (!f) {
		pr_warn("cannot write the pid of the service into %s: %s",
			run_dir, strerror(errno));
		return;
	}
	fprintf(f, "%d %llu\n", pid, start_time(pid));
	fclose(f);
}

/* Kill the service if it is still there, and wait for its end; true if it was. */
bool pidfile_kill(const char *run_dir, const char *name)
{
	FILE *f = pidfile_open(run_dir, name, "re");
	struct pollfd pfd = { .events = POLLIN };
	unsigned long long started;
	bool was = false;
	int pid;

	if (!f)
		return false;
	if (fscanf(f, "%d %llu", &pid, &started) != 2)
		pid = 0;
	fclose(f);
	pfd.fd = pid > 0 ? syscall(SYS_pidfd_open, pid, 0) : -1;
	if (pfd.fd < 0)
		return false;
	/* Not another process that has its pid by now. */
	if (start_time(pid) == started) {
		was = true;
		syscall(SYS_pidfd_send_signal, pfd.fd, SIGKILL, NULL, 0);
		poll(&pfd, 1, KILL_TIMEOUT);
	}
	close(pfd.fd);
	return was;
}
