/* SPDX-License-Identifier: GPL-2.0 */
/* What a keeper is given. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_GIVEN_H
#define _LUKEEP_GIVEN_H

#include "keeper.h"

int given_receive(struct keeper *k);

#endif /* _LUKEEP_GIVEN_H */
