/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The areas of scratch memory, for the selftests.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_SCRATCH_H
#define SELFTESTS_LUO_SCRATCH_H

#include <stdbool.h>
#include <stdio.h>

#include "luo_util.h"

#define SCRATCH		"/sys/kernel/debug/kho/out/scratch_"

#define MAX_AREAS	16

/* Page frames from @start to @end, without the latter. */
struct area {
	__u64 start;
	__u64 end;
};

/* The areas of scratch memory; returns how many there are. */
static inline size_t scratch_areas(struct area *areas)
{
	FILE *phys = fopen(SCRATCH "phys", "r"), *len = fopen(SCRATCH "len", "r");
	unsigned long long start, size;
	size_t nr = 0;

	while (phys && len && nr < MAX_AREAS && fscanf(phys, "%llx", &start) == 1 &&
	       fscanf(len, "%llx", &size) == 1) {
		areas[nr].start = start / PAGE;
		areas[nr++].end = (start + size) / PAGE;
	}
	fclose(phys);
	fclose(len);
	return nr;
}

static inline bool in_areas(__u64 frame, const struct area *areas,
			    size_t nr)
{
	while (nr--)
		if (frame >= areas[nr].start && frame < areas[nr].end)
			return true;
	return false;
}

#endif /* SELFTESTS_LUO_SCRATCH_H */
