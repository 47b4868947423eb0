/* SPDX-License-Identifier: GPL-2.0 */
/* Memfds into a session, and out of one. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_TRANSFER_H
#define _LUKEEP_TRANSFER_H

#include <stdbool.h>

#include "declaration.h"
#include "state.h"

/**
 * enum transfer - how it went to take what came in
 * @TRANSFER_DONE: the memfds are there
 * @TRANSFER_HELD: not now, but nothing is lost
 * @TRANSFER_LOST: some of it is not there, and will not be
 */
enum transfer {
	TRANSFER_DONE,
	TRANSFER_HELD,
	TRANSFER_LOST,
};

int transfer_out(const struct service *svc, int session, enum memfd_kind kind);
int transfer_out_pages(const struct service *svc, int session);
int transfer_out_state(const struct service *svc, const char *run_dir,
		       int session, time_t stopped, double told);
enum transfer transfer_in(struct service *svc, int session,
			  const struct state *state, bool insisted);

#endif /* _LUKEEP_TRANSFER_H */
