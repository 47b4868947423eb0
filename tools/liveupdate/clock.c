// SPDX-License-Identifier: GPL-2.0
/*
 * How long things take, and how late it is.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "clock.h"
#include "message.h"

/* A clock that is behind by more is wrong for another reason than an update. */
#define BEHIND_MAX	86400	/* seconds */

static double seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Seconds, from whenever. */
double clock_now(void)
{
	return seconds(CLOCK_MONOTONIC);
}

/* Seconds since the epoch, which can be compared between kernels. */
double clock_wall(void)
{
	return seconds(CLOCK_REALTIME);
}

/*
 * How long to wait before what has failed so often before is tried again: a second
 * the first time, and then longer and longer.
 */
int clock_backoff(int failures)
{
	return failures < 6 ? 1 << failures : BACKOFF_MAX;
}

/* Wait until the second in which a service stopped has passed: no longer than it. */
void clock_pass(time_t stopped)
{
	while (time(NULL) == stopped)
		poll(NULL, 0, 10);
}

/*
 * A service that stamps what it saves with the second, as memcached does,
 * throws it away unless the clock has gone on since it @stopped. But the new
 * kernel took its time from the RTC, which may differ from the time that the
 * previous kernel had. Needs CAP_SYS_TIME.
 */
int clock_go_on(time_t stopped)
{
	struct timespec ts = { .tv_sec = stopped + 1 };
	long long behind = stopped - time(NULL);

	if (behind > BEHIND_MAX) {
		pr_err("the clock is %lld s before the service's stop, which is more than an update explains: set it, lest the service drops its data",
		       behind);
		return -1;
	}
	if (behind > 0) {
		if (clock_settime(CLOCK_REALTIME, &ts)) {
			pr_err("the clock is %lld s before the service's stop, and cannot be set: %s: the service may drop its data",
			       behind, strerror(errno));
			return -1;
		}
		pr_warn("the clock was %lld s before the service's stop: set forward",
			behind);
	}
	return 0;
}
