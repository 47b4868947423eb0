/* SPDX-License-Identifier: GPL-2.0 */
/* Having a service save. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SAVE_H
#define _LUKEEP_SAVE_H

#include "keeper.h"

int save_check(const struct keeper *k);
int save_prepare(struct keeper *k);
int save_tell(struct keeper *k, sd_event_child_handler_t on_exit);
bool save_left_all(const struct keeper *k);
bool save_take(struct keeper *k, bool succeeded);
void save_kill(const struct keeper *k);
void save_say_why(const struct keeper *k);

#endif /* _LUKEEP_SAVE_H */
