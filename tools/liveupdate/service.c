// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a service: how its keeper starts it, has it save, brings it back
 * to work, and stops it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lukeep.h"

#define RESTART_PAUSE	1	/* seconds */

static void close_session(struct keeper *k)
{
	if (k->session >= 0)
		close(k->session);
	k->session = -1;
}

static void set_timer(struct keeper *k, int seconds,
		      sd_event_time_handler_t handler)
{
	uint64_t usec = seconds * USEC_PER_SEC;

	k->timer = sd_event_source_disable_unref(k->timer);
	if (sd_event_add_time_relative(k->event, &k->timer, CLOCK_MONOTONIC,
				       usec, 0, handler, k) < 0)
		pr_err("cannot set a timer: free some memory");
}

static int on_exit_of_service(struct sd_event_source *source,
			      const siginfo_t *si, void *user);

/* Run the service. When that fails its state is what it was. */
static int launch(struct keeper *k, const char *command)
{
	sd_event_source *source;
	pid_t pid;

	pid = command_start(command, k->svc);
	if (pid < 0)
		return -1;
	if (sd_event_add_child(k->event, &source, pid, WEXITED,
			       on_exit_of_service, k) < 0) {
		pr_err("cannot watch the service: free some memory");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	k->timer = sd_event_source_disable_unref(k->timer);
	k->pid = pid;
	k->state = SERVICE_RUNNING;
	k->told_to_save = false;
	return 0;
}

/* Start the service on what it saved. */
static int resume(struct keeper *k)
{
	if (memory_create(k->svc) || memory_link(k->svc, MEMFD_MEMORY) ||
	    memory_link(k->svc, MEMFD_SAVE))
		return -1;
	clock_go_on(k->stopped);
	if (launch(k, k->svc->resume))
		return -1;
	k->resumed = true;
	pr_info("at work with what it had (pid %d)", k->pid);
	return 0;
}

/* Start the service on nothing; a file that it could take for its own is none. */
static int start_afresh(struct keeper *k)
{
	memory_discard(k->svc);
	if (memory_create(k->svc) || memory_link(k->svc, MEMFD_MEMORY) ||
	    memory_unlink(k->svc, MEMFD_SAVE) || launch(k, k->svc->start))
		return -1;
	k->resumed = false;
	pr_info("at work, started afresh (pid %d)", k->pid);
	return 0;
}

/* Start a service that does not run. */
int service_start(struct keeper *k)
{
	return k->state == SERVICE_SAVED ? resume(k) : start_afresh(k);
}

/* What the previous kernel's keeper handed over; -1 when that cannot be had. */
static int take_over(struct keeper *k, int session)
{
	double start = clock_now();

	if (transfer_in(k->svc, session, &k->stopped))
		return -1;
	if (!memory_is_saved(k->svc)) {
		pr_err("a memfd that the service saved is empty: was it declared in the previous kernel?");
		return -1;
	}
	pr_info("update: retrieve the memory: %.3f s", clock_now() - start);
	k->state = SERVICE_SAVED;
	start = clock_now();
	if (!resume(k))
		pr_info("update: start the service: %.3f s", clock_now() - start);
	return 0;
}

/*
 * Start the service, with what came from the previous kernel if there is any.
 * Nothing having come in after an update matters only to its @first keeper.
 */
void service_arrive(struct keeper *k, bool first)
{
	char release[RELEASE_MAX] = "unknown";
	bool left = kexec_left(release);
	int session = -1, found;
	bool taken;

	found = session_retrieve(k->svc->name, &session);
	taken = found > 0 && !take_over(k, session);
	if (session >= 0) {
		session_finish(session);
		close(session);
	}
	if (taken)
		return;

	memory_discard(k->svc);
	if (found || (left && first)) {
		pr_err("what it had in kernel %s is lost: %s", release, found ?
		       "it came in, but cannot be had" :
		       "nothing came in; \"dmesg | grep KHO:\" says why");
		if (k->svc->if_lost_hold) {
			k->state = SERVICE_LOST;
			pr_err("it is not started, since it is declared with if-lost = hold: \"lukeep reload\" starts it afresh");
			return;
		}
	}
	start_afresh(k);
}

/* Its memory can change again, and it can be started. */
static void back_to_work(struct keeper *k)
{
	k->called_off = false;
	close_session(k);
	if (k->state == SERVICE_SAVED)
		resume(k);
	else if (k->state == SERVICE_DOWN && k->told_to_save)
		start_afresh(k);
	keeper_answer(k, "revert", k->state == SERVICE_RUNNING);
}

static void save_done(struct keeper *k, enum service_state state)
{
	k->timer = sd_event_source_disable_unref(k->timer);
	k->state = state;
	/* Where the save command fails the service works on, else it will exit. */
	if (state == SERVICE_RUNNING && k->svc->save_command && !k->save_succeeded)
		k->told_to_save = false;
	if (k->called_off)
		back_to_work(k);
	else
		keeper_answer(k, "save", state == SERVICE_SAVED);
}

/* The service has exited, and its save command, if it has one. */
static void save_ended(struct keeper *k)
{
	bool saved = k->exited_well && memory_is_saved(k->svc);

	if (k->exited_well && !saved)
		pr_err("it saved nothing: is the path of each memfd of kind save the one it writes?");
	save_done(k, saved ? SERVICE_SAVED : SERVICE_DOWN);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;

	(void)source;
	(void)usec;
	service_start(k);
	return 0;
}

/* It has exited as it was about to resume, and can do so again. */
static bool can_retry(const struct keeper *k)
{
	return k->svc->retry && k->resumed && !k->told_to_save &&
	       memory_is_saved(k->svc);
}

/* Nobody is waiting for this, but a service that was told to save may be late. */
static void exited_unasked(struct keeper *k)
{
	bool late = k->told_to_save && k->exited_well && memory_is_saved(k->svc);
	bool retry = can_retry(k);

	k->state = late || retry ? SERVICE_SAVED : SERVICE_DOWN;
	if (retry)
		pr_err("it did not get as far as to resume, and keeps what it had: see what it logged; \"lukeep reload\" has it try again");
	/* What is preserved is not its memory any more: the update will fail. */
	if (k->owner >= 0)
		k->told_to_save = true;
	else if (k->told_to_save)
		service_start(k);
	else if (k->svc->restart)
		set_timer(k, RESTART_PAUSE, on_pause_over);
}

static int on_exit_of_service(sd_event_source *source, const siginfo_t *si,
			      void *user)
{
	struct keeper *k = user;

	sd_event_source_disable_unref(source);
	k->pid = 0;
	k->stopped = time(NULL);
	k->exited_well = command_succeeded(si);
	if (k->state != SERVICE_SAVING || !k->exited_well)
		pr_info("the service %s", command_status(si));

	if (k->state == SERVICE_SAVING) {
		if (!k->save_pid)
			save_ended(k);
	} else if (k->state == SERVICE_STOPPING) {
		sd_event_exit(k->event, 0);
	} else {
		exited_unasked(k);
	}
	return 0;
}

static int on_exit_of_save(sd_event_source *source, const siginfo_t *si,
			   void *user)
{
	struct keeper *k = user;

	sd_event_source_disable_unref(source);
	k->save_pid = 0;
	k->save_succeeded = command_succeeded(si);
	if (!k->save_succeeded) {
		pr_err("its save command %s: see what it logged", command_status(si));
		k->exited_well = false;
	}
	if (k->state != SERVICE_SAVING)
		return 0;
	if (!k->pid)
		save_ended(k);
	else if (!k->save_succeeded)
		save_done(k, SERVICE_RUNNING);
	return 0;
}

static int on_save_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;

	(void)source;
	(void)usec;
	pr_err("it has not saved and exited within %d s: give it more with save-timeout",
	       k->svc->save_timeout);
	if (k->save_pid)
		kill(k->save_pid, SIGKILL);
	if (k->pid)
		save_done(k, SERVICE_RUNNING);
	return 0;
}

