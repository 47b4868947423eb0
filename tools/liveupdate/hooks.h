/* SPDX-License-Identifier: GPL-2.0 */
/* Hooks before and after an update. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_HOOKS_H
#define _LUKEEP_HOOKS_H

#include <stdbool.h>

#include <systemd/sd-event.h>

typedef void (*hooks_done_t)(void *user, bool ok);

int hooks_run(struct sd_event *event, const char *conf_dir,
	      const char *which, const char *result, hooks_done_t done,
	      void *user);
int hooks_check(const char *conf_dir);
void hooks_cancel(void);
void hooks_forget(void);

#endif /* _LUKEEP_HOOKS_H */
