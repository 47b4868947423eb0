// SPDX-License-Identifier: GPL-2.0
/*
 * What "lukeep update" asks for, as the agent gets it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdlib.h>
#include <string.h>

#include "kexec_cmdline.h"
#include "message.h"
#include "request.h"

static int read_without(struct request *request, json_t *without)
{
	json_t *name;
	size_t i;

	request->without = calloc(json_array_size(without) + 1,
				  sizeof(*request->without));
	if (!request->without)
		return -1;
	json_array_foreach(without, i, name) {
		if (!json_is_string(name))
			return -1;
		request->without[i] = strdup(json_string_value(name));
		if (!request->without[i])
			return -1;
		request->nr_without++;
	}
	return 0;
}

/* Read it. After a failure, which is said, it can be freed as well. */
int request_read(struct request *request, json_t *json)
{
	const char *kernel, *initrd = NULL, *append = NULL;
	int reuse = 0, dry_run = 0, now = 0;
	json_t *without = NULL;

	if (json_unpack(json, "{ss s?s s?s s?b s?b s?b s?i s?o}",
			"kernel", &kernel, "initrd", &initrd,
			"append", &append, "reuse", &reuse,
			"dry-run", &dry_run, "now", &now,
			"max-pause", &request->max_pause,
			"without", &without)) {
		pr_err("use the same lukeep for both sides");
		return -1;
	}
	request->dry_run = dry_run;
	request->now = now;
	request->next.kernel = strdup(kernel);
	request->next.initrd = initrd ? strdup(initrd) : NULL;
	request->next.cmdline = kexec_cmdline(reuse, append);
	if (!request->next.cmdline)
		return -1;	/* which has been said */
	if (!initrd)
		pr_warn("update: the next kernel gets no initramfs: give one with --initrd, unless the kernel finds its root file system by itself");
	if (!read_without(request, without) && request->next.kernel &&
	    (request->next.initrd || !initrd))
		return 0;
	pr_err("the request cannot be read: free some memory, and use the same lukeep on both sides");
	return -1;
}

void request_free(struct request *request)
{
	int i;

	next_kernel_free(&request->next);
	for (i = 0; i < request->nr_without; i++)
		free(request->without[i]);
	free(request->without);
	*request = (struct request){ };
}
