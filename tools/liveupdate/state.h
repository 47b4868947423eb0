/* SPDX-License-Identifier: GPL-2.0 */
/* What a keeper tells its successor. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_STATE_H
#define _LUKEEP_STATE_H

#include <time.h>

#include <jansson.h>

#include "declaration.h"
#include "util.h"

/**
 * struct state - what a keeper tells its successor in the next kernel
 * @release:	 kernel that was left
 * @stopped:	 wall-clock second at or before which the service exited
 * @told:	 wall-clock time when it was told to save, 0 if not known
 * @memfds:	 token in the session by name of the memfd
 * @pages:	 how many pipes there are
 * @declaration: what the service was started with, NULL from an older lukeep
 * @folder:	 whose folder it had, NULL if not known
 */
struct state {
	char release[RELEASE_MAX];
	time_t stopped;
	double told;
	json_t *memfds;
	int pages;
	json_t *declaration;
	json_t *folder;
};

int state_write(const struct service *svc, const char *run_dir, time_t stopped,
		double told);
int state_read(struct state *state, int fd);
void state_free(struct state *state);

#endif /* _LUKEEP_STATE_H */
