/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for a client, which ends when there is none.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_ALLOC_H
#define _LUKEEP_ALLOC_H

#include <stddef.h>
#include <stdio.h>

_Noreturn void alloc_failed(void);
void *alloc_zeroed(size_t size);
char *alloc_copy(const char *text);
FILE *alloc_stream(char **text);
void alloc_stream_close(FILE *stream);

#endif /* _LUKEEP_ALLOC_H */
