/* SPDX-License-Identifier: GPL-2.0 */
/* Who keeps a mount from being read-only. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_OPENERS_H
#define _LUKEEP_OPENERS_H

/* Room for what is said about it. */
#define OPENERS_WHO	640

const char *openers_find(const char *path, char who[OPENERS_WHO]);

#endif /* _LUKEEP_OPENERS_H */
