/* SPDX-License-Identifier: GPL-2.0 */
/* Dumping a service by CRIU. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CRIU_DUMP_H
#define _LUKEEP_CRIU_DUMP_H

#include "images.h"

int dump_check(const struct folder *f, char **preserved);
int dump_memory(const struct folder *f, int rounds);
int dump_service(const struct folder *f, int to);
int dump_begin(const struct folder *f, pid_t pid);
void dump_break_off(const struct folder *f, pid_t pid);
void dump_mend(const struct folder *f);
void dump_forget(const struct folder *f);

#endif /* _LUKEEP_CRIU_DUMP_H */
