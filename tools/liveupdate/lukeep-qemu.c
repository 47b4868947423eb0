// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep-qemu: a virtual machine of QEMU as a service of lukeep.
 *
 * "run" becomes QEMU, on the memfd "ram". If the memfd "state" is not empty, it
 * leaves a process behind that has QEMU load what is in there. The other verbs are
 * clients of that QEMU.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "message.h"
#include "thp.h"

#define EXIT_USAGE	2

#define STOP_SECONDS		60
#define STOP_SECONDS_MAX	86400

/* What QEMU gets beside the arguments given: at most so many. */
#define MORE_ARGUMENTS	13

static const char usage_text[] =
"Usage:\n"
"  lukeep-qemu run SOCKET QEMU [ARGUMENT]...  be QEMU, with what was saved if there is any\n"
"  lukeep-qemu ready SOCKET                   wait until the guest is loaded\n"
"  lukeep-qemu save SOCKET                    have QEMU save, and exit\n"
"  lukeep-qemu stop SOCKET [SECONDS]          have the guest shut down, and QEMU exit\n"
"\n"
"These are commands for a service of lukeep, see lukeep-qemu(8).\n";

/* The number of a memfd that lukeep has passed, -1 when it has not. */
static int memfd_passed(const char *variable)
{
	const char *number = getenv(variable);
	char *end = NULL;
	int fd = -1;

	if (number)
		fd = strtol(number, &end, 10);
	return number && end > number && !*end ? fd : -1;
}

static int state_memfd(void)
{
	int fd = memfd_passed("LUKEEP_FD_state");

	if (fd >= 0 && !lseek(fd, 0, SEEK_SET))
		return fd;
	pr_err("there is no memfd \"state\": has lukeep run this, and does the declaration have a section [memfd state]?");
	return -1;
}

