// SPDX-License-Identifier: GPL-2.0
/*
 * A declaration that has changed while the service it declares is kept.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <string.h>

#include "adopt.h"
#include "memory.h"
#include "message.h"

static void swap(char **a, char **b)
{
	char *tmp = *a;

	*a = *b;
	*b = tmp;
}

/*
 * The service has its memfds as it found them when it was started, but what it
 * is told from here on can be another.
 */
static void adopt_settings(struct service *svc, struct service *declared)
{
	swap(&svc->start, &declared->start);
	swap(&svc->resume, &declared->resume);
	swap(&svc->save_command, &declared->save_command);
	swap(&svc->stop_command, &declared->stop_command);
	swap(&svc->ready_command, &declared->ready_command);
	swap(&svc->processes.check, &declared->processes.check);
	swap(&svc->processes.predump, &declared->processes.predump);
	svc->processes.pipes = declared->processes.pipes;
	svc->save_signal = declared->save_signal;
	svc->save_timeout = declared->save_timeout;
	svc->stop_timeout = declared->stop_timeout;
	svc->restart = declared->restart;
	svc->retry = declared->retry;
	svc->if_lost_hold = declared->if_lost_hold;
	svc->clock = declared->clock;
}

/* A service that is not running has its memfds by name; are they the same? */
static bool take_memfds(struct service *svc, struct service *declared)
{
	int from[LUKEEP_MAX_MEMFDS], i, j;

	if (svc->nr_memfds != declared->nr_memfds)
		return false;
	for (i = 0; i < declared->nr_memfds; i++) {
		for (j = 0; j < svc->nr_memfds; j++) {
			if (!strcmp(declared->memfd[i].name,
				    svc->memfd[j].name))
				break;
		}
		if (j == svc->nr_memfds)
			return false;
		from[i] = j;
	}
	for (i = 0; i < declared->nr_memfds; i++) {
		declared->memfd[i].fd = svc->memfd[from[i]].fd;
		svc->memfd[from[i]].fd = -1;
	}
	declared->pages = svc->pages;
	pages_init(&svc->pages);
	return true;
}

static void replace(struct keeper *k, struct service *declared)
{
	memory_discard(k->svc);
	declaration_free(k->svc);
	k->svc = declared;
}

/*
 * Go by the declaration as it is @declared now, as far as a service that runs, or
 * has saved, can.
 */
void adopt(struct keeper *k, struct service *declared)
{
	json_t *was = declaration_pack(k->svc);
	char what[256] = "";

	if (k->state == SERVICE_DOWN || k->state == SERVICE_HELD ||
	    k->state == SERVICE_LOST) {
		replace(k, declared);
	} else if (k->state == SERVICE_SAVED && take_memfds(k->svc, declared)) {
		replace(k, declared);
	} else if (k->pid && declaration_compare(declared, was, what,
						 sizeof(what)) >= 0) {
		/* A memfd or a tmpfs of another size, or of other pages. */
		if (!strncmp(what, "memfd ", strlen("memfd ")) ||
		    !strncmp(what, "its tmpfs ", strlen("its tmpfs ")))
			pr_warn("its declaration has changed: %s; that takes effect when it is started afresh",
				what);
		adopt_settings(k->svc, declared);
		declaration_free(declared);
	} else {
		pr_warn("its declaration has changed: %s; that takes effect when it is started afresh, and until then there is no update with it",
			*what ? what : "it has other memfds");
		declaration_free(declared);
	}
	json_decref(was);
}
