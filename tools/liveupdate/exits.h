/* SPDX-License-Identifier: GPL-2.0 */
/* What became of a process. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_EXITS_H
#define _LUKEEP_EXITS_H

#include <signal.h>
#include <stdbool.h>

const char *exit_status(const siginfo_t *si);
bool exit_is_success(const siginfo_t *si);

#endif /* _LUKEEP_EXITS_H */
