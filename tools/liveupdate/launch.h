/* SPDX-License-Identifier: GPL-2.0 */
/* Running a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_LAUNCH_H
#define _LUKEEP_LAUNCH_H

#include "keeper.h"

int launch_on_saved(struct keeper *k, sd_event_child_handler_t on_exit);
bool launch_can_retry(const struct keeper *k);
int launch_afresh(struct keeper *k, sd_event_child_handler_t on_exit);

#endif /* _LUKEEP_LAUNCH_H */
