/* SPDX-License-Identifier: GPL-2.0 */
/* What is done before a service saves. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PREPARE_H
#define _LUKEEP_PREPARE_H

#include "keeper.h"

int prepare_begin(struct keeper *k, const char *verb, const char *command);

#endif /* _LUKEEP_PREPARE_H */
