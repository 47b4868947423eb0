/* SPDX-License-Identifier: GPL-2.0 */
/* The cgroup of a service in the initramfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_EARLY_CGROUP_H
#define _LUKEEP_EARLY_CGROUP_H

int early_cgroup_enter(const char *name);
int early_cgroup_adopt(const char *name);
void early_cgroup_kill(const char *name);

#endif /* _LUKEEP_EARLY_CGROUP_H */
