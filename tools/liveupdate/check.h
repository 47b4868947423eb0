/* SPDX-License-Identifier: GPL-2.0 */
/* Checking declarations. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CHECK_H
#define _LUKEEP_CHECK_H

#include "options.h"

int check_run(const struct options *opt);

#endif /* _LUKEEP_CHECK_H */
