/* SPDX-License-Identifier: GPL-2.0 */
/* States of a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_STATES_H
#define _LUKEEP_STATES_H

#include "keeper.h"

const char *service_state(const struct keeper *k);
const char *service_why_not_ready(const struct keeper *k);
void service_hold(int fd);
void service_wait_no_more(void);
void service_enter(struct keeper *k, enum service_state state);

#endif /* _LUKEEP_STATES_H */
