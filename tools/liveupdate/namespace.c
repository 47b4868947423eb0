// SPDX-License-Identifier: GPL-2.0
/*
 * A service in a PID namespace of its own, whose first process it is: its PIDs are
 * free in the next kernel, whatever runs there by then. We stay outside, and stand
 * for it: what it writes comes to us, and what we are told to do it is.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "message.h"
#include "namespace.h"

/* In the child: nothing that the service has is ours, or CRIU could not bring it back. */
static void become(char *const argv[], int output)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) || null < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		return;
	close_range(STDERR_FILENO + 1, ~0U, 0);
	child_default_signals();
	execvp(argv[0], argv);
}

/* Start a program as the first process of a new PID namespace; -1 when that fails. */
pid_t namespace_start(char *const argv[], int output)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID)) {
		pr_err("cannot create a PID namespace: %s: run lukeep as root, on a kernel with CONFIG_PID_NS",
		       strerror(errno));
		return -1;
	}
	pid = fork();
	if (!pid) {
		become(argv, output);
		pr_err("cannot run %s: %s: is it installed, and in PATH?",
		       argv[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		pr_err("cannot fork: %s: free some memory, or raise the limit on processes",
		       strerror(errno));
	return pid;
}

/*
 * The first process of a namespace is not killed by a signal that it does not handle,
 * as any other program would be. Returns whether it had to be killed instead.
 */
static bool terminate(pid_t pid)
{
	bool kills = child_signal_effect(pid, SIGTERM) == CHILD_SIGNAL_KILLS;

	kill(pid, kills ? SIGKILL : SIGTERM);
	return kills;
}

/* What it writes is ours to write; false at its end. */
static bool relay(int output)
{
	char text[4096];
	ssize_t n = read(output, text, sizeof(text)), done = 0, len;

	while (done < n) {
		len = write(STDERR_FILENO, text + done, n - done);
		if (len <= 0)
			break;
		done += len;
	}
	return n > 0;
}

/* Has the service exited? Other children of ours are @on_child's. */
static bool reap(pid_t pid, int *status,
		 void (*on_child)(void *user, pid_t pid, int status), void *user)
{
	pid_t child;

	while ((child = waitpid(-1, status, WNOHANG)) > 0) {
		if (child == pid)
			return true;
		on_child(user, child, *status);
	}
	return false;
}

/* Has it been killed for not handling SIGTERM? */
static bool take_signal(int fd, pid_t pid)
{
	struct signalfd_siginfo si;

	return read(fd, &si, sizeof(si)) == sizeof(si) &&
	       si.ssi_signo == SIGTERM && terminate(pid);
}

/*
 * Stand for the service until it exits; returns its wait status. @on_child is told of
 * the end of other children.
 */
int namespace_watch(pid_t pid, int output,
		    void (*on_child)(void *user, pid_t pid, int status),
		    void *user)
{
	struct pollfd pfd[2] = {
		{ .events = POLLIN }, { .fd = output, .events = POLLIN },
	};
	bool killed = false;
	sigset_t mask;
	int status = -1;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	pfd[0].fd = signalfd(-1, &mask, SFD_CLOEXEC);
	while (!reap(pid, &status, on_child, user)) {
		if (poll(pfd, 2, -1) < 0 && errno != EINTR)
			return status;
		if (pfd[1].revents && !relay(output))
			pfd[1].fd = -1;
		if (pfd[0].revents & POLLIN)
			killed |= take_signal(pfd[0].fd, pid);
	}
	/* It may have said why it exits; others that hold the pipe are gone as well. */
	while (poll(&pfd[1], 1, 0) > 0 && relay(output))
		;
	return killed ? SIGTERM : status;	/* as if by that alone */
}

/* The PID namespace of a process; 0 when that is not there any more. */
static ino_t namespace_of(const char *pid)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/ns/pid", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* Have each process of the namespace looked at whose first process is @first. */
void namespace_each(pid_t first, void (*look)(void *user, pid_t pid), void *user)
{
	struct dirent *entry;
	char text[16];
	ino_t ns;
	DIR *proc;

	snprintf(text, sizeof(text), "%d", first);
	ns = namespace_of(text);
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		if (atoi(entry->d_name) && namespace_of(entry->d_name) == ns)
			look(user, atoi(entry->d_name));
	}
	if (proc)
		closedir(proc);
}
