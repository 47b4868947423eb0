/* SPDX-License-Identifier: GPL-2.0 */
/* What came in for a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_ARRIVAL_H
#define _LUKEEP_ARRIVAL_H

#include "keeper.h"
#include "transfer.h"

enum transfer arrival_take(struct keeper *k, const char **why);
bool arrival_waits(const struct keeper *k);
void arrival_end(struct keeper *k);
void arrival_hold_lost(struct keeper *k);
void arrival_give_up(struct keeper *k);

#endif /* _LUKEEP_ARRIVAL_H */
