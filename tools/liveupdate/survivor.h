/* SPDX-License-Identifier: GPL-2.0 */
/* Living through a shutdown. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SURVIVOR_H
#define _LUKEEP_SURVIVOR_H

/* A process so named is spared when systemd kills all others at the end. */
#define SURVIVOR_NAME	"@lukeep"

#endif /* _LUKEEP_SURVIVOR_H */
