/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client of QMP, the protocol by which QEMU is told what to do.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_QMP_H
#define _LUKEEP_QMP_H

#include <jansson.h>

int qmp_listen(const char *path);
int qmp_connect(const char *path);
json_t *qmp_execute(int qmp, const char *command, json_t *arguments);
int qmp_do(int qmp, const char *command, json_t *arguments);
int qmp_pass_fd(int qmp, const char *name, int fd);

#endif /* _LUKEEP_QMP_H */
