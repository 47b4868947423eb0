/* SPDX-License-Identifier: GPL-2.0 */
/* Restoring from pipes. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SERVE_H
#define _LUKEEP_SERVE_H

#include "criu.h"
#include "pages.h"

int serve_check(int dir, const char *name, const struct pages *pages);
int serve_run(struct criu_call *call, const struct pages *pages);

#endif /* _LUKEEP_SERVE_H */
