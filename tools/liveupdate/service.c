// SPDX-License-Identifier: GPL-2.0
/*
 * Starting a service on its memfds, stopping it, and watching it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lukeep.h"

/* The signals we live by are blocked, and read from here. */
static int signals = -1;
static sigset_t service_mask;
static bool stop_requested;

int service_init_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, &service_mask);
	signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		pr_err("cannot create a signalfd: %s: the kernel needs CONFIG_SIGNALFD",
		       strerror(errno));
		return -1;
	}
	return 0;
}

/* Take the signals that came; they woke us up, and some ask us to end. */
static void read_signals(void)
{
	struct signalfd_siginfo si;

	while (read(signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			stop_requested = true;
	}
}

/* In the child: become the service. Returns only when that failed. */
static void become_service(const struct service *svc)
{
	const struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (fcntl(m->fd, F_SETFD, 0))
			return;
	}
	sigprocmask(SIG_SETMASK, &service_mask, NULL);
	execvp(svc->argv[0], svc->argv);
}

/*
 * A service that stamps what it saves with the second, as memcached does,
 * throws it away unless the clock has gone on. But the new kernel took its time
 * from the RTC, which may differ from the time that the previous kernel had.
 */
static void let_clock_go_on(const struct service *svc)
{
	struct timespec ts = { .tv_sec = svc->stopped + 1 };
	time_t behind = svc->stopped - time(NULL);

	if (behind > 0) {
		if (clock_settime(CLOCK_REALTIME, &ts))
			pr_err("the clock is %lld s before the service's stop, and cannot be set: %s: the service may drop its data",
			       (long long)behind, strerror(errno));
		else
			pr_info("the clock was %lld s before the service's stop: set forward",
				(long long)behind);
		return;
	}
	while (time(NULL) <= svc->stopped)
		poll(NULL, 0, 10);
}

static int link_memfds(struct service *svc)
{
	if (memory_link(svc, MEMFD_MEMORY))
		return -1;
	/* A service may take an empty file for a damaged one. */
	if (memory_is_saved(svc))
		return memory_link(svc, MEMFD_SAVE);
	return memory_unlink(svc, MEMFD_SAVE);
}

/* Start the service on its memfds. */
int service_start(struct service *svc)
{
	int report[2], err;
	ssize_t n;

	svc->status = W_EXITCODE(EXIT_FAILURE, 0);	/* until we know better */
	if (link_memfds(svc))
		return -1;
	let_clock_go_on(svc);

	if (pipe2(report, O_CLOEXEC)) {
		pr_err("cannot create a pipe: %s: raise the limit on open files",
		       strerror(errno));
		return -1;
	}
	svc->pid = fork();
	if (!svc->pid) {
		become_service(svc);
		err = errno;
		n = write(report[1], &err, sizeof(err));
		_exit(n == sizeof(err) ? 127 : 126);
	}
	err = errno;
	close(report[1]);
	if (svc->pid < 0) {
		svc->pid = 0;
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
		waitpid(svc->pid, &svc->status, 0);
		svc->pid = 0;
		pr_err("cannot run %s: %s: is it installed, and in PATH?",
		       svc->argv[0], strerror(n > 0 ? err : EIO));
		return -1;
	}
	svc->restart = false;
	return 0;
}

/* Has the service exited? Then its status is in @svc->status. */
bool service_reap(struct service *svc)
{
	if (svc->pid && waitpid(svc->pid, &svc->status, WNOHANG) != svc->pid)
		return false;
	if (svc->pid) {
		svc->pid = 0;
		svc->stopped = time(NULL);
	}
	return true;
}

static void describe_status(int status, char *buf, size_t len)
{
	if (WIFSIGNALED(status))
		snprintf(buf, len, "was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(buf, len, "exited with status %d", WEXITSTATUS(status));
}

static time_t monotonic_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Wait until the service has exited or @seconds are over. */
static bool wait_for_exit(struct service *svc, int seconds)
{
	struct pollfd pfd = { .fd = signals, .events = POLLIN };
	time_t end = monotonic_seconds() + seconds;
	time_t left;

	while (!service_reap(svc)) {
		left = end - monotonic_seconds();
		if (left <= 0)
			return false;
		poll(&pfd, 1, left * 1000);
		read_signals();
	}
	return true;
}

/* Have the service save its state and stop. */
int service_save(struct service *svc)
{
	char status[80];

	if (memory_clear_saved(svc) || memory_link(svc, MEMFD_SAVE))
		return -1;
	if (kill(svc->pid, svc->save_signal)) {
		pr_err("cannot signal the service: %s: run lukeep as root",
		       strerror(errno));
		return -1;
	}
	if (!wait_for_exit(svc, svc->timeout)) {
		svc->restart = true;
		pr_err("the service has not stopped within %d s: give it more with --timeout",
		       svc->timeout);
		return -1;
	}

	describe_status(svc->status, status, sizeof(status));
	if (!WIFEXITED(svc->status) || WEXITSTATUS(svc->status)) {
		memory_clear_saved(svc);
		pr_err("the service %s instead of saving: see what it logged, and that %s is its save signal",
		       status, strsignal(svc->save_signal));
		return -1;
	}
	if (!memory_is_saved(svc)) {
		pr_err("the service %s, but saved nothing: is --save the path it writes?",
		       status);
		return -1;
	}
	return 0;
}

/* The service has exited; returns true when it runs again. */
static bool handle_exit(struct service *svc)
{
	char status[80];

	describe_status(svc->status, status, sizeof(status));
	pr_info("the service %s", status);
	if (!svc->restart)
		return false;
	if (service_start(svc))
		return false;
	pr_info("the service is back at work (pid %d)", svc->pid);
	return true;
}

/* Watch the service and serve requests until one of us is to end. */
int service_run(struct service *svc, int listener)
{
	struct pollfd pfd[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = listener, .events = POLLIN },
	};

	for (;;) {
		if (service_reap(svc) && !handle_exit(svc))
			return WIFEXITED(svc->status) ?
			       WEXITSTATUS(svc->status) : EXIT_FAILURE;
		if (stop_requested) {
			stop_requested = false;
			svc->restart = false;
			kill(svc->pid, SIGTERM);
		}
		if (poll(pfd, ARRAY_SIZE(pfd), -1) <= 0)
			continue;
		read_signals();
		if (pfd[1].revents && !stop_requested)
			control_serve(listener, svc);
	}
}
