/* SPDX-License-Identifier: GPL-2.0 */
/* Resuming services in the initramfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_EARLY_H
#define _LUKEEP_EARLY_H

#include "options.h"

int early_run(const struct options *opt);

#endif /* _LUKEEP_EARLY_H */
