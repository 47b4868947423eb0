/* SPDX-License-Identifier: GPL-2.0 */
/* A keeper as a process. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_KEEP_H
#define _LUKEEP_KEEP_H

int keeper_run(const char *name, const char *conf_dir, const char *run_dir);

#endif /* _LUKEEP_KEEP_H */
