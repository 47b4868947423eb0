/* SPDX-License-Identifier: GPL-2.0 */
/* Windows of TCP connections that do not scale. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_WINDOW_H
#define _LUKEEP_WINDOW_H

#include <stdbool.h>

bool window_begin(int dir, const char *dump);
void window_end(bool begun);

#endif /* _LUKEEP_WINDOW_H */
