/* SPDX-License-Identifier: GPL-2.0 */
/* Opening /dev/liveupdate. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_DEVICE_H
#define _LUKEEP_DEVICE_H

#define LIVEUPDATE_DEVICE	"/dev/liveupdate"

int device_open(void);

#endif /* _LUKEEP_DEVICE_H */
