/* SPDX-License-Identifier: GPL-2.0 */
/* Asking agent and keepers. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CLIENT_H
#define _LUKEEP_CLIENT_H

#include <jansson.h>

#include "options.h"

void client_find_conf_dir(struct options *opt);
int client_update(const struct options *opt, json_t *request);
int client_cancel(const struct options *opt);
int client_reload(const struct options *opt);
int client_stop(const struct options *opt);

#endif /* _LUKEEP_CLIENT_H */
