/* SPDX-License-Identifier: GPL-2.0 */
/* The tmpfs of services in an update. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_TMPFS_UPDATE_H
#define _LUKEEP_TMPFS_UPDATE_H

#include "links.h"

int tmpfs_update_check(const struct links *links);
int tmpfs_update_preserve(struct links *links);
void tmpfs_update_revert(struct link *link);
void tmpfs_update_forget(const char *run_dir);

#endif /* _LUKEEP_TMPFS_UPDATE_H */
