// SPDX-License-Identifier: GPL-2.0
/*
 * Starting a keeper where systemd does not.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arrive.h"
#include "child.h"
#include "declaration.h"
#include "message.h"
#include "packet.h"
#include "pidfile.h"
#include "spawn.h"
#include "survivor.h"

/* Nothing of ours stays open with a keeper that waits for what came in. */
static void close_others(int listener)
{
	if (listener > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, listener - 1, 0);
	close_range(listener + 1, ~0U, 0);
}

/* In the keeper to be: it is a child of init, so that nothing hangs on us. */
static void become_keeper(const char *name, const char *conf_dir,
			  const char *run_dir, int listener)
{
	message_forward(NULL);
	close_others(listener);
	message_open(name);
	unsetenv("NOTIFY_SOCKET");
	child_default_signals();
	if (arrive_for_exec(name, conf_dir, run_dir, listener))
		return;
	execl("/proc/self/exe", SURVIVOR_NAME, "keep", "--config-dir", conf_dir,
	      "--run-dir", run_dir, name, NULL);
}

/* Make the folder of the service that a unit has as its RuntimeDirectory=. */
static int make_folder(const char *name, const char *run_dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s-%s", run_dir, name);
	if (!mkdir(path, 0755) || errno == EEXIST)
		return 0;
	pr_err("%s: cannot create %s: %s: make its folder writable", name, path,
	       strerror(errno));
	return -1;
}

/*
 * Start a keeper. It can be connected to at once, and answers when it has what
 * came in for its service.
 */
int spawn_keeper(const char *name, const char *conf_dir, const char *run_dir)
{
	int listener;
	pid_t pid;

	if (pidfile_kill(run_dir, name))
		pr_warn("%s: its keeper had died, and left the service behind: killed",
			name);
	if (make_folder(name, run_dir))
		return -1;
	listener = packet_listen_keeper(run_dir, name);
	if (listener < 0)
		return -1;
	pid = fork();
	if (!pid) {
		setsid();
		if (!fork())
			become_keeper(name, conf_dir, run_dir, listener);
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
