/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The next kernel's command line, and this one's.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_KEXEC_CMDLINE_H
#define _LUKEEP_KEXEC_CMDLINE_H

#include <stdbool.h>

#include "util.h"

/* On the next kernel's command line; tells it which kernel was left. */
#define CMDLINE_LEFT	"lukeep.left="

char *kexec_cmdline(bool reuse, const char *append);
bool kexec_has(const char *name, const char *value);
bool kexec_left(char release[RELEASE_MAX]);

#endif /* _LUKEEP_KEXEC_CMDLINE_H */
