// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks: the programs of a folder beside the declarations, which run-parts(8) runs
 * before an update, and after one.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "hooks.h"
#include "message.h"

#define HOOKS_TIMEOUT	300	/* seconds */

/**
 * struct run - hooks that are running
 * @next:  others; those of the last update may still be at it
 * @pid:   run-parts
 * @which: the folder
 * @exit:  event source of its exit
 * @timer: until when they have to end
 * @done:  is told how it went, NULL for nobody
 * @user:  for @done
 */
struct run {
	struct run *next;
	pid_t pid;
	const char *which;
	sd_event_source *exit;
	sd_event_source *timer;
	hooks_done_t done;
	void *user;
};

static struct run *runs;

static void run_free(struct run *run)
{
	struct run **p = &runs;

	while (*p && *p != run)
		p = &(*p)->next;
	if (*p)
		*p = run->next;
	sd_event_source_disable_unref(run->exit);
	sd_event_source_disable_unref(run->timer);
	free(run);
}

static int on_exit_of_hooks(sd_event_source *source, const siginfo_t *si,
			    void *user)
{
	bool ok = child_succeeded(si);
	struct run *run = user;
	hooks_done_t done = run->done;
	void *done_user = run->user;

	(void)source;
	if (!ok)
		pr_err("a hook in %s failed: see what it logged", run->which);
	run_free(run);
	if (done)
		done(done_user, ok);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	const struct run *run = user;

	(void)source;
	(void)usec;
	pr_err("the hooks in %s have not ended within %d s: killed",
	       run->which, HOOKS_TIMEOUT);
	kill(-run->pid, SIGKILL);
	return 0;
}

/* In the child. */
static void become(const char *dir, const char *result)
{
	setpgid(0, 0);
	child_default_signals();
	child_be_killable();
	/* What the agent got from whoever started it. */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	unsetenv("NOTIFY_SOCKET");
	setenv("LUKEEP_RESULT", result, 1);
	execlp("run-parts", "run-parts", "--exit-on-error", dir, NULL);
	fprintf(stderr, "cannot run run-parts: %s\n", strerror(errno));
	_exit(127);
}

/* Watch over them; returns an errno. */
static int watch(struct sd_event *event, struct run *run)
{
	int err = sd_event_add_child(event, &run->exit, run->pid, WEXITED,
				     on_exit_of_hooks, run);

	if (err >= 0)
		err = sd_event_add_time_relative(event, &run->timer,
						 CLOCK_MONOTONIC,
						 HOOKS_TIMEOUT * USEC_PER_SEC, 0,
						 on_timeout, run);
	return err < 0 ? -err : 0;
}

/* Run them; returns an errno. */
static int start(struct sd_event *event, struct run *run, const char *dir,
		 const char *result)
{
	int err;

	run->pid = fork();
	if (!run->pid)
		become(dir, result);
	if (run->pid < 0)
		return errno;
	/* Here as well: they can be killed before the child comes to it. */
	setpgid(run->pid, run->pid);
	err = watch(event, run);
	if (!err)
		return 0;
	kill(-run->pid, SIGKILL);
	waitpid(run->pid, NULL, 0);
	return err;
}

/*
 * Run the hooks of the folder @which, and tell @done. They find @result in the
 * variable LUKEEP_RESULT. Returns 1 when there are none, and @done is not called,
 * and -1 when they cannot be run.
 */
int hooks_run(struct sd_event *event, const char *conf_dir,
	      const char *which, const char *result, hooks_done_t done,
	      void *user)
{
	char dir[PATH_MAX];
	struct run *run;
	int err;

	snprintf(dir, sizeof(dir), "%s/%s", conf_dir, which);
	if (access(dir, F_OK))
		return 1;
	run = calloc(1, sizeof(*run));
	err = run ? start(event, run, dir, result) : ENOMEM;
	if (err) {
		pr_err("cannot run the hooks in %s: %s: free some memory", dir,
		       strerror(err));
		if (run)
			run_free(run);
		return -1;
	}
	run->which = which;
	run->done = done;
	run->user = user;
	run->next = runs;
	runs = run;
	return 0;
}

/* Kill those that run; nobody is told. */
void hooks_cancel(void)
{
	struct run *run;

	for (run = runs; run; run = run->next) {
		run->done = NULL;
		kill(-run->pid, SIGKILL);
	}
}

/* The event loop ends: those that run are nobody's any more. */
void hooks_forget(void)
{
	while (runs)
		run_free(runs);
}
