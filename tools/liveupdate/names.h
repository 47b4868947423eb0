/* SPDX-License-Identifier: GPL-2.0 */
/* The files of a folder. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_NAMES_H
#define _LUKEEP_NAMES_H

int names_find(const char *dir, const char *suffix,
	       void (*found)(void *user, const char *name), void *user);

#endif /* _LUKEEP_NAMES_H */
