/* SPDX-License-Identifier: GPL-2.0 */
/* lukeep reload. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_RELOAD_H
#define _LUKEEP_RELOAD_H

#include "options.h"

int reload_run(const struct options *opt);

#endif /* _LUKEEP_RELOAD_H */
