/* SPDX-License-Identifier: GPL-2.0 */
/* Declarations that have changed. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_ADOPT_H
#define _LUKEEP_ADOPT_H

#include "keeper.h"

void adopt(struct keeper *k, struct service *declared);

#endif /* _LUKEEP_ADOPT_H */
