// SPDX-License-Identifier: GPL-2.0
/*
 * Linked into lukeep beside lukeep-shim.c: the machine's clock, and its timers. In its
 * folder are
 *
 *	clock		seconds by which its clock is ahead of this host's
 *	faster		how many times faster than here its time passes, if there
 *	faster.PID	the same, for this process alone
 *	timers		microseconds, a line for each timer that was set
 *
 * For processes with LUKEEP_FASTER in their environment that is how many times faster it
 * passes, whatever is in the folder. It may be less than 1.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "lukeep-shim.h"

int __real_poll(struct pollfd *fds, nfds_t nr, int timeout);
int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **source,
				      clockid_t clock, uint64_t usec,
				      uint64_t accuracy,
				      sd_event_time_handler_t handler,
				      void *user);
int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);

/* How many times faster than here our time passes. */
static double pace(void)
{
	const char *own = getenv("LUKEEP_FASTER");
	char name[32];

	if (own)
		return atof(own);
	snprintf(name, sizeof(name), "faster.%d", getpid());
	return number(name, number("faster", 1));
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int ret = __real_clock_gettime(id, ts);
	double now;

	if (id == CLOCK_REALTIME) {
		ts->tv_sec += number("clock", 0);
	} else if (id == CLOCK_MONOTONIC) {
		now = (ts->tv_sec + ts->tv_nsec / 1e9) * pace();
		ts->tv_sec = now;
		ts->tv_nsec = (now - ts->tv_sec) * 1e9;
	}
	return ret;
}

time_t __wrap_time(time_t *t);
time_t __wrap_time(time_t *t)
{
	struct timespec ts;

	__wrap_clock_gettime(CLOCK_REALTIME, &ts);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

int __wrap_clock_settime(clockid_t id, const struct timespec *ts);
int __wrap_clock_settime(clockid_t id, const struct timespec *ts)
{
	char path[PATH_MAX];
	struct timespec now;
	FILE *f;

	__real_clock_gettime(CLOCK_REALTIME, &now);
	f = id == CLOCK_REALTIME ?
		__real_fopen(in_folder("clock", path), "we") : NULL;
	if (!f) {
		errno = EPERM;
		return -1;
	}
	fprintf(f, "%ld\n", (long)(ts->tv_sec - now.tv_sec));
	return fclose(f);
}

int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	bool nothing = nr;
	nfds_t i;

	for (i = 0; i < nr; i++)
		nothing &= fds[i].fd < 0;
	if (nothing && timeout)
		tell_odd("waits for nothing");
	if (timeout > 0)
		timeout = timeout / pace() + 1;
	return __real_poll(fds, nr, timeout);
}

static uint64_t sooner(uint64_t usec)
{
	char path[PATH_MAX];
	FILE *f = __real_fopen(in_folder("timers", path), "ae");

	if (f) {
		fprintf(f, "%llu\n", (unsigned long long)usec);
		fclose(f);
	}
	return usec / pace();
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **source,
				      clockid_t clock, uint64_t usec,
				      uint64_t accuracy,
				      sd_event_time_handler_t handler,
				      void *user);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **source,
				      clockid_t clock, uint64_t usec,
				      uint64_t accuracy,
				      sd_event_time_handler_t handler,
				      void *user)
{
	return __real_sd_event_add_time_relative(e, source, clock, sooner(usec),
						 accuracy, handler, user);
}

int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec)
{
	return __real_sd_event_source_set_time_relative(s, sooner(usec));
}
