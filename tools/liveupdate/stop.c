// SPDX-License-Identifier: GPL-2.0
/*
 * Stopping a service: it is told to exit, and killed when it does not.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <signal.h>

#include "child.h"
#include "command.h"
#include "message.h"
#include "process.h"
#include "states.h"
#include "stop.h"

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;

	(void)source;
	(void)usec;
	pr_err("it has not exited within %d s: killed; give it more with stop-timeout",
	       k->svc->stop_timeout);
	if (k->stop_pid)
		command_kill(k->stop_pid);
	command_kill(k->pid);
	return 0;
}

/* By now the service may be another one, which is not to be stopped. */
static int on_exit_of_stop(sd_event_source *source, const siginfo_t *si,
			   void *user)
{
	struct keeper *k = user;
	bool stops = k->state == SERVICE_LEAVING ||
		     k->state == SERVICE_STOPPING;

	process_ended(source);
	if (si->si_pid != k->stop_pid)
		return 0;
	k->stop_pid = 0;
	if (child_succeeded(si) || !k->pid || !stops)
		return 0;
	pr_err("its stop command %s: it gets SIGTERM", child_status(si));
	kill(k->pid, SIGTERM);
	return 0;
}

/* Tell the service to exit, in its own manner if it has one. */
void stop_begin(struct keeper *k, enum service_state state)
{
	bool told = k->state == SERVICE_LEAVING && k->stop_pid;

	service_enter(k, state);
	process_timer(k, &k->timer, k->svc->stop_timeout, on_stop_timeout);
	if (told)
		return;
	if (k->stop_pid)	/* from when it was another process */
		command_kill(k->stop_pid);
	k->stop_pid = 0;
	if (k->svc->stop_command)
		k->stop_pid = process_start(k, k->svc->stop_command, false,
					    on_exit_of_stop);
	if (!k->stop_pid)
		kill(k->pid, SIGTERM);
}
