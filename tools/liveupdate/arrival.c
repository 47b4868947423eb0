// SPDX-License-Identifier: GPL-2.0
/*
 * What came in for a service from the previous kernel, and is its keeper's to take.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "arrival.h"
#include "clock.h"
#include "memory.h"
#include "message.h"
#include "packet.h"
#include "session.h"
#include "state.h"
#include "states.h"
#include "util.h"

#define BARRIER_USEC	5000000

/*
 * From here on the next keeper does not get it, should this one be killed: not the
 * memory on which the service works.
 */
static void forget(const struct keeper *k)
{
	static const char * const stored[] = {
		"session", "state", "left", "died",
	};
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stored); i++)
		sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", stored[i]);
	if (k->unit)
		return;
	snprintf(path, sizeof(path), "%s/%s" HELD_SUFFIX, k->run_dir, k->name);
	unlink(path);
}

/* All of it has been taken, or what is left is of no use. */
void arrival_end(struct keeper *k)
{
	if (k->arrival.session >= 0)
		session_finish(k->arrival.session);
	close_fd(&k->arrival.session);
	close_fd(&k->arrival.state);
	k->arrival.left = false;
	k->arrival.died = false;
	forget(k);
}

/* The service is stopped before what came in could be taken. */
void arrival_give_up(struct keeper *k)
{
	if (k->arrival.session < 0)
		return;
	pr_warn("it is stopped: what came in for it is given up");
	arrival_end(k);
	sd_notify_barrier(0, BARRIER_USEC);
}

/* It cannot be taken now, which is said; can it be later? */
bool arrival_waits(const struct keeper *k)
{
	if (k->arrival.state < 0) {
		pr_err("a session of this name came in, but nothing of lukeep is in it: it is left alone, and the service is not started: rename the service, or stop it, which gives the session up, and start it");
		return false;
	}
	pr_err("what it had is still there, and is held: \"lukeep reload\" tries again with the declaration as it is then; to give it up, stop the service and start it");
	return true;
}

/* Take the memfds, and what else is to be known. @why is said when all is lost. */
enum transfer arrival_take(struct keeper *k, const char **why)
{
	double begin = clock_now();
	enum transfer ret;
	struct state state;

	if (k->arrival.state < 0 || state_read(&state, k->arrival.state))
		return TRANSFER_HELD;
	ret = transfer_in(k->svc, k->arrival.session, &state, k->insisted);
	k->stopped = state.stopped;
	k->told = state.told;
	memcpy(k->from, state.release, sizeof(k->from));
	state_free(&state);
	*why = "it came in, but not whole; \"dmesg | grep -e KHO: -e luo:\" says more";
	if (ret == TRANSFER_DONE && !memory_is_saved(k->svc)) {
		*why = "it came in, but a memfd that the service saved is empty";
		ret = TRANSFER_LOST;
	}
	if (ret == TRANSFER_DONE) {
		forget(k);
		pr_info("update: retrieve the memory: %.3f s",
			clock_now() - begin);
	}
	return ret;
}

/* It is lost, and nobody starts the service afresh without being told to. */
void arrival_hold_lost(struct keeper *k)
{
	service_enter(k, SERVICE_LOST);
	pr_err("it is not started, since it is declared with if-lost = hold: \"lukeep reload\" starts it afresh");
}
