// SPDX-License-Identifier: GPL-2.0
/*
 * Prints how many thousand times a second this machine's time stamp counter
 * counts.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct sample {
	uint64_t tsc;
	uint64_t ns;
};

/* Of many readings the quickest: another program may run in between. */
static struct sample take_sample(void)
{
	uint64_t before, after, best = UINT64_MAX;
	struct sample sample;
	struct timespec now;
	int i;

	for (i = 0; i < 1000; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC_RAW, &now);
		after = __rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		sample.tsc = before + best / 2;
		sample.ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	}
	return sample;
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 100000000 };
	struct sample first, last;

	first = take_sample();
	nanosleep(&pause, NULL);
	last = take_sample();
	printf("%" PRIu64 "\n",
	       (last.tsc - first.tsc) * 1000000 / (last.ns - first.ns));
	return 0;
}
