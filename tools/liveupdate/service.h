/* SPDX-License-Identifier: GPL-2.0 */
/* The life of a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SERVICE_H
#define _LUKEEP_SERVICE_H

#include "keeper.h"

void service_arrive(struct keeper *k);
int service_reload(struct keeper *k, struct service *declared);
void service_save(struct keeper *k);
void service_revert(struct keeper *k);
void service_leave(struct keeper *k);
void service_stop(struct keeper *k);

#endif /* _LUKEEP_SERVICE_H */
