// SPDX-License-Identifier: GPL-2.0
/*
 * Running CRIU, and finding out from its log why it has failed.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "criu.h"
#include "message.h"
#include "util.h"

#define LOG_SUFFIX	".log"
#define IMAGES_DIR	"--images-dir"

/*
 * CRIU says so of memory that was not there in the last pre-dump, and of programs that
 * need not be installed, and goes on.
 */
static const char * const harmless[] = {
	"No parent image found", "iptables", "ip6tables",
};

/* Add an argument. There is room for all that we have, and memory for what is so small. */
void criu_add(struct criu_call *call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (call->argc < (int)ARRAY_SIZE(call->argv) - 1 &&
	    vasprintf(&call->argv[call->argc], fmt, ap) >= 0)
		call->argc++;
	va_end(ap);
}

/* Begin a call, with what each call of CRIU has. */
void criu_begin(struct criu_call *call, const char *verb)
{
	memset(call->argv, 0, sizeof(call->argv));
	call->argc = 0;
	criu_add(call, "criu");
	criu_add(call, "%s", verb);
	criu_add(call, IMAGES_DIR);
	criu_add(call, "%s/%s", call->path, call->name);
	criu_add(call, "--log-file");
	criu_add(call, "%s" LOG_SUFFIX, verb);
	criu_add(call, "-v2");
}

static char *error_in(char *line)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(harmless); i++) {
		if (strstr(line, harmless[i]))
			return NULL;
	}
	return strstr(line, "Error (");
}

/*
 * Say why CRIU has failed: the first error in its log is what happened, and those
 * after it what came of that. The log is in a folder, which @path names. Returns false
 * when there is no error in it.
 */
bool criu_explain(const char *verb, int folder, const char *path)
{
	char line[512], name[64], *error = NULL;
	FILE *log;
	int fd;

	snprintf(name, sizeof(name), "%s" LOG_SUFFIX, verb);
	fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	log = fd < 0 ? NULL : fdopen(fd, "r");
	while (log && !error && fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = '\0';
		error = error_in(line);
	}
	if (error)
		pr_err("criu %s: %s: more is in %s/%s", verb,
		       message_shown(error), path, name);
	if (log)
		fclose(log);
	return error;
}

static void explain(const struct criu_call *call)
{
	int folder = openat(call->dir, call->name, O_RDONLY | O_DIRECTORY |
			    O_CLOEXEC);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", call->path, call->name);
	if (!criu_explain(call->argv[1], folder, path))
		pr_err("criu %s has failed, and has not said why: is CRIU whole?",
		       call->argv[1]);
	close_fd(&folder);
}

/*
 * Start it; what it inherits is up to us. It ends with us, as nobody would know of it.
 * Returns its pid, or -1, which is said.
 */
pid_t criu_start(struct criu_call *call)
{
	pid_t us = getpid(), pid = fork();

	if (!pid) {
		child_default_signals();
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != us)
			_exit(EXIT_FAILURE);
		execvp(call->argv[0], call->argv);
		_exit(127);
	}
	if (pid < 0)
		pr_err("cannot fork: %s: free some memory", strerror(errno));
	return pid;
}

/* It has exited: 0 if all is well, else why it has not is said, and returned. */
int criu_judge(const struct criu_call *call, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		pr_err("cannot run criu: is it installed, and in PATH?");
	else if (WIFSIGNALED(status))
		pr_err("criu %s was killed by signal %d", call->argv[1],
		       WTERMSIG(status));
	else if (status)
		explain(call);
	return WIFSIGNALED(status) ? CRIU_KILLED : status ? CRIU_FAILED : 0;
}

static pid_t running;

/* It takes too long. We have to see to what it leaves behind. */
static void on_term(int sig)
{
	(void)sig;
	kill(running, SIGKILL);
}

/*
 * Run it to its end, and @beside it what it needs, until the pidfd can be read; what is
 * returned is as above.
 */
int criu_run_beside(struct criu_call *call,
		    void (*beside)(void *user, int pidfd), void *user)
{
	int status, pidfd;
	pid_t pid;

	running = criu_start(call);
	if (running < 0)
		return CRIU_FAILED;
	signal(SIGTERM, on_term);
	pidfd = beside ? pidfd_open(running, 0) : -1;
	if (pidfd >= 0)
		beside(user, pidfd);
	else if (beside)
		kill(running, SIGKILL);
	close_fd(&pidfd);
	pid = waitpid(running, &status, 0);
	signal(SIGTERM, SIG_DFL);
	return pid < 0 ? CRIU_FAILED : criu_judge(call, status);
}

int criu_run(struct criu_call *call)
{
	return criu_run_beside(call, NULL, NULL);
}

/* Has this process been run for a folder of images in @path? */
static bool is_for(const char *pid, const char *path)
{
	char name[300], arguments[4 * PATH_MAX], *option;
	size_t len = strlen(path);
	ssize_t n = -1;
	int fd;

	snprintf(name, sizeof(name), "/proc/%s/cmdline", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, arguments, sizeof(arguments) - 1);
		close(fd);
	}
	if (n < 0)
		return false;
	arguments[n] = '\0';
	option = memmem(arguments, n, IMAGES_DIR, sizeof(IMAGES_DIR));
	return option && !strncmp(option + sizeof(IMAGES_DIR), path, len) &&
	       option[sizeof(IMAGES_DIR) + len] == '/';
}

/*
 * Kill each CRIU that works on the folder @path: one that is left over, or a service that
 * it has half restored, which is still a copy of it.
 */
void criu_kill(const char *path)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		if (atoi(entry->d_name) > 0 && is_for(entry->d_name, path))
			kill(atoi(entry->d_name), SIGKILL);
	}
	if (proc)
		closedir(proc);
}
