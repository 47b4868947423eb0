/* SPDX-License-Identifier: GPL-2.0 */
/* What systemd does with units. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_UNIT_STATES_H
#define _LUKEEP_UNIT_STATES_H

#include <stdbool.h>

#include <jansson.h>

/* Has late services save when systemd stops it */
#define LATE_UNIT	"lukeep-late.service"

void unit_states_add(json_t *services);
bool unit_states_late_is_active(void);

#endif /* _LUKEEP_UNIT_STATES_H */
