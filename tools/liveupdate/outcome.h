/* SPDX-License-Identifier: GPL-2.0 */
/* What came of an update. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_OUTCOME_H
#define _LUKEEP_OUTCOME_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "options.h"

void outcome_look(struct sd_event *event, const struct options *opt);
void outcome_forget(void);
void outcome_failed(struct sd_event *event, const struct options *opt,
		    const char *step, const char *next, bool cancelled);

#endif /* _LUKEEP_OUTCOME_H */
