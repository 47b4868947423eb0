/* SPDX-License-Identifier: GPL-2.0 */
/* Updates that there were. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_HISTORY_H
#define _LUKEEP_HISTORY_H

#include <stdbool.h>

#include <jansson.h>

void history_add(const char *state_dir, json_t *entry);
int history_show(const char *state_dir, bool json);

#endif /* _LUKEEP_HISTORY_H */
