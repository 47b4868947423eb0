/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of lukeep's shim share, see lukeep-shim.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_SHIM_H
#define _LUKEEP_SHIM_H

#include <limits.h>
#include <stdio.h>

FILE *__real_fopen(const char *path, const char *mode);

/* The path of a file in the machine's folder. */
const char *in_folder(const char *name, char path[PATH_MAX]);

/* The number that a file in the machine's folder has. Leaves errno alone. */
long number(const char *name, long otherwise);

/* A process did what none should do. */
void tell_odd(const char *what);

#endif /* _LUKEEP_SHIM_H */
