/* SPDX-License-Identifier: GPL-2.0 */
/* What the services are doing. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_STATUS_H
#define _LUKEEP_STATUS_H

#include <stdbool.h>

#include <jansson.h>

#include "options.h"

json_t *status_of_services(const char *conf_dir, const char *run_dir);
bool status_is_settled(const json_t *services);
int status_show(const struct options *opt);

#endif /* _LUKEEP_STATUS_H */
