/* SPDX-License-Identifier: GPL-2.0 */
/* Will the next kernel have a service's files? Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PREFLIGHT_H
#define _LUKEEP_PREFLIGHT_H

#include <sys/types.h>

int preflight_peers(pid_t first);
int preflight(pid_t first, const char *images, char *const preserved[]);

#endif /* _LUKEEP_PREFLIGHT_H */
