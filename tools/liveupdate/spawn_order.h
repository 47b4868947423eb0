/* SPDX-License-Identifier: GPL-2.0 */
/* Starting keepers in the order of services. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SPAWN_ORDER_H
#define _LUKEEP_SPAWN_ORDER_H

#include <stdbool.h>

#include "links.h"

void spawn_in_order(const struct links *links, bool early);

#endif /* _LUKEEP_SPAWN_ORDER_H */
