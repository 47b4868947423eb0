/* SPDX-License-Identifier: GPL-2.0 */
/* The agent. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_AGENT_H
#define _LUKEEP_AGENT_H

#include "options.h"

int agent_run(const struct options *opt);

#endif /* _LUKEEP_AGENT_H */
