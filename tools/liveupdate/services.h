/* SPDX-License-Identifier: GPL-2.0 */
/* Which services come along. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SERVICES_H
#define _LUKEEP_SERVICES_H

#include "links.h"
#include "request.h"

int services_check(struct links *links, const struct request *request);
bool services_is_as_declared(const struct link *link, const json_t *was);
bool services_leave_any(const struct links *links);
int services_create_sessions(struct links *links);
int services_time(const struct links *links);

#endif /* _LUKEEP_SERVICES_H */
