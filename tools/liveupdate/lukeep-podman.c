// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep-podman: what lukeep does with a service that is a container of podman, which
 * goes on in the next kernel by podman's way of using CRIU.
 *
 * "run" and "resume" stand for the container as long as it runs. What has become of it
 * is in the folder of the service, in the files that lukeep-criu has for that as well.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "criu_dump.h"
#include "images.h"
#include "message.h"
#include "netlock.h"
#include "podman.h"
#include "repair.h"
#include "util.h"
#include "window.h"

#define EXIT_USAGE	2

static const char usage_text[] =
"Usage:\n"
"  lukeep-podman run NAME FOLDER CONTAINER         start it, if it does not run\n"
"  lukeep-podman check NAME FOLDER CONTAINER       can it go on in the next kernel?\n"
"  lukeep-podman predump NAME FOLDER CONTAINER     dump it, and have it go on\n"
"  lukeep-podman dump NAME FOLDER CONTAINER        dump it, and end it\n"
"  lukeep-podman resume NAME FOLDER CONTAINER      restore it, and go on as run does\n"
"  lukeep-podman ready NAME FOLDER CONTAINER [PROGRAM [ARGUMENT]...]\n"
"                                                  wait until it is at work\n"
"\n"
"These are commands that lukeep runs for a service with the key \"container\", see\n"
"lukeep.conf(5).\n";

/*
 * Stand for the container until it ends: have podman stop it when we are told to.
 * Returns what to exit with.
 */
static int stand_for(const struct folder *f, struct container *c)
{
	char *const wait[] = { "podman", "wait", (char *)c->name, NULL };
	char *const stop[] = { "podman", "stop", (char *)c->name, NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	siginfo_t info;
	sigset_t mask;
	pid_t pid;

	/* Podman prints what is no message of the service. */
	dup2(null, STDOUT_FILENO);
	close_fd(&null);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	pid = child_start(wait);
	if (pid < 0 || podman_find(c, c->name) ||
	    images_announce(f, c->pid, STDERR_FILENO))
		return EXIT_FAILURE;
	while (!waitpid(pid, NULL, WNOHANG)) {
		if (sigwaitinfo(&mask, &info) == SIGTERM)
			child_start(stop);
	}
	images_remove(f->dir, IMAGES_SERVICE);
	if (podman_find(c, c->name))
		return EXIT_FAILURE;
	if (!c->dumped || !images_has(f->dir, IMAGES_DUMPING))
		return c->status;
	/* Whoever was killed by then */
	return images_write(f->dir, IMAGES_SAVED, "") ? EXIT_FAILURE :
							EXIT_SUCCESS;
}

/* It is ours even if it runs already. What could not be restored may still tell why. */
static int do_run(const struct folder *f, struct container *c)
{
	char *const start[] = { "podman", "start", (char *)c->name, NULL };
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!c->running && images_has(folder, PODMAN_CHECKPOINT)) {
		images_remove(folder, PODMAN_FAILED);
		renameat(folder, PODMAN_CHECKPOINT, folder, PODMAN_FAILED);
	}
	close_fd(&folder);
	dump_forget(f);
	if (images_remove(f->dir, IMAGES_SERVICE) || images_clear(f->dir) ||
	    (!c->running && podman_run(c, f->dir, "start", start)))
		return images_fail(f);
	return stand_for(f, c);
}

static int do_check(const struct folder *f, struct container *c)
{
	return podman_check(c) ? images_fail(f) : EXIT_SUCCESS;
}

/* What podman or CRIU cannot do shows before anything is stopped. */
static int do_predump(const struct folder *f, struct container *c)
{
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = podman_checkpoint(c, f->dir, false);

	images_remove(folder, PODMAN_CHECKPOINT);
	close_fd(&folder);
	return err ? images_fail(f) : EXIT_SUCCESS;
}

static int do_dump(const struct folder *f, struct container *c)
{
	double begin = clock_now();
	int folder;

	if (dump_begin(f, c->on_host ? c->pid : 0))
		return images_fail(f);
	if (podman_checkpoint(c, f->dir, true)) {
		dump_break_off(f, c->pid);
		return images_fail(f);
	}
	folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->on_host && netlock_save(f->name, c->pid, folder, PODMAN_CHECKPOINT))
		pr_warn("its connections may be reset: nobody can have their peers wait");
	close_fd(&folder);
	if (images_write(f->dir, IMAGES_SAVED, ""))
		return images_fail(f);
	pr_info("dump: %.3f s", clock_now() - begin);
	return EXIT_SUCCESS;
}

static int restore(const struct folder *f, const struct container *c)
{
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool unscaled = c->on_host && window_begin(folder, PODMAN_CHECKPOINT);
	int err = podman_restore(c, f->dir);

	window_end(unscaled);
	close_fd(&folder);
	return err;
}

/* A restore that fails leaves the checkpoint as it is. */
static int do_resume(const struct folder *f, struct container *c)
{
	double begin = clock_now();

	if (!images_has(f->dir, IMAGES_SAVED)) {
		pr_err("there is nothing to restore in %s", f->path);
		return images_fail(f);
	}
	images_remove(f->dir, IMAGES_SERVICE);
	if (netlock_load(f->name) || restore(f, c) || podman_find(c, c->name))
		return images_fail(f);
	repair_timers(c->pid);
	netlock_end(f->name);
	images_clear(f->dir);
	pr_info("restore: %.3f s", clock_now() - begin);
	return stand_for(f, c);
}

/* Its own command that tells whether it is at work comes after that. */
static int do_ready(const struct folder *f, struct container *c, char **command)
{
	if (images_wait(f) || podman_find(c, c->name) || !c->running)
		return EXIT_FAILURE;
	dump_mend(f);
	return *command ? execvp(*command, command) : EXIT_SUCCESS;
}

static int do_verb(const char *verb, const struct folder *f,
		   const char *container, char **command)
{
	static const struct {
		const char *name;
		int (*run)(const struct folder *f, struct container *c);
	} verbs[] = {
		{ "run", do_run },
		{ "check", do_check },
		{ "predump", do_predump },
		{ "dump", do_dump },
		{ "resume", do_resume },
	};
	static struct container c;
	size_t i;

	if (!strcmp(verb, "ready")) {
		c.name = container;
		return do_ready(f, &c, command);
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verb, verbs[i].name))
			continue;
		if (podman_find(&c, container))
			return images_fail(f);
		return verbs[i].run(f, &c);
	}
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct folder f;
	int ret;

	if (argc < 5) {
		bool help = argc == 2 && (!strcmp(argv[1], "--help") ||
					  !strcmp(argv[1], "-h"));

		fputs(usage_text, help ? stdout : stderr);
		return help ? EXIT_SUCCESS : EXIT_USAGE;
	}
	ret = images_begin(&f, argv[2], argv[3]) ? EXIT_FAILURE :
			  do_verb(argv[1], &f, argv[4], argv + 5);
	message_open(NULL);
	return ret;
}
