// SPDX-License-Identifier: GPL-2.0
/*
 * Starting a keeper where systemd does not.
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
#include <sys/wait.h>
#include <unistd.h>

#include "adoption.h"
#include "arrive.h"
#include "child.h"
#include "declaration.h"
#include "early_cgroup.h"
#include "early_root.h"
#include "folder.h"
#include "kmsg.h"
#include "message.h"
#include "packet.h"
#include "pidfile.h"
#include "spawn.h"
#include "survivor.h"
#include "util.h"

/* How long a service waits for others at most. */
#define TURN_TIMEOUT	60	/* seconds */

/* As in lukeep@.service. */
#define OOM_SCORE	"-900"

/* Nothing of ours stays open with a keeper that waits for what came in. */
static void close_others(int listener, const struct turn *turn)
{
	int last = listener, fd;

	if (turn->wait > last)
		last = turn->wait;
	if (turn->hold > last)
		last = turn->hold;
	for (fd = STDERR_FILENO + 1; fd < last; fd++) {
		if (fd != listener && fd != turn->wait && fd != turn->hold)
			close(fd);
	}
	close_range(last + 1, ~0U, 0);
}

/* Those that are more urgent first. One that does not get ready is no reason to be away. */
static void wait_for_turn(int fd)
{
	struct pollfd pfd = { .fd = fd };

	if (fd < 0)
		return;
	if (!poll(&pfd, 1, TURN_TIMEOUT * 1000))
		pr_warn("it does not wait any longer than %d s for services of a higher order: see \"lukeep status\"",
			TURN_TIMEOUT);
	close(fd);
}

/* What a unit would see to, and where messages go until there is a journal. */
static void be_early(void)
{
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* The console is for those who boot the host. */
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	kmsg_take_output();
	if (score < 0 || write(score, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		pr_warn("cannot set the OOM score: %s", strerror(errno));
	close_fd(&null);
	close_fd(&score);
}

/*
 * In the keeper to be, in the initramfs: get a place that outlives it. The
 * keeper gets what came in. When this fails, the host starts the service.
 */
static int arrive_early(const char *name, const char *run_dir, int listener,
			int hold)
{
	int host;

	be_early();
	message_open(name);
	host = early_root_enter(run_dir);
	if (host >= 0 && !early_cgroup_enter(name) &&
	    !arrive_for_early(listener, hold, host))
		return 0;
	packet_unlisten(run_dir, name);
	adoption_forget(name, run_dir);
	return -1;
}

/* In the keeper to be: it is a child of init, so that nothing hangs on us. */
static void become_keeper(const char *name, const char *conf_dir,
			  const char *run_dir, int listener,
			  const struct turn *turn, bool early)
{
	message_forward(NULL);
	close_others(listener, turn);
	message_open(name);
	unsetenv("NOTIFY_SOCKET");
	child_default_signals();
	wait_for_turn(turn->wait);
	if (early ? arrive_early(name, run_dir, listener, turn->hold) :
		    arrive_for_exec(name, conf_dir, run_dir, listener, turn->hold))
		return;
	execl("/proc/self/exe", SURVIVOR_NAME, "keep", "--config-dir", conf_dir,
	      "--run-dir", run_dir, name, NULL);
}

/*
 * Start a keeper, in the initramfs if it is @early. It can be connected to at once, and
 * answers when it has what came in for its service.
 */
int spawn_keeper(const char *name, const char *conf_dir, const char *run_dir,
		 const struct turn *turn, bool early)
{
	int listener;
	pid_t pid;

	if (pidfile_kill(run_dir, name))
		pr_warn("%s: its keeper had died, and left the service behind: killed",
			name);
	if (folder_make(name, run_dir))
		return -1;
	listener = packet_listen_keeper(run_dir, name);
	if (listener < 0)
		return -1;
	if (early)
		adoption_expect(name, run_dir);
	pid = fork();
	if (!pid) {
		setsid();
		if (!fork())
			become_keeper(name, conf_dir, run_dir, listener, turn,
				      early);
		_exit(0);
	}
	close(listener);
	if (pid < 0) {
		pr_err("%s: cannot fork: %s: free some memory, or raise the limit on processes",
		       name, strerror(errno));
		return -1;
	}
	waitpid(pid, NULL, 0);
	return 0;
}
