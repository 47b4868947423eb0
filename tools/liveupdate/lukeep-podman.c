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
#include <errno.h>
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
#include "podman_net.h"
#include "preflight.h"
#include "repair.h"
#include "util.h"
#include "window.h"

#define EXIT_USAGE	2
#define MIB		(1024.0 * 1024.0)

/* Podman has one pre-dump. The first of ours is there when that is a trial. */
#define FIRST_PREDUMP	PODMAN_PREDUMP ".first"

/* Where CRIU finds the images that others go on from */
#define PARENT		"parent"

static const char usage_text[] =
"Usage:\n"
"  lukeep-podman run NAME FOLDER CONTAINER         start it, if it does not run\n"
"  lukeep-podman check NAME FOLDER CONTAINER       can it go on in the next kernel?\n"
"  lukeep-podman predump NAME FOLDER CONTAINER     dump memory, and then all, while it runs\n"
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

/* What has been dumped of it is of no use any more, if it runs. */
static void forget_dumps(const struct folder *f, const struct container *c)
{
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (c->running) {
		images_remove(f->dir, IMAGES_PREDUMPED);
		images_remove(folder, PODMAN_CHECKPOINT);
		images_remove(folder, PODMAN_PREDUMP);
		images_remove(folder, FIRST_PREDUMP);
	}
	close_fd(&folder);
}

/* It has been restarted since the pre-dump if it has another first process. */
static bool is_predumped(const struct folder *f, const struct container *c)
{
	char pid[16];

	return !images_read(f->dir, IMAGES_PREDUMPED, pid, sizeof(pid)) &&
	       atoi(pid) == c->pid;
}

static int do_check(const struct folder *f, struct container *c)
{
	forget_dumps(f, c);
	return podman_check(c) || preflight_peers(c->pid) ? images_fail(f) :
							    EXIT_SUCCESS;
}

/*
 * The trial has dumped what had changed since the pre-dump, and the kernel counts what
 * changes from then on: so the dump is to go on from the trial, as from a pre-dump.
 */
static int chain(int folder)
{
	int trial = openat(folder, PODMAN_CHECKPOINT,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = trial < 0 || unlinkat(trial, PARENT, 0) ||
		  symlinkat("../" FIRST_PREDUMP, trial, PARENT) ||
		  renameat(folder, PODMAN_PREDUMP, folder, FIRST_PREDUMP) ||
		  renameat(folder, PODMAN_CHECKPOINT, folder, PODMAN_PREDUMP);

	if (err)
		pr_err("cannot rename a pre-dump in podman's storage: %s",
		       strerror(errno));
	close_fd(&trial);
	return err;
}

/* Dump its memory, and what has changed then with all else, as a trial. */
static int dump_while_it_runs(const struct folder *f, const struct container *c)
{
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;
	char pid[16];

	snprintf(pid, sizeof(pid), "%d\n", c->pid);
	err = podman_predump(c, f->dir);
	if (!err) {
		pr_info("pre-dump 1: %.1f MiB",
			images_pages(folder, PODMAN_PREDUMP) / MIB);
		err = podman_checkpoint(c, f->dir, false, true) || chain(folder);
	}
	if (!err) {
		pr_info("pre-dump 2: %.1f MiB",
			images_pages(folder, PODMAN_PREDUMP) / MIB);
		err = images_write(f->dir, IMAGES_PREDUMPED, pid);
	}
	close_fd(&folder);
	return err;
}

/*
 * What podman or CRIU cannot do shows before anything is stopped. If they cannot dump
 * memory while it runs, all of it is dumped when the container is stopped.
 */
static int do_predump(const struct folder *f, struct container *c)
{
	int err;

	if (!dump_while_it_runs(f, c))
		return EXIT_SUCCESS;
	forget_dumps(f, c);
	err = podman_checkpoint(c, f->dir, false, false);
	forget_dumps(f, c);
	if (err)
		return images_fail(f);
	pr_warn("so there is no pre-dump: all of its memory is dumped while it is away");
	return EXIT_SUCCESS;
}

/* Has podman failed when the container was dumped, as it took its network away? */
static bool has_ended(const struct container *c)
{
	static struct container now;

	return !podman_find(&now, c->name) && now.dumped && !now.running;
}

static int do_dump(const struct folder *f, struct container *c)
{
	double begin = clock_now();
	long long bytes;
	int folder;

	if (dump_begin(f, c->on_host ? c->pid : 0))
		return images_fail(f);
	if (podman_net_begin(f, c) ||
	    (podman_checkpoint(c, f->dir, true, is_predumped(f, c)) &&
	     !has_ended(c))) {
		dump_break_off(f, c->pid);
		return images_fail(f);
	}
	folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((c->on_host && netlock_save(f->name, c->pid, folder, PODMAN_CHECKPOINT)) ||
	    podman_net_save(f, c))
		pr_warn("its connections may be reset: nobody can have their peers wait");
	bytes = images_pages(folder, PODMAN_CHECKPOINT);
	close_fd(&folder);
	if (images_write(f->dir, IMAGES_SAVED, ""))
		return images_fail(f);
	pr_info("dump: %.1f MiB in %.3f s", bytes / MIB, clock_now() - begin);
	return EXIT_SUCCESS;
}

static int restore(const struct folder *f, const struct container *c)
{
	int folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	window_mend(folder, PODMAN_CHECKPOINT);
	close_fd(&folder);
	podman_net_load(f);
	return podman_restore(c, f->dir);
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
	forget_dumps(f, c);
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

/* What it had is gone if it was removed, and nobody will answer its peers. */
static int fail_to_find(const struct folder *f, const char *container)
{
	if (podman_has_removed(container)) {
		dump_forget(f);
		images_clear(f->dir);
		pr_warn("the container %s has been removed, and what it had with it: its peers are not kept waiting any more",
			container);
	}
	return images_fail(f);
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
			return fail_to_find(f, container);
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
