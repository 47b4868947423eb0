/* SPDX-License-Identifier: GPL-2.0 */
/*
 * corrupt.c: pipes that come from kernel to kernel. A pipe comes with all that is in it, or not at all.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef CORRUPT_PIPE_H
#define CORRUPT_PIPE_H

#include "../../tools/testing/selftests/liveupdate/luo_pipe.h"

/* More than one page of records. */
#define PIPE_PAGES	300
#define PIPE_BYTES	(PIPE_PAGES * PAGE)

/* The read end of a pipe, or -1. */
static inline int pipe_make(__u64 seed)
{
	int ends[2];

	if (luo_pipe(ends, PIPE_BYTES, 0) || !luo_pipe_write(ends[1], 0, PIPE_BYTES, seed))
		return -1;
	close(ends[1]);
	return ends[0];
}

static inline const char *pipe_verdict(int fd, __u64 seed)
{
	if (luo_pipe_bytes(fd) != (int)PIPE_BYTES)
		return "size";
	return luo_pipe_read(fd, 0, PIPE_BYTES, seed) ? "ok" : "contents";
}

#endif /* CORRUPT_PIPE_H */
