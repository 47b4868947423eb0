// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep-criu: what lukeep does with a service of kind process, whose processes go on
 * in the next kernel by way of CRIU.
 *
 * "run" and "resume" stand for the service as long as it runs, and the other verbs
 * find it by what those two have written to the folder of its images.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "criu_dump.h"
#include "criu_restore.h"
#include "images.h"
#include "message.h"
#include "namespace.h"
#include "netlock.h"
#include "util.h"

#define EXIT_USAGE	2

static const char usage_text[] =
"Usage:\n"
"  lukeep-criu run NAME FOLDER PROGRAM [ARGUMENT]...  run the service\n"
"  lukeep-criu check NAME FOLDER [PRESERVED]...       can it go on in the next kernel?\n"
"  lukeep-criu predump NAME FOLDER ROUNDS             dump its memory while it runs\n"
"  lukeep-criu dump NAME FOLDER [pipes]               dump it, and end it\n"
"  lukeep-criu resume NAME FOLDER [lazily]            restore it, and go on as run does\n"
"  lukeep-criu ready NAME FOLDER [PROGRAM [ARGUMENT]...]\n"
"                                                     wait until it is at work\n"
"  lukeep-criu lock                                   have the peers of all services wait\n"
"\n"
"These are commands that lukeep runs for a service with a section [process], see\n"
"lukeep.conf(5). FOLDER is that of its images. Pipes go to whoever runs the command, and\n"
"are passed on to resume.\n";

static void on_child(void *user, pid_t pid, int status)
{
	(void)user;
	(void)pid;
	(void)status;
}

static int do_run(const struct folder *f, char **program)
{
	int output[2];
	pid_t pid;

	restore_forget(f);
	/* What could not be dumped or restored may still tell why. */
	if (images_has(f->dir, IMAGES_DUMP)) {
		images_remove(f->dir, IMAGES_FAILED);
		renameat(f->dir, IMAGES_DUMP, f->dir, IMAGES_FAILED);
	}
	dump_forget(f);
	if (images_remove(f->dir, IMAGES_SERVICE) || images_clear(f->dir) ||
	    pipe2(output, O_CLOEXEC))
		return EXIT_FAILURE;
	pid = namespace_start(program, output[1]);
	if (pid < 0 || images_announce(f, pid, output[1]))
		return EXIT_FAILURE;
	close_fd(&output[1]);
	return images_end(f, namespace_watch(pid, output[0], on_child, NULL));
}

/* Its own command that tells whether it is at work comes after that. */
static int do_ready(const struct folder *f, char **command)
{
	if (images_wait(f))
		return EXIT_FAILURE;
	dump_mend(f);
	return *command ? execvp(*command, command) : EXIT_SUCCESS;
}

static int do_dump_into_pipes(const struct folder *f)
{
	if (sd_listen_fds(true) == 1)
		return dump_service(f, SD_LISTEN_FDS_START);
	pr_err("nobody takes what is dumped into pipes: this is for lukeep to run");
	return images_fail(f);
}

/* The keeper has passed on what it got by a dump into pipes. */
static int do_resume(const struct folder *f, bool lazily)
{
	int i, nr = sd_listen_fds(true);
	struct pages pages;

	pages_init(&pages);
	for (i = 0; i < nr && i < PAGES_MAX; i++)
		pages.fd[pages.nr++] = SD_LISTEN_FDS_START + i;
	return restore_service(f, lazily, &pages);
}

static int do_verb(const char *verb, const struct folder *f, int more,
		   char **arguments)
{
	if (!strcmp(verb, "run") && more)
		return do_run(f, arguments);
	if (!strcmp(verb, "check"))
		return dump_check(f, arguments);
	if (!strcmp(verb, "predump") && more == 1)
		return dump_memory(f, atoi(arguments[0]));
	if (!strcmp(verb, "dump") && !more)
		return dump_service(f, -1);
	if (!strcmp(verb, "dump") && more == 1 && !strcmp(arguments[0], "pipes"))
		return do_dump_into_pipes(f);
	if (!strcmp(verb, "resume") && more <= 1)
		return do_resume(f, more && !strcmp(arguments[0], "lazily"));
	if (!strcmp(verb, "ready"))
		return do_ready(f, arguments);
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct folder f;
	int ret;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && !strcmp(argv[1], "lock"))
		return netlock_load_all() ? EXIT_FAILURE : EXIT_SUCCESS;
	if (argc < 4) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	ret = images_begin(&f, argv[2], argv[3]) ? EXIT_FAILURE :
			  do_verb(argv[1], &f, argc - 4, argv + 4);
	message_open(NULL);
	return ret;
}
