// SPDX-License-Identifier: GPL-2.0
/*
 * What a child is given, and what became of it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

/* In words. */
const char *child_status(const siginfo_t *si)
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
bool child_succeeded(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED && !si->si_status;
}

/*
 * In a child that is about to be another program: signals do what they do by
 * default. What we ignore it would go on to ignore, and what we block, to block.
 */
void child_default_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < SIGRTMIN; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In a child, of a process that may be worth more to the OOM killer. */
void child_be_killable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0)
		errno = 0;	/* it is as it was */
	close(fd);
}

/* Run a program, without any file of ours but our output; returns its pid. */
pid_t child_start(char *const argv[])
{
	pid_t pid = fork();

	if (pid)
		return pid;
	child_default_signals();
	close_range(STDERR_FILENO + 1, ~0U, 0);
	execvp(argv[0], argv);
	fprintf(stderr, "cannot run %s: %s: is it in PATH?\n", argv[0],
		strerror(errno));
	_exit(EXIT_FAILURE);
}

/* Run a program and wait for it; returns its wait status, -1 if it cannot be had. */
int child_run(char *const argv[])
{
	pid_t pid = child_start(argv);
	int status = -1;

	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}
