// SPDX-License-Identifier: GPL-2.0
/*
 * Running a command of a service, with the service's memfds.
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

#include "lukeep.h"
#include "words.h"

/* In the child: tell by a variable where a memfd is, and let it through. */
static int pass_memfd(const struct memfd *m)
{
	char name[VARIABLE_SIZE], number[12];

	declaration_variable(name, m->name);
	snprintf(number, sizeof(number), "%d", m->fd);
	if (setenv(name, number, 1))
		return -1;
	return fcntl(m->fd, F_SETFD, 0);
}

/* In the child: become the command. Returns only when that failed. */
static void become(const char *command, const struct service *svc,
		   pid_t keeper)
{
	const struct memfd *m;
	const char *error;
	sigset_t none;
	char **words;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (pass_memfd(m))
			return;
	}
	/* Nobody could save it without its keeper, nor start it again. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return;
	errno = ESRCH;
	if (getppid() != keeper)
		return;
	words = words_split(command, true, &error);
	errno = words ? ENOENT : EINVAL;
	if (!words || !*words)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(words[0], words);
}

/* Run @command; returns its pid once it is executed. */
pid_t command_start(const char *command, const struct service *svc)
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
		become(command, svc, keeper);
		err = errno;
		n = write(report[1], &err, sizeof(err));
		_exit(n == sizeof(err) ? 127 : 126);
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
		pr_err("cannot run \"%s\": %s: is it installed, and in PATH?",
		       command, strerror(n > 0 ? err : EIO));
		return -1;
	}
	return pid;
}

/* What became of a command, in words. */
const char *command_status(const siginfo_t *si)
{
	static char text[80];

	if (si->si_code == CLD_EXITED)
		snprintf(text, sizeof(text), "exited with status %d",
			 si->si_status);
	else
		snprintf(text, sizeof(text), "was killed by signal %d (%s)",
			 si->si_status, strsignal(si->si_status));
	return text;
}

/* Did it say that all is well? */
bool command_succeeded(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED && !si->si_status;
}