static int tell_to_save(struct keeper *k)
{
	sd_event_source *source;

	if (!k->svc->save_command) {
		if (!kill(k->pid, k->svc->save_signal))
			return 0;
		pr_err("cannot signal the service: %s: run lukeep as root",
		       strerror(errno));
		return -1;
	}
	k->save_pid = command_start(k->svc->save_command, k->svc);
	if (k->save_pid < 0) {
		k->save_pid = 0;
		return -1;
	}
	if (sd_event_add_child(k->event, &source, k->save_pid, WEXITED,
			       on_exit_of_save, k) < 0) {
		pr_err("cannot watch the save command: free some memory");
		kill(k->save_pid, SIGKILL);
		waitpid(k->save_pid, NULL, 0);
		k->save_pid = 0;
		return -1;
	}
	return 0;
}

/* Have the service save and exit. */
void service_save(struct keeper *k)
{
	if (k->save_pid) {
		pr_err("its last save command has not ended yet: try again");
		keeper_answer(k, "save", false);
		return;
	}
	if (k->state != SERVICE_RUNNING) {
		pr_err("it has exited before it was told to save: see what it logged");
		keeper_answer(k, "save", false);
		return;
	}
	if (memory_clear_saved(k->svc) || memory_link(k->svc, MEMFD_SAVE) || tell_to_save(k)) {
		keeper_answer(k, "save", false);
		return;
	}
	k->state = SERVICE_SAVING;
	k->save_succeeded = false;
	k->told_to_save = true;
	set_timer(k, k->svc->save_timeout, on_save_timeout);
}

/* The update is called off: the service works on, or again. */
void service_revert(struct keeper *k)
{
	if (k->state != SERVICE_SAVING) {
		back_to_work(k);
		return;
	}
	k->called_off = true;
	close_session(k);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	struct keeper *k = user;

	(void)source;
	(void)usec;
	pr_err("it has not exited within %d s: killed", k->svc->save_timeout);
	kill(k->pid, SIGKILL);
	return 0;
}

/* Stop the service for good; then its keeper ends. */
void service_stop(struct keeper *k)
{
	close_session(k);
	if (!k->pid) {
		sd_event_exit(k->event, 0);
		return;
	}
	k->state = SERVICE_STOPPING;
	kill(k->pid, SIGTERM);
	set_timer(k, k->svc->save_timeout, on_stop_timeout);
}
