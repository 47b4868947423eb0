/* SPDX-License-Identifier: GPL-2.0 */
/* What has peers wait for a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_NETLOCK_H
#define _LUKEEP_NETLOCK_H

#include <sys/types.h>

int netlock_begin(int dir, const char *name, pid_t first);
int netlock_save(int dir, const char *dump);
int netlock_load(int dir);
void netlock_end(int dir);

#endif /* _LUKEEP_NETLOCK_H */
