/* SPDX-License-Identifier: GPL-2.0 */
/* What a keeper is started with. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_ARRIVE_H
#define _LUKEEP_ARRIVE_H

#include "keeper.h"

int arrive_for_systemd(const char *name, const char *conf_dir,
		       const char *run_dir);
int arrive_for_exec(const char *name, const char *conf_dir,
		    const char *run_dir, int listener, int hold);
int arrive_for_early(int listener, int hold, int host);
int arrive_in_keeper(const char *name, const char *conf_dir,
		     const char *run_dir, struct arrival *arrival);

#endif /* _LUKEEP_ARRIVE_H */
