// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a service: how its keeper starts it, has it save, brings it back
 * to work, and stops it. See states.c for what it can be doing.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "adopt.h"
#include "arrival.h"
#include "child.h"
#include "clock.h"
#include "command.h"
#include "early_retry.h"
#include "launch.h"
#include "memory.h"
#include "message.h"
#include "process.h"
#include "processes.h"
#include "ready.h"
#include "save.h"
#include "service.h"
#include "states.h"
#include "stop.h"
#include "util.h"

/* If the service exits within this after its save command was killed, it has saved. */
#define SAVE_GRACE	5	/* seconds */

static int start(struct keeper *k);

static int on_try_again(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;

	(void)source;
	(void)usec;
	k->timer = sd_event_source_disable_unref(k->timer);
	start(k);
	return 0;
}

static void try_again_later(struct keeper *k)
{
	process_timer(k, &k->timer, clock_backoff(k->failures++),
		      on_try_again);
}

/* Is a service that could not be started to be started again? */
static bool is_tried_again(const struct keeper *k)
{
	return k->svc->restart ||
	       (k->svc->tmpfs.path && tmpfs_is_frozen(&k->svc->tmpfs));
}

/* Nobody but the operator can do anything now. */
static void give_up(struct keeper *k, bool well)
{
	service_enter(k, SERVICE_DOWN);
	if (is_tried_again(k)) {
		try_again_later(k);
		service_wait_no_more();	/* it may take any time */
	} else if (k->unit) {	/* what follows is for systemd to decide */
		sd_event_exit(k->event, !well);
	} else {
		service_wait_no_more();
	}
}

/*
 * Starting.
 */

static int on_exit_of_service(sd_event_source *source, const siginfo_t *si,
			      void *user);

/* Start the service on what it saved. When that fails it stays saved. */
static int resume(struct keeper *k)
{
	int err = launch_on_saved(k, on_exit_of_service);

	if (err && is_tried_again(k))
		try_again_later(k);
	return err;
}

/* Start the service on nothing. */
static int start_afresh(struct keeper *k)
{
	if (!launch_afresh(k, on_exit_of_service))
		return 0;
	give_up(k, false);
	return -1;
}

/*
 * What came in from the previous kernel.
 */

static int give_up_memory(struct keeper *k, const char *why)
{
	arrival_end(k);
	memory_discard(k->svc);
	pr_event(MESSAGE_LOST, "what it had in kernel %s is lost: %s",
		 *k->from ? k->from : "unknown", why);
	if (!k->svc->if_lost_hold)
		return start_afresh(k);
	arrival_hold_lost(k);
	return -1;
}

/* Nothing is lost: the session still has all of it. */
static int hold(struct keeper *k)
{
	service_enter(k, SERVICE_HELD);
	if (arrival_waits(k))
		try_again_later(k);
	return -1;
}

/* Take what the keeper in the previous kernel handed over, and resume. */
static int take_over(struct keeper *k)
{
	const char *why;
	double begin;
	int err;

	switch (arrival_take(k, &why)) {
	case TRANSFER_HELD:
		return hold(k);
	case TRANSFER_LOST:
		return give_up_memory(k, why);
	case TRANSFER_DONE:
		break;
	}
	k->failures = 0;
	service_enter(k, SERVICE_SAVED);
	begin = clock_now();
	err = resume(k);
	if (!err)
		pr_info("update: start the service: %.3f s",
			clock_now() - begin);
	else
		service_wait_no_more();
	arrival_end(k);
	return err;
}

/* Its last keeper was killed when it had been dumped: its images are on a disk. */
static void resume_on_images(struct keeper *k)
{
	pr_info("it has been dumped, and not been restored since: it goes on from there");
	arrival_end(k);
	service_enter(k, SERVICE_SAVED);
	if (resume(k))
		service_wait_no_more();
}

/* Start the service, with what came from the previous kernel if there is any. */
void service_arrive(struct keeper *k)
{
	if (k->arrival.session >= 0)
		take_over(k);
	else if (k->svc->processes.images && memory_is_saved(k->svc))
		resume_on_images(k);
	else if (k->arrival.died)
		give_up_memory(k, "its last keeper was killed as it was held");
	else if (k->arrival.left)
		give_up_memory(k, "nothing came in, or not whole: see above, or KHO: in dmesg");
	else
		start_afresh(k);
}

/* Start a service that does not run, in the way that its state asks for. */
static int start(struct keeper *k)
{
	switch (k->state) {
	case SERVICE_SAVED:
		return resume(k);
	case SERVICE_HELD:
		return take_over(k);
	case SERVICE_DOWN:
	case SERVICE_LOST:
		return start_afresh(k);
	default:
		return 0;
	}
}

