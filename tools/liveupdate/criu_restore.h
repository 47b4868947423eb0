/* SPDX-License-Identifier: GPL-2.0 */
/* Restoring a service by CRIU. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CRIU_RESTORE_H
#define _LUKEEP_CRIU_RESTORE_H

#include <stdbool.h>

#include "images.h"
#include "pages.h"

int restore_service(const struct folder *f, bool lazily, struct pages *pages);
void restore_forget(const struct folder *f);

#endif /* _LUKEEP_CRIU_RESTORE_H */
