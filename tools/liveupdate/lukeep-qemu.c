// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep-qemu: a virtual machine of QEMU as a service of lukeep.
 *
 * "run" becomes QEMU, on the memfd "ram". "save" has QEMU write all state but
 * shared memory, through a pipe, into the memfd "state", and exit. Where that is
 * not empty, "run" leaves a process behind that has QEMU read it back, with the
 * guest stopped. The memfd is emptied when QEMU says that it has taken all of it,
 * and just before the guest goes on: from then on RAM is another than it was.
 *
 * The state is what a live migration carries. So it is QEMU that stops the guest,
 * and has it run on when saving fails, even when that is because we were killed.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "message.h"
#include "qmp.h"
#include "util.h"

#define EXIT_USAGE	2
#define POLL_PAUSE	10	/* milliseconds */

/* The pipe's name in QEMU. */
#define CHANNEL		"lukeep"

/* What QEMU gets beside the arguments given: at most so many. */
#define MORE_ARGUMENTS	13

/*
 * Follows QEMU's state if the guest did not run when it was saved. QEMU loads with
 * the guest stopped in any case, and does not tell what it was before.
 */
#define PAUSED		"\nlukeep: paused\n"

static const char usage_text[] =
"Usage:\n"
"  lukeep-qemu run SOCKET QEMU [ARGUMENT]...  be QEMU, with what was saved if there is any\n"
"  lukeep-qemu save SOCKET                    have QEMU save, and exit\n"
"\n"
"These are commands for a service of lukeep, see lukeep-qemu(8).\n";

/* What "save" has left in the memfd "state". */
struct saved {
	char *data;
	size_t size;
	size_t len;	/* without our trailer */
	bool paused;
};

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

/* The reason is told if this fails. */
static int write_all(int to, const char *data, size_t len, const char *what)
{
	ssize_t n;

	for (; len; len -= n, data += n) {
		n = write(to, data, len);
		if (n <= 0) {
			pr_err("cannot write %s: %s", what, strerror(errno));
			return -1;
		}
	}
	return 0;
}

/* Copy all there is into @state. */
static int copy_state(int channel, int state)
{
	static const char what[] = "the state that QEMU saves";
	static char buf[65536];
	ssize_t n;

	while ((n = read(channel, buf, sizeof(buf))) > 0) {
		if (write_all(state, buf, n, what))
			return -1;
	}
	if (n < 0)
		pr_err("cannot read %s: %s", what, strerror(errno));
	return n < 0 ? -1 : 0;
}

/* Shall a migration leave out memory that others can have, too? */
static int set_ignore_shared(int qmp, bool on)
{
	return qmp_do(qmp, "migrate-set-capabilities",
		      json_pack("{s[{ss sb}]}", "capabilities", "capability",
				"x-ignore-shared", "state", on));
}

/* What the guest is doing, in QEMU's words; false if that cannot be had. */
static bool guest_status(int qmp, char *status, size_t len)
{
	json_t *value = qmp_execute(qmp, "query-status", NULL);
	const char *word;
	bool known;

	known = !json_unpack(value, "{ss}", "status", &word);
	if (known)
		snprintf(status, len, "%s", word);
	else if (value)
		pr_err("QEMU does not tell the guest's status");
	json_decref(value);
	return known;
}

/*
 * Has QEMU written, or loaded, all of the state? 1 when it is still at it, -1 when
 * it has failed.
 */
static int migrated(int qmp)
{
	const char *status = "", *reason = "it does not say why; see what it logged";
	json_t *value = qmp_execute(qmp, "query-migrate", NULL);
	int ret = 1;

	if (!value)
		return -1;
	json_unpack(value, "{s?s s?s}", "status", &status, "error-desc", &reason);
	if (!strcmp(status, "completed")) {
		ret = 0;
	} else if (!strcmp(status, "failed") || !strcmp(status, "cancelled")) {
		pr_err("QEMU cannot save or load the guest: %s", reason);
		ret = -1;
	}
	json_decref(value);
	return ret;
}

