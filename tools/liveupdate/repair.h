/* SPDX-License-Identifier: GPL-2.0 */
/* What CRIU does not leave as it was. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_REPAIR_H
#define _LUKEEP_REPAIR_H

#include <sys/types.h>

void repair_end(pid_t first);
void repair_timers(pid_t first);

#endif /* _LUKEEP_REPAIR_H */
