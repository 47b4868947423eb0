/* SPDX-License-Identifier: GPL-2.0 */
/* Stopping a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_STOP_H
#define _LUKEEP_STOP_H

#include "keeper.h"

void stop_begin(struct keeper *k, enum service_state state);

#endif /* _LUKEEP_STOP_H */
