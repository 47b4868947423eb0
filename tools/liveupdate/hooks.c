// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks: the programs of a folder beside the declarations that are run before an
 * update, and after one; by the rules of run-parts(8).
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "hooks.h"
#include "message.h"
#include "util.h"

#define HOOKS_TIMEOUT	300	/* seconds, for all of a folder */

#define LETTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/**
 * struct run - hooks that are running
 * @next:   others; those of the last update may still be at it
 * @dir:    the folder
 * @result: what the hooks find in their environment
 * @names:  the files in @dir
 * @nr:     how many they are
 * @at:     the one behind that which runs
 * @pid:    the hook that runs
 * @cancelled: nobody waits any more, and no other one is run
 * @exit:   event source of its exit
 * @timer:  until when all have to end
 * @event:  event loop
 * @done:   is told how it went, NULL for nobody
 * @user:   for @done
 */
struct run {
	struct run *next;
	char dir[PATH_MAX];
	const char *result;
	struct dirent **names;
	int nr;
	int at;
	pid_t pid;
	bool cancelled;
	sd_event_source *exit;
	sd_event_source *timer;
	struct sd_event *event;
	hooks_done_t done;
	void *user;
};

static struct run *runs;

static void names_free(struct dirent **names, int nr)
{
	while (nr-- > 0)
		free(names[nr]);
	free(names);
}

static void run_free(struct run *run)
{
	struct run **p = &runs;

	while (*p && *p != run)
		p = &(*p)->next;
	if (*p)
		*p = run->next;
	sd_event_source_disable_unref(run->exit);
	sd_event_source_disable_unref(run->timer);
	names_free(run->names, run->nr);
	free(run);
}

static int is_shown(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

/* Is this file a hook that is run? One that looks like it, and is not, is said. */
static bool is_run(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	if (name[strspn(name, LETTERS)])
		pr_warn("the hook %s is skipped: its name may have letters, digits, dashes and underscores only",
			path);
	else if (access(path, X_OK))
		pr_warn("the hook %s is skipped: it is not executable (chmod +x)",
			path);
	else
		return true;
	return false;
}

static void finish(struct run *run, bool ok)
{
	hooks_done_t done = run->done;
	void *user = run->user;

	run_free(run);
	if (done)
		done(user, ok);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	const struct run *run = user;

	(void)source;
	(void)usec;
	pr_err("the hooks in %s have not ended within %d s: killed", run->dir,
	       HOOKS_TIMEOUT);
	kill(-run->pid, SIGKILL);
	return 0;
}

/* In the child. */
static void become(const char *path, const char *result)
{
	setpgid(0, 0);
	child_default_signals();
	child_be_killable();
	/* What the agent got from whoever started it. */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	unsetenv("NOTIFY_SOCKET");
	setenv("LUKEEP_RESULT", result, 1);
	execl(path, path, NULL);
	fprintf(stderr, "cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

static int on_exit_of_hook(sd_event_source *source, const siginfo_t *si,
			   void *user);

/* Run one; returns an errno. */
static int start(struct run *run, const char *name)
{
	char path[2 * PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/%s", run->dir, name);
	run->pid = fork();
	if (!run->pid)
		become(path, run->result);
	if (run->pid < 0)
		return errno;
	/* Here as well: it can be killed before the child comes to it. */
	setpgid(run->pid, run->pid);
	err = sd_event_add_child(run->event, &run->exit, run->pid, WEXITED,
				 on_exit_of_hook, run);
	if (err >= 0)
		return 0;
	kill(-run->pid, SIGKILL);
	waitpid(run->pid, NULL, 0);
	return -err;
}

/* Run the next one. Returns 1 when there is none, and -1 when it cannot be run. */
static int start_next(struct run *run)
{
	const char *name;
	int err;

	while (run->at < run->nr) {
		name = run->names[run->at++]->d_name;
		if (!is_run(run->dir, name))
			continue;
		err = start(run, name);
		if (!err)
			return 0;
		pr_err("cannot run the hook %s/%s: %s: free some memory",
		       run->dir, name, strerror(err));
		return -1;
	}
	return 1;
}

static int on_exit_of_hook(sd_event_source *source, const siginfo_t *si,
			   void *user)
{
	struct run *run = user;
	int ret = -1;

	(void)source;
	run->exit = sd_event_source_disable_unref(run->exit);
	if (run->cancelled)
		ret = 1;
	else if (!child_succeeded(si))
		pr_err("the hook %s/%s %s: see what it logged%s", run->dir,
		       run->names[run->at - 1]->d_name, child_status(si),
		       message_to_journal() ? ", \"journalctl -u lukeep\"" : "");
	else
		ret = start_next(run);
	if (ret)
		finish(run, ret > 0);
	return 0;
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
	struct run *run = calloc(1, sizeof(*run));
	int ret;

	if (!run) {
		pr_err("out of memory");
		return -1;
	}
	run->event = event;
	run->result = result;
	run->done = done;
	run->user = user;
	snprintf(run->dir, sizeof(run->dir), "%s/%s", conf_dir, which);
	run->nr = scandir(run->dir, &run->names, is_shown, alphasort);
	if (run->nr < 0 && errno != ENOENT) {
		pr_err("cannot read the hooks in %s: %s", run->dir,
		       strerror(errno));
		run_free(run);
		return -1;
	}
	ret = start_next(run);
	if (ret) {
		run_free(run);
		return ret;
	}
	sd_event_add_time_relative(event, &run->timer, CLOCK_MONOTONIC,
				   HOOKS_TIMEOUT * USEC_PER_SEC, 0, on_timeout,
				   run);
	run->next = runs;
	runs = run;
	return 0;
}

/* Say which files in the folders of hooks are skipped. Returns -1 if there are any. */
int hooks_check(const char *conf_dir)
{
	static const char * const folders[] = {
		"before-update.d", "after-update.d",
	};
	struct dirent **names;
	char dir[PATH_MAX];
	int i, nr, ret = 0;
	size_t folder;

	for (folder = 0; folder < ARRAY_SIZE(folders); folder++) {
		snprintf(dir, sizeof(dir), "%s/%s", conf_dir, folders[folder]);
		names = NULL;
		nr = scandir(dir, &names, is_shown, alphasort);
		for (i = 0; i < nr; i++) {
			if (!is_run(dir, names[i]->d_name))
				ret = -1;
		}
		names_free(names, nr);
	}
	return ret;
}

/* Kill those that run; nobody is told. */
void hooks_cancel(void)
{
	struct run *run;

	for (run = runs; run; run = run->next) {
		run->cancelled = true;
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
