/* SPDX-License-Identifier: GPL-2.0 */
/* The network in the initramfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_BRIDGE_H
#define _LUKEEP_BRIDGE_H

void bridge_loopback(void);
int bridge_set_up(const char *words);

#endif /* _LUKEEP_BRIDGE_H */