/* Give QEMU one end of a pipe, 0 to read or 1 to write, and return the other. */
static int open_channel(int qmp, int end)
{
	int pipefd[2], err;

	if (pipe2(pipefd, O_CLOEXEC)) {
		pr_err("cannot create a pipe: %s: raise the limit on open files",
		       strerror(errno));
		return -1;
	}
	err = qmp_pass_fd(qmp, CHANNEL, pipefd[end]);
	close(pipefd[end]);
	if (!err)
		return pipefd[!end];
	close(pipefd[!end]);
	return -1;
}

/* Have QEMU do @what through the channel. Memory that others can have is left out. */
static int migrate(int qmp, const char *what)
{
	if (set_ignore_shared(qmp, true))
		return -1;
	return qmp_do(qmp, what, json_pack("{ss}", "uri", "fd:" CHANNEL));
}

static int wait_migrated(int qmp)
{
	int ret;

	while ((ret = migrated(qmp)) > 0)
		poll(NULL, 0, POLL_PAUSE);
	return ret;
}

/* Have QEMU write the state into @state, and note if the guest is @paused. */
static int save_state(int qmp, int state, bool paused)
{
	int channel = open_channel(qmp, 1), copied, ret;

	if (channel < 0)
		return -1;
	if (migrate(qmp, "migrate")) {
		close(channel);
		return -1;
	}
	copied = copy_state(channel, state);
	if (!copied && paused)
		copied = write_all(state, PAUSED, strlen(PAUSED), "that the guest is paused");
	/* Not read to its end it fails in QEMU, too. */
	close(channel);
	ret = wait_migrated(qmp);
	return copied ? copied : ret;
}

static int do_save(const char *path)
{
	int state = state_memfd(), qmp;
	char status[32];
	bool runs;

	qmp = state < 0 ? -1 : qmp_connect(path);
	if (qmp < 0 || !guest_status(qmp, status, sizeof(status)))
		return EXIT_FAILURE;
	/* A save that was killed at its very end leaves a guest that stands still. */
	runs = !strcmp(status, "running") || !strcmp(status, "suspended") ||
	       !strcmp(status, "postmigrate");
	if (!strcmp(status, "postmigrate") && qmp_do(qmp, "cont", NULL))
		return EXIT_FAILURE;

	if (!save_state(qmp, state, !runs)) {
		/* It is all there: whatever QEMU says to this is no failure. */
		qmp_do(qmp, "quit", NULL);
		return EXIT_SUCCESS;
	}
	if (runs && !qmp_do(qmp, "cont", NULL))
		pr_info("the guest runs on");
	set_ignore_shared(qmp, false);
	return EXIT_FAILURE;
}

/* Read all that is in @state. */
static int read_saved(int state, struct saved *saved)
{
	static const char what[] = "the state that QEMU loads";
	size_t trailer = strlen(PAUSED);
	struct stat st;

	if (fstat(state, &st) || !st.st_size) {
		pr_err("there is nothing to load");
		return -1;
	}
	saved->size = st.st_size;
	saved->data = malloc(saved->size);
	if (!saved->data) {
		pr_err("cannot read %s: free some memory", what);
		return -1;
	}
	if (pread(state, saved->data, saved->size, 0) != st.st_size) {
		pr_err("cannot read %s: %s", what, strerror(errno));
		return -1;
	}
	saved->paused = saved->size > trailer &&
			!memcmp(saved->data + saved->size - trailer, PAUSED, trailer);
	saved->len = saved->size - (saved->paused ? trailer : 0);
	return 0;
}

/* Have QEMU read the state: the guest is stopped then. */
static int load_state(int qmp, const struct saved *saved)
{
	int channel = open_channel(qmp, 0), ret;

	if (channel < 0)
		return -1;
	ret = migrate(qmp, "migrate-incoming");
	if (!ret)
		ret = write_all(channel, saved->data, saved->len,
				"the state that QEMU loads");
	close(channel);
	return ret ?: wait_migrated(qmp);
}

/* QEMU refuses to let the guest go on: the state is still that of the guest. */
static int put_back(int state, const struct saved *saved)
{
	if (pwrite(state, saved->data, saved->size, 0) == (ssize_t)saved->size)
		return -1;
	pr_err("the memfd \"state\" cannot be written again: %s: QEMU keeps the guest, paused; use its monitor",
	       strerror(errno));
	ftruncate(state, 0);
	return 0;
}

