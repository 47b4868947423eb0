/* SPDX-License-Identifier: GPL-2.0 */
/* Services that exit in the initramfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_EARLY_RETRY_H
#define _LUKEEP_EARLY_RETRY_H

#include "declaration.h"

int early_retry_check(const struct service *svc, const char *file);
void early_retry_say_lost(const char *from);

#endif /* _LUKEEP_EARLY_RETRY_H */
