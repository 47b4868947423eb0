/* SPDX-License-Identifier: GPL-2.0 */
/* What systemd does with units. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_UNIT_STATES_H
#define _LUKEEP_UNIT_STATES_H

#include <jansson.h>

void unit_states_add(json_t *services);

#endif /* _LUKEEP_UNIT_STATES_H */
