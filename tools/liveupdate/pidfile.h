/* SPDX-License-Identifier: GPL-2.0 */
/* Which process a service is. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PIDFILE_H
#define _LUKEEP_PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

void pidfile_write(const char *run_dir, const char *name, pid_t pid);
bool pidfile_kill(const char *run_dir, const char *name);

#endif /* _LUKEEP_PIDFILE_H */
