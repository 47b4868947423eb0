// SPDX-License-Identifier: GPL-2.0
/*
 * What a child is given, and what became of it; signals of parent and child.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

/* Of programs for 32 bits, on x86 and on arm; 64 bits have other calls there. */
#define COMPAT_SIGTIMEDWAIT		177
#define COMPAT_SIGTIMEDWAIT_TIME64	421

/* The dynamic linker's exit status then. */
#define LINKER_FAILED	127

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

/* Did the dynamic linker not find all that its program needs? Then that has not run. */
bool child_lacked_library(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED && si->si_status == LINKER_FAILED;
}

/*
 * In the parent: leave some signals to its event loop, and ignore others. Both lists
 * end in 0.
 */
void child_parent_signals(const int *blocked, const int *ignored)
{
	sigset_t mask;

	sigemptyset(&mask);
	for (; *blocked; blocked++)
		sigaddset(&mask, *blocked);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	for (; *ignored; ignored++)
		signal(*ignored, SIG_IGN);
}

/* The mask of signals in the line @key of a status in /proc. */
static bool take_mask(const char *line, const char *key, unsigned long long *mask)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) &&
	       sscanf(line + len, "%llx", mask) == 1;
}

/*
 * Does it wait in sigwait(3), which has the signals not blocked meanwhile? So it may
 * if that cannot be known.
 */
static bool is_in_sigwait(pid_t pid)
{
	char path[32], call[128] = "";
	long number = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	f = fopen(path, "re");
	if (f && fgets(call, sizeof(call), f))
		sscanf(call, "%ld", &number);
	if (f)
		fclose(f);
	return !*call || number == SYS_rt_sigtimedwait ||
	       number == COMPAT_SIGTIMEDWAIT ||
	       number == COMPAT_SIGTIMEDWAIT_TIME64;
}

/*
 * What would a signal do to this process? One that it blocks it may wait for. If that
 * cannot be known, it handles the signal.
 */
enum child_signal child_signal_effect(pid_t pid, int sig)
{
	unsigned long long blocked = 0, ignored = 0, caught = 0, bit;
	char path[32], line[128];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found += take_mask(line, "SigBlk:", &blocked) ||
			 take_mask(line, "SigIgn:", &ignored) ||
			 take_mask(line, "SigCgt:", &caught);
	if (f)
		fclose(f);
	bit = 1ULL << (sig - 1);
	if (found != 3 || (blocked | caught) & bit || is_in_sigwait(pid))
		return CHILD_SIGNAL_HANDLED;
	return ignored & bit ? CHILD_SIGNAL_IGNORED : CHILD_SIGNAL_KILLS;
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

/* Read @fd to its end into @text, but not wait for longer than @timeout, in ms. */
static int read_all(int fd, char *text, size_t size, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (len < size - 1 && poll(&pfd, 1, timeout) > 0) {
		n = read(fd, text + len, size - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	text[len] = '\0';
	return n ? -1 : 0;
}

/* In the child: be a program whose output goes to @fd, and whose errors to nobody. */
static void become(char *const argv[], int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(fd, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		return;
	child_default_signals();
	close_range(STDERR_FILENO + 1, ~0U, 0);
	execvp(argv[0], argv);
}

/*
 * Run a program, and get what it prints. Returns -1 when that does not come within
 * @timeout, in ms, or is more than @text has room for; the program is killed then.
 */
int child_output(char *const argv[], char *text, size_t size, int timeout)
{
	int fd[2], ret;
	pid_t pid;

	*text = '\0';
	if (pipe2(fd, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		become(argv, fd[1]);
		_exit(EXIT_FAILURE);
	}
	close(fd[1]);
	ret = pid < 0 ? -1 : read_all(fd[0], text, size, timeout);
	close(fd[0]);
	if (pid < 0)
		return -1;
	if (ret)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return ret;
}
