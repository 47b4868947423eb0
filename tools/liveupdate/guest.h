/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lukeep-qemu has QEMU do with its guest, grouped under the file that
 * defines it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_GUEST_H
#define _LUKEEP_GUEST_H

#include <stdbool.h>

#include "qmp.h"

/* guest.c */

/* Room for one of QEMU's words for what a guest is doing. */
#define STATUS_MAX	32

bool guest_status(struct qmp *qmp, char *status);
bool guest_runs(const char *status);
int guest_stop(const char *path, int seconds);
int guest_ready(const char *path, int state);

/* guest_state.c */

int guest_save(const char *path, int state);
int guest_load(const char *path, int state);

#endif /* _LUKEEP_GUEST_H */
