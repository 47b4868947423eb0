/* SPDX-License-Identifier: GPL-2.0 */
/* The root of a service in the initramfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_EARLY_ROOT_H
#define _LUKEEP_EARLY_ROOT_H

int early_root_enter(const char *run_dir);
int early_root_leave(int host);

#endif /* _LUKEEP_EARLY_ROOT_H */
