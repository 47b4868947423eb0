/* SPDX-License-Identifier: GPL-2.0 */
/* Commands of a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_COMMAND_H
#define _LUKEEP_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "declaration.h"

pid_t command_start(const char *command, const struct service *svc,
		    bool afresh);
void command_kill(pid_t pid);

#endif /* _LUKEEP_COMMAND_H */
