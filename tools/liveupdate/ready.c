// SPDX-License-Identifier: GPL-2.0
/*
 * When a service that has been started, or works on, is ready: at once, or when its
 * ready command says so.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "child.h"
#include "clock.h"
#include "command.h"
#include "message.h"
#include "process.h"
#include "ready.h"
#include "states.h"

/* In seconds; one that takes longer has lost its way, or its service has. */
#define READY_PAUSE	1
#define READY_TIMEOUT	60

static void became_ready(struct keeper *k)
{
	service_enter(k, SERVICE_RUNNING);
	pages_drop(&k->svc->pages);	/* it has what was in there */
	if (k->asked_again)
		return;
	message_forget_error();
	if (!k->resumed) {
		pr_info("at work, started afresh (pid %d)", k->pid);
		return;
	}
	if (k->told)
		k->pause = clock_wall() - k->told;
	k->told = 0;
	pr_event(MESSAGE_RESUMED,
		 "at work with what it had (pid %d), after a pause of %.3f s",
		 k->pid, k->pause);
}

static int on_ask_again(struct sd_event_source *source, uint64_t usec,
			void *user);

static int on_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;

	(void)source;
	(void)usec;
	pr_warn("its ready-command has not exited within %d s: killed, and run again",
		READY_TIMEOUT);
	command_kill(k->ready_pid);
	return 0;
}

/* What one says of a process that is gone does not hold for the next one. */
static int on_exit_of_ready(sd_event_source *source, const siginfo_t *si,
			    void *user)
{
	struct keeper *k = user;

	process_ended(source);
	if (si->si_pid != k->ready_pid)
		return 0;
	k->ready_pid = 0;
	k->ready_timer = sd_event_source_disable_unref(k->ready_timer);
	if (k->state != SERVICE_STARTING)
		return 0;
	if (child_succeeded(si))
		became_ready(k);
	else
		process_timer(k, &k->ready_timer, READY_PAUSE, on_ask_again);
	return 0;
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;

	(void)source;
	(void)usec;
	k->ready_timer = sd_event_source_disable_unref(k->ready_timer);
	if (k->state != SERVICE_STARTING)
		return 0;
	if (!k->svc->ready_command) {	/* it is declared no more */
		became_ready(k);
		return 0;
	}
	k->ready_pid = process_start(k, k->svc->ready_command, false,
				     on_exit_of_ready);
	if (k->ready_pid)
		process_timer(k, &k->ready_timer, READY_TIMEOUT, on_timeout);
	else
		process_timer(k, &k->ready_timer, READY_PAUSE, on_ask_again);
	return 0;
}

static void begin(struct keeper *k, bool again)
{
	k->asked_again = again;
	if (!k->svc->ready_command) {
		became_ready(k);
		return;
	}
	service_enter(k, SERVICE_STARTING);
	on_ask_again(NULL, 0, k);
}

/* The service has been started: it is running as soon as it is ready. */
void ready_begin(struct keeper *k)
{
	begin(k, false);
}

/* It has not saved, and works on: as soon as it is ready, it is running again. */
void ready_ask(struct keeper *k)
{
	begin(k, true);
}

/* The service has exited: nobody waits for it to be ready any more. */
void ready_end(struct keeper *k)
{
	k->ready_timer = sd_event_source_disable_unref(k->ready_timer);
	if (k->ready_pid)
		command_kill(k->ready_pid);
	k->ready_pid = 0;
}