/*
 * Go by the declaration as it is @declared now, unless that is NULL, and start the
 * service if it does not run; -1 when that fails. Not while an update is under way.
 */
int service_reload(struct keeper *k, struct service *declared)
{
	if (declared)
		adopt(k, declared);
	k->failures = 0;
	k->insisted = true;
	if (k->pid)
		return 0;
	k->timer = sd_event_source_disable_unref(k->timer);
	return start(k);
}

/*
 * Updates.
 */

/* Its memory can change again, and it can be started. */
static void back_to_work(struct keeper *k)
{
	close_fd(&k->session);
	if (k->state == SERVICE_SAVED)
		resume(k);
	else if (k->state == SERVICE_DOWN && k->by_update)
		start_afresh(k);
	k->done(k, "revert", k->pid && k->state != SERVICE_LATE);
}

static void save_done(struct keeper *k, enum service_state state, bool saved)
{
	bool called_off = k->state == SERVICE_REVERTING;

	k->timer = sd_event_source_disable_unref(k->timer);
	k->by_update = state == SERVICE_SAVED || state == SERVICE_DOWN;
	if (!k->by_update)
		k->told = 0;
	if (state == SERVICE_RUNNING)
		ready_ask(k);
	else
		service_enter(k, state);
	if (called_off)
		back_to_work(k);
	else
		k->done(k, "save", saved);
}

/* The service has exited, and its save command, if it has one. */
static void save_ended(struct keeper *k)
{
	bool saved = k->exited_well && memory_is_saved(k->svc), kept;

	if (k->exited_well && !saved && !k->svc->processes.images)
		pr_err("it saved nothing: is the path of each memfd of kind save the one it writes?");
	/* What is dumped whole is there, even if lukeep-criu was killed then. */
	kept = saved && k->svc->processes.images;
	/* A command that only took too long may have had it save all the same. */
	if (k->svc->save_command && !k->save_succeeded && !k->overdue)
		saved = false;
	save_done(k, saved || kept || save_left_all(k) ? SERVICE_SAVED :
							 SERVICE_DOWN, saved);
}

static int on_exit_of_save(sd_event_source *source, const siginfo_t *si,
			   void *user)
{
	struct keeper *k = user;

	process_ended(source);
	k->save_pid = 0;
	if (!child_succeeded(si)) {
		pr_err("its save command %s: see what it logged",
		       child_status(si));
		save_say_why(k);
	}
	k->save_succeeded = save_take(k, child_succeeded(si));
	if (k->state != SERVICE_SAVING && k->state != SERVICE_REVERTING)
		return 0;
	if (!k->pid)
		save_ended(k);
	else if (!k->save_succeeded)
		save_done(k, SERVICE_RUNNING, false);
	return 0;
}

static int on_save_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;
	bool works = k->svc->save_command && !k->save_succeeded;

	(void)source;
	(void)usec;
	pr_err("it has not saved and exited within %d s: give it more with save-timeout",
	       k->svc->save_timeout);
	if (k->save_pid) {
		k->overdue = clock_now();
		save_kill(k);
	}
	if (k->pid)
		save_done(k, works ? SERVICE_RUNNING : SERVICE_LATE, false);
	return 0;
}

/* Have the service save and exit. */
void service_save(struct keeper *k)
{
	double told = clock_wall();

	if (save_prepare(k) || save_tell(k, on_exit_of_save)) {
		k->done(k, "save", false);
		return;
	}
	k->told = told;
	k->was_told = true;
	k->save_succeeded = false;
	k->overdue = 0;
	service_enter(k, SERVICE_SAVING);
	process_timer(k, &k->timer, k->svc->save_timeout, on_save_timeout);
}

/* The update is called off: the service works on, or again. */
void service_revert(struct keeper *k)
{
	switch (k->state) {
	case SERVICE_SAVING:
		service_enter(k, SERVICE_REVERTING);
		close_fd(&k->session);
		break;
	case SERVICE_LEAVING:
		k->by_update = true;	/* as soon as it has exited */
		break;
	case SERVICE_REVERTING:
	case SERVICE_STOPPING:
		break;
	default:
		back_to_work(k);
	}
}

/*
 * Exits.
 */

/* In the initramfs. The host starts it afresh, if that is to be. */
static void lose(struct keeper *k)
{
	early_retry_say_lost(k->from);
	service_wait_no_more();
	if (k->svc->if_lost_hold)
		arrival_hold_lost(k);
	else
		service_enter(k, SERVICE_DOWN);
}

