// SPDX-License-Identifier: GPL-2.0
/*
 * What a service can be doing.
 *
 * It is in one of the states of keeper.h. This is what may follow:
 *
 *	state		service exits		else
 *	DOWN		-			started: STARTING
 *	STARTING	as RUNNING		ready, at once without a ready
 *						command: RUNNING
 *	RUNNING		DOWN, or SAVED if it	told to save: SAVING
 *			can resume again, or
 *			has saved a bit late
 *	SAVING		SAVED, or DOWN if it	save command fails: STARTING;
 *			has not saved		too long: STARTING or LATE;
 *						called off: REVERTING
 *	REVERTING	as SAVING, and then it is started at once
 *	LATE		it is started at once, on what it saved if it has
 *	SAVED		-			resumed: STARTING
 *	HELD		-			tried again: SAVED or LOST
 *	LOST		-			started: STARTING
 *	LEAVING		DOWN			-
 *	STOPPING	the keeper ends		-
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <systemd/sd-daemon.h>

#include "clock.h"
#include "keeper.h"
#include "states.h"
#include "util.h"

static const struct {
	const char *name;
	const char *not_ready;
} states[] = {
	[SERVICE_DOWN] = { "down",
		"it is not running: see what it logged; \"lukeep reload\" starts it again" },
	[SERVICE_STARTING] = { "starting",
		"it is not ready yet: wait until it is, see its ready-command" },
	[SERVICE_RUNNING] = { "running", NULL },
	[SERVICE_SAVING] = { "saving", "it is saving" },
	[SERVICE_REVERTING] = { "saving",
		"it is still saving for an update that was called off: wait until it is back" },
	[SERVICE_LATE] = { "late",
		"it was late the last time, and still saves: wait until it is back" },
	[SERVICE_SAVED] = { "saved",
		"it has not resumed: see what it logged; \"lukeep reload\" has it try again" },
	[SERVICE_HELD] = { "held",
		"what came in for it could not be taken yet: \"lukeep reload\" tries again" },
	[SERVICE_LOST] = { "lost",
		"what it had is lost: \"lukeep reload\" starts it afresh" },
	[SERVICE_LEAVING] = { "stopping", "it is being stopped" },
	[SERVICE_STOPPING] = { "stopping", "it is being stopped" },
};

/* The state's name, for status. */
const char *service_state(const struct keeper *k)
{
	return states[k->state].name;
}

/* What there is to do before there can be an update, NULL if nothing. */
const char *service_why_not_ready(const struct keeper *k)
{
	return states[k->state].not_ready;
}

/* Open as long as other services wait for this one, where systemd does not see to that. */
static int hold = -1;

void service_hold(int fd)
{
	hold = fd;
}

/*
 * Others that wait for this one go on: it is ready, or will not be until somebody
 * does something about it.
 */
void service_wait_no_more(void)
{
	close_fd(&hold);
	sd_notify(0, "READY=1");
}

/* The service does something else from now on. */
void service_enter(struct keeper *k, enum service_state state)
{
	k->state = state;
	k->since = clock_wall();
	sd_notifyf(0, "STATUS=%s", states[state].name);
	if (state == SERVICE_RUNNING || state == SERVICE_HELD ||
	    state == SERVICE_LOST)
		service_wait_no_more();
}
