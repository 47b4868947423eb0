// SPDX-License-Identifier: GPL-2.0
/*
 * How long things take, and how late it is.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lukeep.h"

/* Seconds, from whenever. */
double clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * A service that stamps what it saves with the second, as memcached does,
 * throws it away unless the clock has gone on since it @stopped. But the new
 * kernel took its time from the RTC, which may differ from the time that the
 * previous kernel had.
 */
void clock_go_on(time_t stopped)
{
	struct timespec ts = { .tv_sec = stopped + 1 };
	time_t behind = stopped - time(NULL);

	if (behind > 0) {
		if (clock_settime(CLOCK_REALTIME, &ts))
			pr_err("the clock is %lld s before the service's stop, and cannot be set: %s: the service may drop its data",
			       (long long)behind, strerror(errno));
		else
			pr_info("the clock was %lld s before the service's stop: set forward",
				(long long)behind);
		return;
	}
	while (time(NULL) <= stopped)
		poll(NULL, 0, 10);
}
