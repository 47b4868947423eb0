// SPDX-License-Identifier: GPL-2.0
/*
 * A keeper that was started in the initramfs, when the host is up: it and its service
 * get the host's root, and where systemd is, they become those of their unit.
 *
 * A file says that there is such a keeper. It is there until all of this is done, so
 * that who is killed meanwhile is followed by another.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "adoption.h"
#include "early_cgroup.h"
#include "message.h"
#include "packet.h"
#include "pidfile.h"
#include "util.h"

#define EARLY_SUFFIX	".early"

/* A keeper that works answers at once. It is asked again, or waited for, in steps. */
#define ANSWER_TIMEOUT	10000	/* ms */
#define MOMENT		1000	/* ms */

/*
 * Before it begins it may wait for services of a higher order. Much longer a unit does
 * not wait: other units wait for that.
 */
#define UNIT_TIMEOUT	120000	/* ms */

static void file_of(char path[PATH_MAX], const char *name, const char *run_dir)
{
	snprintf(path, PATH_MAX, "%s/%s" EARLY_SUFFIX, run_dir, name);
}

/* A keeper is about to be started in the initramfs. */
void adoption_expect(const char *name, const char *run_dir)
{
	char path[PATH_MAX];
	int fd;

	file_of(path, name, run_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close_fd(&fd);
}

bool adoption_is_expected(const char *name, const char *run_dir)
{
	char path[PATH_MAX];

	file_of(path, name, run_dir);
	return !access(path, F_OK);
}

/* There is no such keeper, or not any more. */
void adoption_forget(const char *name, const char *run_dir)
{
	char path[PATH_MAX];

	file_of(path, name, run_dir);
	unlink(path);
}

/* What its keeper is to know of its unit; NULL where there is none. */
static json_t *request(void)
{
	return json_pack("{ss ss* ss*}", "verb", "adopt",
			 "notify", getenv("NOTIFY_SOCKET"),
			 "stream", message_to_journal() ?
			 getenv("JOURNAL_STREAM") : NULL);
}

/**
 * struct patience - how long a keeper is waited for
 * @name:    its service
 * @run_dir: the folder of the sockets
 * @timeout: in ms, as long as it does not wait itself for what came in
 * @waited:  of that
 * @stopped: becomes readable when the unit is stopped; -1 if there is none
 */
struct patience {
	const char *name;
	const char *run_dir;
	int timeout;
	int waited;
	int stopped;
};

static bool is_waiting(const struct patience *p)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s" WAITING_SUFFIX, p->run_dir,
		 p->name);
	return !access(path, F_OK);
}

/*
 * Wait for a moment, or until @fd has something: then it returns 1. Returns -1 with errno
 * when there is no patience left, EINTR when the unit is stopped.
 */
static int wait_a_moment(struct patience *p, int fd)
{
	struct pollfd pfd[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = p->stopped, .events = POLLIN },
	};

	if (poll(pfd, ARRAY_SIZE(pfd), MOMENT)) {
		errno = EINTR;
		return pfd[0].revents ? 1 : -1;
	}
	p->waited += MOMENT;
	if (p->waited >= p->timeout && !is_waiting(p)) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (p->waited == ANSWER_TIMEOUT)
		pr_warn("its keeper in the initramfs does not answer yet");
	return 0;
}

/*
 * Have the keeper leave the initramfs. Returns its pid; 0 if there is none; -1 with errno
 * if it does not answer.
 */
static pid_t ask(struct patience *p)
{
	json_t *answer;
	int fd, pid = -1, ret;

	/* It may not even take connections. The agent has other things to do then. */
	while ((fd = packet_connect_keeper(p->run_dir, p->name)) < 0 &&
	       errno == EAGAIN && p->stopped >= 0) {
		if (wait_a_moment(p, -1))
			return -1;
	}
	if (fd < 0)
		return errno == ENOENT || errno == ECONNREFUSED ? 0 : -1;
	packet_send_fd(fd, request(), STDERR_FILENO);
	do {
		ret = wait_a_moment(p, fd);
	} while (!ret);
	if (ret > 0) {
		pid = 0;	/* it may have ended */
		answer = packet_receive(fd);
		json_unpack(answer, "{si}", "pid", &pid);
		json_decref(answer);
	}
	close(fd);
	return pid;
}

