/* SPDX-License-Identifier: GPL-2.0 */
/* When a service is ready. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_READY_H
#define _LUKEEP_READY_H

#include "keeper.h"

void ready_begin(struct keeper *k);
void ready_ask(struct keeper *k);
void ready_end(struct keeper *k);

#endif /* _LUKEEP_READY_H */
