/* SPDX-License-Identifier: GPL-2.0 */
/* The mark in a session that it is ours. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_BEGUN_H
#define _LUKEEP_BEGUN_H

int begun_mark(int session);
int begun_check(int session);

#endif /* _LUKEEP_BEGUN_H */
