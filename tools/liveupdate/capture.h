/* SPDX-License-Identifier: GPL-2.0 */
/* Dumping into pipes. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CAPTURE_H
#define _LUKEEP_CAPTURE_H

#include "criu.h"
#include "pages.h"

int capture_run(struct criu_call *call, struct pages *pages, long long *bytes);

#endif /* _LUKEEP_CAPTURE_H */
