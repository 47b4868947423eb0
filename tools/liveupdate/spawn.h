/* SPDX-License-Identifier: GPL-2.0 */
/* Starting keepers. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SPAWN_H
#define _LUKEEP_SPAWN_H

int spawn_keeper(const char *name, const char *conf_dir, const char *run_dir);

#endif /* _LUKEEP_SPAWN_H */
