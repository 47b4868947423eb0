/* SPDX-License-Identifier: GPL-2.0 */
/* Windows of TCP connections that do not scale. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_WINDOW_H
#define _LUKEEP_WINDOW_H

void window_mend(int dir, const char *dump);

#endif /* _LUKEEP_WINDOW_H */
