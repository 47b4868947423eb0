// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of a QEMU: what it is doing.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "message.h"

/* What the guest is doing, in QEMU's words; false if that cannot be had. */
bool guest_status(struct qmp *qmp, char *status)
{
	json_t *value = qmp_execute(qmp, "query-status", NULL);
	const char *word;
	bool known;

	known = !json_unpack(value, "{ss}", "status", &word);
	if (known)
		snprintf(status, STATUS_MAX, "%s", word);
	else if (value)
		pr_err("QEMU does not tell the guest's status");
	json_decref(value);
	return known;
}

/* A guest that has suspended itself wakes up by itself. */
bool guest_runs(const char *status)
{
	return !strcmp(status, "running") || !strcmp(status, "suspended");
}
