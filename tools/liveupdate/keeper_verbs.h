/* SPDX-License-Identifier: GPL-2.0 */
/* What a keeper can be asked for. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_KEEPER_VERBS_H
#define _LUKEEP_KEEPER_VERBS_H

#include "keeper.h"
#include "server.h"

struct server *keeper_serve(struct keeper *k, int listener);
int keeper_reload(struct keeper *k);

#endif /* _LUKEEP_KEEPER_VERBS_H */
