/* SPDX-License-Identifier: GPL-2.0 */
/* What a host lacks for a declaration. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_LACKING_H
#define _LUKEEP_LACKING_H

#include "declaration.h"

int lacking_program(const char *file, const char *key, const char *command);
int lacking(const struct service *svc, const char *file);

#endif /* _LUKEEP_LACKING_H */
