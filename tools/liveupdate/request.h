/* SPDX-License-Identifier: GPL-2.0 */
/* What "lukeep update" asks for. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_REQUEST_H
#define _LUKEEP_REQUEST_H

#include <stdbool.h>

#include <jansson.h>

#include "kexec.h"

/**
 * struct request - what "lukeep update" asks for
 * @next:	the next kernel
 * @dry_run:	end when it is loaded, and unload it
 * @now:	do not have systemd shut the system down
 * @max_pause:	seconds that services may be away before the jump, 0 for any
 * @without:	services that are left out
 * @nr_without: number of entries in @without
 */
struct request {
	struct next_kernel next;
	bool dry_run;
	bool now;
	int max_pause;
	char **without;
	int nr_without;
};

int request_read(struct request *request, json_t *json);
void request_free(struct request *request);

#endif /* _LUKEEP_REQUEST_H */
