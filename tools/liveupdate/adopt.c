// SPDX-License-Identifier: GPL-2.0
/*
 * A declaration that has changed while the service it declares is kept.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "adopt.h"
#include "memory.h"
#include "message.h"

#define SWAP(a, b) do {				\
	__typeof__(a) tmp = (a);		\
						\
	(a) = (b);				\
	(b) = tmp;				\
} while (0)

/*
 * The service has its memfds as it found them when it was started, but what it
 * is told from here on can be another.
 */
static void adopt_settings(struct service *svc, struct service *declared)
{
	SWAP(svc->start, declared->start);
	SWAP(svc->resume, declared->resume);
	SWAP(svc->save_command, declared->save_command);
	SWAP(svc->stop_command, declared->stop_command);
	SWAP(svc->ready_command, declared->ready_command);
	svc->save_signal = declared->save_signal;
	svc->save_timeout = declared->save_timeout;
	svc->stop_timeout = declared->stop_timeout;
	svc->restart = declared->restart;
	svc->retry = declared->retry;
	svc->if_lost_hold = declared->if_lost_hold;
	svc->clock = declared->clock;
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
		SWAP(k->svc, declared);
		memory_discard(declared);
	} else if (declaration_compare(declared, was, what, sizeof(what)) < 0) {
		pr_warn("its declaration has changed: %s; that takes effect when it is started afresh, and until then there is no update with it",
			what);
	} else {
		adopt_settings(k->svc, declared);
	}
	json_decref(was);
	declaration_free(declared);
}
