/* SPDX-License-Identifier: GPL-2.0 */
/* Time. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CLOCK_H
#define _LUKEEP_CLOCK_H

#include <time.h>

#define USEC_PER_SEC	1000000ULL

/* What is tried again is not waited for any longer. */
#define BACKOFF_MAX	60	/* seconds */

double clock_now(void);
double clock_wall(void);
int clock_go_on(time_t stopped);
int clock_backoff(int failures);
void clock_pass(time_t stopped);

#endif /* _LUKEEP_CLOCK_H */
