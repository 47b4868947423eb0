/* SPDX-License-Identifier: GPL-2.0 */
/* What a keeper waits for. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PROCESS_H
#define _LUKEEP_PROCESS_H

#include "keeper.h"

pid_t process_start(struct keeper *k, const char *command, bool afresh,
		    sd_event_child_handler_t on_exit);
void process_ended(sd_event_source *source);
void process_timer(struct keeper *k, sd_event_source **timer, int seconds,
		   sd_event_time_handler_t handler);

#endif /* _LUKEEP_PROCESS_H */
