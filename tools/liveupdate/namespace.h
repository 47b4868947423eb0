/* SPDX-License-Identifier: GPL-2.0 */
/* A service in a PID namespace of its own. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_NAMESPACE_H
#define _LUKEEP_NAMESPACE_H

#include <sys/types.h>

void namespace_each(pid_t first, void (*look)(void *user, pid_t pid), void *user);
pid_t namespace_start(char *const argv[], int output);
int namespace_watch(pid_t pid, int output,
		    void (*on_child)(void *user, pid_t pid, int status),
		    void *user);

#endif /* _LUKEEP_NAMESPACE_H */
