/* SPDX-License-Identifier: GPL-2.0 */
/* What a keeper is started with. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_ARRIVE_H
#define _LUKEEP_ARRIVE_H

int arrive_for_systemd(const char *name, const char *conf_dir,
		       const char *run_dir);
int arrive_for_exec(const char *name, const char *conf_dir,
		    const char *run_dir, int listener, int hold);

#endif /* _LUKEEP_ARRIVE_H */
