// SPDX-License-Identifier: GPL-2.0
/*
 * Having a service save: whether it can, how it is told to, and what is left of one
 * that did not.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "command.h"
#include "images.h"
#include "memory.h"
#include "message.h"
#include "process.h"
#include "save.h"

#define HOW_TO_SAVE \
	"have the program catch it, save, and exit with status 0, or declare another save-signal or a save-command"

/* Who is told why does not need all of a log. */
#define WHY_MAX		512

/*
 * Can the service that runs be told to save? One that does not handle its save
 * signal would be killed by it, or go on. Returns -1 if not, which is said.
 */
int save_check(const struct keeper *k)
{
	const char *name = sigabbrev_np(k->svc->save_signal);

	if (memory_check_seals(k->svc))
		return -1;
	if (k->svc->save_command)
		return 0;
	switch (child_signal_effect(k->pid, k->svc->save_signal)) {
	case CHILD_SIGNAL_KILLS:
		pr_err("it does not handle its save-signal: SIG%s would kill process %d: %s; if it has only just started, try again; or update without it (--without)",
		       name, k->pid, HOW_TO_SAVE);
		return -1;
	case CHILD_SIGNAL_IGNORED:
		pr_err("it ignores its save-signal: SIG%s would not have process %d save: %s; or update without it (--without)",
		       name, k->pid, HOW_TO_SAVE);
		return -1;
	default:
		return 0;
	}
}

/* Make ready that it saves: then where it saves is empty. Returns -1 if it cannot. */
int save_prepare(struct keeper *k)
{
	if (k->save_pid) {
		pr_err("its last save command has not ended yet: try again");
		return -1;
	}
	if (k->state != SERVICE_RUNNING) {
		pr_err("it has exited before it was told to save: see what it logged");
		return -1;
	}
	if (save_check(k) || memory_clear_saved(k->svc))
		return -1;
	return memory_link(k->svc, MEMFD_SAVE);
}

/* Tell it to save and exit; @on_exit is told of the end of its save command. */
int save_tell(struct keeper *k, sd_event_child_handler_t on_exit)
{
	if (k->svc->save_command) {
		if (k->svc->processes.pipes && pages_expect(&k->svc->pages))
			return -1;
		k->save_pid = process_start(k, k->svc->save_command, false,
					    on_exit);
		pages_expected(&k->svc->pages);
		return k->save_pid ? 0 : -1;
	}
	if (!kill(k->pid, k->svc->save_signal))
		return 0;
	pr_err("cannot signal the service: %s: its keeper needs the same user",
	       strerror(errno));
	return -1;
}

/* Its save command has succeeded, or not. Returns whether all that it saved is there. */
bool save_take(struct keeper *k, bool succeeded)
{
	if (succeeded && k->svc->pages.socket >= 0)
		return !pages_receive(&k->svc->pages);
	pages_drop(&k->svc->pages);
	return succeeded;
}

/* Its save command takes too long. CRIU leaves a service behind that has to be seen to. */
void save_kill(const struct keeper *k)
{
	if (k->svc->processes.images)
		kill(k->save_pid, SIGTERM);
	else
		command_kill(k->save_pid);
}

/*
 * It was told to save, and has exited, but not well. Is all that it had there? It is
 * when there was nothing to save, and it did not crash. Else that is lost. Says so.
 */
bool save_left_all(const struct keeper *k)
{
	const bool dumped = k->svc->processes.images;
	const bool has_memory = !dumped && (k->svc->tmpfs.path ||
					    memory_has_kind(k->svc, MEMFD_MEMORY));

	if (!k->crashed && has_memory && !memory_has_kind(k->svc, MEMFD_SAVE)) {
		pr_err("it has to exit with status 0 when it is told to save: nothing is lost, and it resumes, since all that it has is in memory and on its tmpfs");
		return true;
	}
	pr_event(MESSAGE_LOST, "what it had is lost, and it starts afresh: %s",
		 dumped ? "it has ended before it was dumped whole, see what it logged" :
		 k->crashed ? "it crashed as it was to save, see what it logged" :
			      "it has to save and to exit with status 0 when it is told to save");
	return false;
}

/* A command of lukeep-criu has failed: say what it has said. */
void save_say_why(const struct keeper *k)
{
	const char *images = k->svc->processes.images;
	char path[PATH_MAX], why[WHY_MAX];
	FILE *f;

	if (!images)
		return;
	snprintf(path, sizeof(path), "%s/" IMAGES_ERROR, images);
	f = fopen(path, "re");
	if (f && fgets(why, sizeof(why), f))
		pr_err("%s", message_shown(why));
	if (f)
		fclose(f);
}
