// SPDX-License-Identifier: GPL-2.0
/*
 * Running a command of a service, with the service's memfds, and with what was dumped.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "command.h"
#include "memory.h"
#include "message.h"
#include "util.h"
#include "words.h"

#define CANNOT_RUN	"cannot run \"%s\": %s: %s"

/* Of what was dumped, or of the socket that takes it */
#define PAGES_NAME	"pages"

#define NAMES_MAX	(LUKEEP_MAX_MEMFDS * (NAME_MAX_LEN + 1) + \
			 PAGES_MAX * sizeof(PAGES_NAME))
#define FDS_MAX		(LUKEEP_MAX_MEMFDS + PAGES_MAX)

static const char *advise(int err)
{
	switch (err) {
	case EACCES:
		return "is it a program, and executable for the user of its unit (chmod +x)?";
	case ENOEXEC:
		return "is it for this machine, and does a script begin with #! and a program?";
	case ENOENT:
		return "is it installed, and in PATH, or a script's interpreter?";
	default:
		return "is it installed, and in PATH?";
	}
}

/* In the child: tell by a variable where a memfd is. */
static int tell_memfd(const struct memfd *m, int fd)
{
	char name[VARIABLE_SIZE], number[12];

	declaration_variable(name, m->name);
	snprintf(number, sizeof(number), "%d", fd);
	return setenv(name, number, 1);
}

static int nr_fds(const struct service *svc)
{
	return svc->nr_memfds + svc->pages.nr;
}

/* What a command has as file descriptor @i, from the first that it gets. */
static int fd_at(const struct service *svc, int i)
{
	return i < svc->nr_memfds ? svc->memfd[i].fd :
				    svc->pages.fd[i - svc->nr_memfds];
}

/* In the child: tell of all of them as sd_listen_fds_with_names(3) expects. */
static int tell_listen_fds(const struct service *svc)
{
	char names[NAMES_MAX + 1] = "", number[12];
	int i, len = 0;

	for (i = 0; i < svc->nr_memfds; i++)
		len += snprintf(names + len, sizeof(names) - len, "%s%s",
				i ? ":" : "", svc->memfd[i].name);
	for (i = 0; i < svc->pages.nr; i++)
		len += snprintf(names + len, sizeof(names) - len, "%s%s",
				len ? ":" : "", PAGES_NAME);
	snprintf(number, sizeof(number), "%d", nr_fds(svc));
	if (setenv("LISTEN_FDS", number, 1) ||
	    setenv("LISTEN_FDNAMES", names, 1))
		return -1;
	snprintf(number, sizeof(number), "%d", getpid());
	return setenv("LISTEN_PID", number, 1);
}

/*
 * In the child: give all of them their places, by way of others above, lest one
 * takes the place of another. @report is moved out of the way as well, if it is
 * still there.
 */
static int place_fds(const struct service *svc, int *report)
{
	int above = MEMORY_FIRST_FD + nr_fds(svc);
	int moved[FDS_MAX], i;

	if (*report >= 0) {
		*report = fcntl(*report, F_DUPFD_CLOEXEC, above);
		if (*report < 0)
			return -1;
	}
	for (i = 0; i < nr_fds(svc); i++) {
		moved[i] = fcntl(fd_at(svc, i), F_DUPFD_CLOEXEC, above);
		if (moved[i] < 0)
			return -1;
	}
	for (i = 0; i < nr_fds(svc); i++) {
		if (dup2(moved[i], MEMORY_FIRST_FD + i) < 0)
			return -1;
	}
	for (i = 0; i < svc->nr_memfds; i++) {
		if (tell_memfd(&svc->memfd[i], MEMORY_FIRST_FD + i))
			return -1;
	}
	return tell_listen_fds(svc);
}

/* In the child: be the process that a service expects to be. */
static int be_ordinary(pid_t keeper)
{
	static const char * const ours[] = {
		"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "FDSTORE",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ours); i++)
		unsetenv(ours[i]);
	child_be_killable();
	/* What it starts is killed together with it. */
	setpgid(0, 0);
	child_default_signals();
	/* Nobody could save it without its keeper, nor start it again. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -1;
	errno = ESRCH;
	return getppid() == keeper ? 0 : -1;
}

/* In the child: that may take seconds, for which the keeper cannot wait. */
static void fill_memory(const struct service *svc, int *report)
{
	if (!memory_has_thp(svc))
		return;
	message_forward(NULL);
	close_fd(report);
	memory_fill(svc);
}

/* In the child: become the command. Returns only when that failed. */
static void become(const char *command, const struct service *svc, bool afresh,
		   pid_t keeper, int *report)
{
	const char *error;
	char **words;

	if (be_ordinary(keeper))
		return;
	if (afresh)
		fill_memory(svc, report);
	if (place_fds(svc, report))
		return;
	words = words_split(command, true, &error);
	errno = EINVAL;
	if (words && *words)
		execvp(words[0], words);
}

/* In the child: it has not become the command. */
static void fail(const char *command, int report, int err)
{
	ssize_t n = 0;

	if (report >= 0)
		n = write(report, &err, sizeof(err));
	else
		fprintf(stderr, CANNOT_RUN "\n", command, strerror(err),
			advise(err));
	_exit(n < 0 ? 126 : 127);
}

/*
 * Run @command, in new memory if it starts the service @afresh. Returns its pid once
 * it is executed, or fills memory before.
 */
pid_t command_start(const char *command, const struct service *svc, bool afresh)
{
	pid_t keeper = getpid(), pid;
	int report[2], err;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC)) {
		pr_err("cannot create a pipe: %s: raise the limit on open files",
		       strerror(errno));
		return -1;
	}
	pid = fork();
	if (!pid) {
		become(command, svc, afresh, keeper, &report[1]);
		fail(command, report[1], errno);
	}
	err = errno;
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		pr_err("cannot fork: %s: free some memory, or raise the limit on processes",
		       strerror(err));
		return -1;
	}

	/* The pipe closes when exec succeeds, and carries errno when not. */
	do {
		n = read(report[0], &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n) {
		waitpid(pid, NULL, 0);
		if (n < 0)
			err = EIO;
		pr_err(CANNOT_RUN, command, strerror(err), advise(err));
		return -1;
	}
	return pid;
}

/* Kill a command, and what it has started. */
void command_kill(pid_t pid)
{
	if (kill(-pid, SIGKILL))
		kill(pid, SIGKILL);
}
