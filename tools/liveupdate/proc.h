/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc tells of a process. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PROC_H
#define _LUKEEP_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#define PROC_NAME	32

void proc_name(pid_t pid, char name[PROC_NAME]);
bool proc_find_link(pid_t pid, const char *folder,
		    bool (*look)(void *user, const char *link), void *user);

#endif /* _LUKEEP_PROC_H */
