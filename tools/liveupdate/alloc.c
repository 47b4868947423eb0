// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for a client, which ends when there is none.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "message.h"

void alloc_failed(void)
{
	pr_err("out of memory: free some and try again");
	exit(EXIT_FAILURE);
}

void *alloc_zeroed(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		alloc_failed();
	return p;
}

char *alloc_copy(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		alloc_failed();
	return copy;
}

/* A stream that is written to @text, which is there once it is closed. */
FILE *alloc_stream(char **text)
{
	static size_t len;
	FILE *stream = open_memstream(text, &len);

	if (!stream)
		alloc_failed();
	return stream;
}

void alloc_stream_close(FILE *stream)
{
	if (fclose(stream))
		alloc_failed();
}