/*
 * Let the guest go on if it ran. It changes its RAM then, so @state must be empty
 * before. Returns -1 if @state can be loaded again.
 */
static int go_on(int qmp, int state, const struct saved *saved)
{
	char status[32];

	if (!guest_status(qmp, status, sizeof(status)))
		return -1;
	if (ftruncate(state, 0)) {
		pr_err("cannot empty the memfd \"state\": %s", strerror(errno));
		return -1;
	}
	/* Other words than "paused" are of guests that crashed, or wait for a disk. */
	if (saved->paused || strcmp(status, "paused") || !qmp_do(qmp, "cont", NULL))
		return 0;
	/* If QEMU does not answer any more, the guest may have gone on. */
	if (!guest_status(qmp, status, sizeof(status)) || strcmp(status, "paused"))
		return 0;
	return put_back(state, saved);
}

/* Load the state into QEMU; a machine that has not got it must not run. */
static int bring_back(const char *path, int state, int pidfd)
{
	struct saved saved = { };
	double start = clock_now();
	int qmp, ret = -1;

	/* QEMU may go away while we write. */
	signal(SIGPIPE, SIG_IGN);
	qmp = qmp_connect(path);
	if (qmp >= 0 && !read_saved(state, &saved) && !load_state(qmp, &saved))
		ret = go_on(qmp, state, &saved);
	free(saved.data);
	if (ret) {
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		pr_err("the guest cannot be brought back: see what QEMU logged; is its command line that of the previous kernel?");
		return EXIT_FAILURE;
	}
	pr_info("update: load the guest: %.3f s", clock_now() - start);
	/* Who migrates it to another host has other wishes. */
	set_ignore_shared(qmp, false);
	return EXIT_SUCCESS;
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
		_exit(bring_back(path, state, pidfd));
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
	if (*argc >= 0 && vasprintf(&argv[*argc], fmt, ap) >= 0)
		argv[++*argc] = NULL;
	else
		*argc = -1;
	va_end(ap);
}

/* RAM is ours, and the next kernel's QEMU knows it by the same name. */
static void add_ram(char **argv, int *argc, int ram, long long size)
{
	add(argv, argc, "-object");
	add(argv, argc, "memory-backend-file,id=ram,share=on,size=%lldB,mem-path=/proc/self/fd/%d",
	    size, ram);
	add(argv, argc, "-machine");
	add(argv, argc, "memory-backend=ram");
	add(argv, argc, "-m");
	add(argv, argc, "%lldB", size);
}

/* QEMU's command line: as given, on our memory and socket. */
static char **qemu_arguments(char **given, int ram, int listener, bool resumes)
{
	struct stat st;
	char **argv;
	int argc = 0;

	while (given[argc])
		argc++;
	argv = calloc(argc + MORE_ARGUMENTS + 1, sizeof(*argv));
	if (!argv)
		return NULL;
	memcpy(argv, given, argc * sizeof(*argv));

	add(argv, &argc, "-chardev");
	add(argv, &argc, "socket,id=lukeep,fd=%d,server=on,wait=off", listener);
	add(argv, &argc, "-mon");
	add(argv, &argc, "chardev=lukeep,mode=control");
	if (ram >= 0 && !fstat(ram, &st))
		add_ram(argv, &argc, ram, st.st_size);
	if (resumes) {
		add(argv, &argc, "-incoming");
		add(argv, &argc, "defer");
		add(argv, &argc, "-S");
	}
	return argc < 0 ? NULL : argv;
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
		return EXIT_FAILURE;
	}
	if (st.st_size && start_loader(path, state, listener))
		return EXIT_FAILURE;
	fcntl(listener, F_SETFD, 0);
	execvp(argv[0], argv);
	pr_err("cannot run %s: %s: is it installed, and in PATH?", argv[0],
	       strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	char *name;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	}
	/* Messages name the machine as its socket is named. */
	name = argc > 2 ? strdup(basename(argv[2])) : NULL;
	if (name) {
		name[strcspn(name, ".")] = '\0';
		message_open(name);
		if (argc > 3 && !strcmp(argv[1], "run"))
			return do_run(argv[2], argv + 3);
		if (argc == 3 && !strcmp(argv[1], "save"))
			return do_save(argv[2]);
	}
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}
