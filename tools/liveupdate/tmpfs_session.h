/* SPDX-License-Identifier: GPL-2.0 */
/* A tmpfs into a session, and out of one. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_TMPFS_SESSION_H
#define _LUKEEP_TMPFS_SESSION_H

#include "tmpfs.h"

int tmpfs_check_kernel(void);
int tmpfs_preserve(const struct tmpfs *t, int session, __u64 token);
int tmpfs_retrieve(const struct tmpfs *t, int session, __u64 token);

#endif /* _LUKEEP_TMPFS_SESSION_H */
