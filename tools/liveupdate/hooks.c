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

/*
 * The hooks that are running
 *
 * @pid:   run-parts, 0 if none are
 * @which: the folder
 * @timer: until when they have to end
 * @done:  is told how it went
 * @user:  for @done
 */
static struct {
	pid_t pid;
	const char *which;
	sd_event_source *timer;
	hooks_done_t done;
	void *user;
} hooks;

static int on_exit_of_hooks(sd_event_source *source, const siginfo_t *si, void *user)
{
	bool ok = child_succeeded(si);
	hooks_done_t done = hooks.done;

	(void)user;
	sd_event_source_set_floating(source, false);
	hooks.timer = sd_event_source_disable_unref(hooks.timer);
	hooks.pid = 0;
	hooks.done = NULL;
	if (!ok)
		pr_err("a hook in %s failed: see what it logged", hooks.which);
	if (done)
		done(hooks.user, ok);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	(void)user;
	pr_err("the hooks in %s have not ended within %d s: killed",
	       hooks.which, HOOKS_TIMEOUT);
	kill(-hooks.pid, SIGKILL);
	return 0;
}

/* In the child. */
static void become(const char *dir, const char *result)
{
	setpgid(0, 0);
	child_default_signals();
	unsetenv("NOTIFY_SOCKET");
	setenv("LUKEEP_RESULT", result, 1);
	execlp("run-parts", "run-parts", "--exit-on-error", dir, NULL);
	fprintf(stderr, "cannot run run-parts: %s\n", strerror(errno));
	_exit(127);
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

	snprintf(dir, sizeof(dir), "%s/%s", conf_dir, which);
	if (access(dir, F_OK))
		return 1;
	hooks.pid = fork();
	if (!hooks.pid)
		become(dir, result);
	if (hooks.pid < 0 ||
	    sd_event_add_child(event, NULL, hooks.pid, WEXITED, on_exit_of_hooks,
			       NULL) < 0 ||
	    sd_event_add_time_relative(event, &hooks.timer, CLOCK_MONOTONIC,
				       HOOKS_TIMEOUT * USEC_PER_SEC, 0,
				       on_timeout, NULL) < 0) {
		pr_err("cannot run the hooks in %s: %s: free some memory", dir,
		       strerror(errno));
		if (hooks.pid > 0)
			kill(-hooks.pid, SIGKILL);
		hooks.pid = 0;
		return -1;
	}
	hooks.which = which;
	hooks.done = done;
	hooks.user = user;
	return 0;
}

bool hooks_running(void)
{
	return hooks.pid;
}

/* Kill them, if they run; nobody is told. */
void hooks_cancel(void)
{
	hooks.done = NULL;
	if (hooks.pid)
		kill(-hooks.pid, SIGKILL);
}
