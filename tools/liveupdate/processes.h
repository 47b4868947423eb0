/* SPDX-License-Identifier: GPL-2.0 */
/* Services whose processes go on by CRIU. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PROCESSES_H
#define _LUKEEP_PROCESSES_H

#include <stdbool.h>

#include "declaration.h"

int processes_set_commands(struct service *svc);
void processes_free(struct processes *p);
bool processes_are_saved(const struct processes *p);
void processes_give_up(const struct processes *p);

#endif /* _LUKEEP_PROCESSES_H */