static void exited_unasked(struct keeper *k)
{
	bool retry = launch_can_retry(k);

	if (clock_wall() - k->since > BACKOFF_MAX)
		k->failures = 0;
	if (retry) {
		service_enter(k, SERVICE_SAVED);
		service_wait_no_more();
		pr_err("it did not get as far as to resume, and keeps what it had: see what it logged; \"lukeep reload\" has it try again");
	}
	/* What is preserved is not its memory any more: the update will fail. */
	if (k->owned) {
		k->by_update = true;
		if (!retry)
			service_enter(k, SERVICE_DOWN);
	} else if (!retry && k->resumed && k->host >= 0) {
		lose(k);
	} else if (!retry) {
		give_up(k, k->exited_well);
	} else if (k->svc->restart) {
		try_again_later(k);
	}
}

/* It goes back to work, unless there is another update by now. */
static void exited_late(struct keeper *k)
{
	bool kept = (k->exited_well && memory_is_saved(k->svc)) ||
		    save_left_all(k);

	service_enter(k, kept ? SERVICE_SAVED : SERVICE_DOWN);
	k->by_update = k->owned;
	if (!k->owned)
		start(k);
}

/* It may have been told to save by a command that was killed then. */
static void exited_running(struct keeper *k)
{
	if (k->overdue && k->exited_well && memory_is_saved(k->svc)) {
		if (clock_now() - k->overdue < SAVE_GRACE) {
			exited_late(k);
			return;
		}
		pr_warn("what it has saved is not used: its save command was killed more than %d s before; give it more time with save-timeout",
			SAVE_GRACE);
	}
	exited_unasked(k);
}

static void has_left(struct keeper *k)
{
	bool called_off = k->by_update;

	k->timer = sd_event_source_disable_unref(k->timer);
	service_enter(k, SERVICE_DOWN);
	k->by_update = true;
	if (called_off)
		back_to_work(k);
	else
		k->done(k, "leave", true);
}

static void say_exited(const struct keeper *k, const siginfo_t *si)
{
	if (k->state != SERVICE_STARTING && k->state != SERVICE_RUNNING)
		pr_info("the service %s", child_status(si));
	else if (k->exited_well)
		pr_err("the service %s, and was not told to: it must not go into the background",
		       child_status(si));
	else
		pr_err("the service %s", child_status(si));
}

static int on_exit_of_service(sd_event_source *source, const siginfo_t *si,
			      void *user)
{
	struct keeper *k = user;
	bool asked = k->state == SERVICE_SAVING ||
		     k->state == SERVICE_REVERTING;

	process_ended(source);
	ready_end(k);
	if (!asked && k->state != SERVICE_LATE)
		command_kill(k->pid);	/* what it has left behind */
	k->pid = 0;
	k->stopped = time(NULL);
	k->exited_well = child_succeeded(si);
	k->never_ran = k->host >= 0 && child_lacked_library(si);
	k->crashed = si->si_code != CLD_EXITED &&
		     si->si_status != k->svc->save_signal;
	if (!asked || !k->exited_well)
		say_exited(k, si);

	switch (k->state) {
	case SERVICE_SAVING:
	case SERVICE_REVERTING:
		if (!k->save_pid)
			save_ended(k);
		break;
	case SERVICE_LATE:
		exited_late(k);
		break;
	case SERVICE_STARTING:
	case SERVICE_RUNNING:
		exited_running(k);
		break;
	case SERVICE_LEAVING:
		has_left(k);
		break;
	case SERVICE_STOPPING:
		sd_event_exit(k->event, 0);
		break;
	default:
		exited_unasked(k);
	}
	return 0;
}

/* An update goes on without it. */
void service_leave(struct keeper *k)
{
	if (k->state == SERVICE_STOPPING)
		return;		/* the keeper's end tells as well */
	close_fd(&k->session);
	if (k->pid) {
		stop_begin(k, SERVICE_LEAVING);
		return;
	}
	if (k->state == SERVICE_DOWN && k->timer) {
		k->timer = sd_event_source_disable_unref(k->timer);
		k->by_update = true;
	}
	k->done(k, "leave", true);
}

/* Stop the service for good; then its keeper ends. */
void service_stop(struct keeper *k)
{
	close_fd(&k->session);
	if (k->state == SERVICE_STOPPING)
		return;
	arrival_give_up(k);
	processes_give_up(&k->svc->processes);
	if (k->pid) {
		stop_begin(k, SERVICE_STOPPING);
	} else {
		service_enter(k, SERVICE_STOPPING);
		sd_event_exit(k->event, 0);
	}
}
