/* SPDX-License-Identifier: GPL-2.0 */
/* Time. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CLOCK_H
#define _LUKEEP_CLOCK_H

#include <time.h>

#define USEC_PER_SEC	1000000ULL

double clock_now(void);
double clock_wall(void);
int clock_go_on(time_t stopped);
void clock_pass(time_t stopped);

#endif /* _LUKEEP_CLOCK_H */