/* There is no keeper: nothing else is to be there, either. */
static bool clean_up(const char *name, const char *run_dir)
{
	bool left = pidfile_kill(run_dir, name);

	early_cgroup_kill(name);
	adoption_forget(name, run_dir);
	return left;
}

/* Its keeper was killed, and may have left it. */
static void bury(const char *name, const char *run_dir)
{
	pr_warn("the keeper of %s in the initramfs has died%s", name,
		clean_up(name, run_dir) ?
		", and left the service behind: killed" : "");
}

/* Where systemd is not. */
void adoption_by_agent(const char *name, const char *run_dir)
{
	struct patience patience = {
		.name = name,
		.run_dir = run_dir,
		.timeout = ANSWER_TIMEOUT,
		.stopped = -1,
	};
	pid_t pid;

	if (!adoption_is_expected(name, run_dir))
		return;
	pid = ask(&patience);
	if (pid < 0)
		pr_warn("%s: its keeper in the initramfs does not answer: SIGHUP has the agent ask it again",
			name);
	else if (pid)
		pr_info("%s: adopted from the initramfs (keeper %d)", name, pid);
	/* It has no more of the processors than others then. */
	if (pid > 0 && !early_cgroup_adopt(name))
		adoption_forget(name, run_dir);
	else if (!pid)
		bury(name, run_dir);
}

/*
 * The unit is stopped, and so is the service: its keeper stops it, in the time that the
 * declaration has for that, unless the keeper itself is stuck.
 */
static void stop(const char *name, const char *run_dir)
{
	int fd, left = ANSWER_TIMEOUT;
	json_t *answer = NULL;

	while ((fd = packet_connect_keeper(run_dir, name)) < 0 &&
	       errno == EAGAIN && (left -= MOMENT) > 0)
		poll(NULL, 0, MOMENT);
	if (fd >= 0 && !packet_send(fd, json_pack("{ss}", "verb", "status")))
		answer = packet_wait(fd, ANSWER_TIMEOUT);
	if (answer && !packet_send(fd, json_pack("{ss}", "verb", "stop"))) {
		do {
			json_decref(answer);
			answer = packet_wait(fd, -1);
		} while (answer);
	} else {
		pr_warn("its keeper in the initramfs does not answer: killed, with the service");
	}
	json_decref(answer);
	close_fd(&fd);
	clean_up(name, run_dir);
}

static pid_t adopt(struct patience *patience)
{
	pid_t pid = ask(patience);

	if (pid > 0 && !early_cgroup_adopt(patience->name)) {
		pr_info("adopted from the initramfs (keeper %d)", pid);
		adoption_forget(patience->name, patience->run_dir);
		return pid;
	}
	if (!pid)
		bury(patience->name, patience->run_dir);
	else if (pid < 0 && errno == EINTR)
		stop(patience->name, patience->run_dir);
	else if (pid < 0)
		pr_err("its keeper in the initramfs does not answer: %s: it is left as it is: kill it, or have it go on, and start the unit again",
		       strerror(errno));
	return pid > 0 ? -1 : pid;
}

/*
 * In a step of its unit. Returns the pid of the keeper, which is part of the unit by
 * then; 0 if there is none; -1 if it cannot be had, or the unit is stopped.
 */
pid_t adoption_by_unit(const char *name, const char *run_dir)
{
	struct patience patience = {
		.name = name,
		.run_dir = run_dir,
		.timeout = UNIT_TIMEOUT,
	};
	sigset_t term;
	pid_t pid;

	if (!adoption_is_expected(name, run_dir))
		return 0;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	patience.stopped = signalfd(-1, &term, SFD_CLOEXEC);
	pid = adopt(&patience);
	close_fd(&patience.stopped);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	return pid;
}