/* Have QEMU load the state; a machine that has not got it must not run. */
static int bring_back(const char *path, int state, int pidfd)
{
	int ret = guest_load(path, state);

	if (ret) {
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		pr_err("the guest cannot be brought back: see what QEMU logged; is its command line that of the previous kernel?");
	}
	close(pidfd);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Fork the process that loads the state. It is no child of ours: QEMU does not wait for any. */
static int start_loader(const char *path, int state, int listener)
{
	int pidfd = pidfd_open(getpid(), 0), status = -1;
	pid_t pid = pidfd < 0 ? -1 : fork();

	if (!pid) {
		pid = fork();
		if (pid)
			_exit(pid < 0);
		/* The socket is to go with QEMU. */
		close(listener);
		exit(bring_back(path, state, pidfd));
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (pidfd >= 0)
		close(pidfd);
	if (status)
		pr_err("cannot fork: free some memory, or raise the limit on processes");
	return status ? -1 : 0;
}

/* Add a formatted argument; @argc is -1 once that has failed. */
static void add(char **argv, int *argc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (*argc >= 0 && vasprintf(&argv[*argc], fmt, ap) >= 0) {
		++*argc;
	} else if (*argc >= 0) {
		argv[*argc] = NULL;
		*argc = -1;
	}
	va_end(ap);
}

static int count(char **arguments)
{
	int n = 0;

	while (arguments[n])
		n++;
	return n;
}

/* The first are not ours. */
static void free_arguments(char **argv, int given)
{
	char **more;

	for (more = argv + given; *more; more++)
		free(*more);
	free(argv);
}

/*
 * RAM is ours, and the next kernel's QEMU knows it by the same name. Its address has
 * to be a multiple of its huge pages: else neither page tables nor KVM map these as
 * such.
 */
static void add_ram(char **argv, int *argc, int ram, const struct stat *st)
{
	long long size = st->st_size, align = thp_page_size();

	if (align < st->st_blksize)
		align = st->st_blksize;
	add(argv, argc, "-object");
	add(argv, argc,
	    "memory-backend-file,id=ram,share=on,size=%lldB,align=%lldB,mem-path=/proc/self/fd/%d",
	    size, align, ram);
	add(argv, argc, "-machine");
	add(argv, argc, "memory-backend=ram");
	add(argv, argc, "-m");
	add(argv, argc, "%lldB", size);
}

/* QEMU's command line: as given, on our memory and socket. */
static char **qemu_arguments(char **given, int ram, int listener, bool resumes)
{
	int argc = count(given);
	struct stat st;
	char **argv;

	argv = calloc(argc + MORE_ARGUMENTS + 1, sizeof(*argv));
	if (!argv)
		return NULL;
	memcpy(argv, given, argc * sizeof(*argv));

	add(argv, &argc, "-chardev");
	add(argv, &argc, "socket,id=lukeep,fd=%d,server=on,wait=off", listener);
	add(argv, &argc, "-mon");
	add(argv, &argc, "chardev=lukeep,mode=control");
	if (ram >= 0 && !fstat(ram, &st))
		add_ram(argv, &argc, ram, &st);
	if (resumes) {
		add(argv, &argc, "-incoming");
		add(argv, &argc, "defer");
		add(argv, &argc, "-S");
	}
	if (argc >= 0)
		return argv;
	free_arguments(argv, count(given));
	return NULL;
}

static void become(char **argv)
{
	/* It would be inherited. */
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	pr_err("cannot run %s: %s: is it installed, and in PATH?", argv[0],
	       strerror(errno));
}

static int do_run(const char *path, char **given)
{
	int state = state_memfd(), listener;
	struct stat st;
	char **argv;

	if (state < 0 || fstat(state, &st))
		return EXIT_FAILURE;
	listener = qmp_listen(path);
	if (listener < 0)
		return EXIT_FAILURE;
	argv = qemu_arguments(given, memfd_passed("LUKEEP_FD_ram"), listener, st.st_size);
	if (!argv) {
		pr_err("out of memory");
		close(listener);
		return EXIT_FAILURE;
	}
	if (!st.st_size || !start_loader(path, state, listener)) {
		fcntl(listener, F_SETFD, 0);
		become(argv);
	}
	free_arguments(argv, count(given));
	close(listener);
	return EXIT_FAILURE;
}

static int do_save(const char *path)
{
	int state = state_memfd();

	return state < 0 || guest_save(path, state) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int do_ready(const char *path)
{
	return guest_ready(path, memfd_passed("LUKEEP_FD_state")) ?
	       EXIT_FAILURE : EXIT_SUCCESS;
}

static int do_stop(const char *path, const char *limit)
{
	long seconds = STOP_SECONDS;
	char *end;

	if (limit) {
		seconds = strtol(limit, &end, 10);
		if (end == limit || *end || seconds < 0 || seconds > STOP_SECONDS_MAX) {
			pr_err("\"%s\" is no number of seconds: write one up to %d",
			       limit, STOP_SECONDS_MAX);
			return EXIT_USAGE;
		}
	}
	return guest_stop(path, seconds) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int do_verb(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "", *path = argv[2];

	if (!strcmp(verb, "run") && argc > 3)
		return do_run(path, argv + 3);
	if (!strcmp(verb, "save") && argc == 3)
		return do_save(path);
	if (!strcmp(verb, "ready") && argc == 3)
		return do_ready(path);
	if (!strcmp(verb, "stop") && argc <= 4)
		return do_stop(path, argc > 3 ? argv[3] : NULL);
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	char *name;
	int ret;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	}
	/* Who reads our messages may go away, and QEMU while we write to it. */
	signal(SIGPIPE, SIG_IGN);
	/* Messages name the machine as its socket is named. */
	name = strdup(argc > 2 ? basename(argv[2]) : "");
	if (name && *name) {
		name[strcspn(name, ".")] = '\0';
		message_open(name);
	}
	ret = do_verb(argc, argv);
	message_open(NULL);
	free(name);
	return ret;
}
