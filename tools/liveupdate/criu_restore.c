// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring a service by CRIU, if need be before its memory is there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "criu.h"
#include "criu_restore.h"
#include "message.h"
#include "namespace.h"
#include "netlock.h"
#include "proc.h"
#include "repair.h"
#include "serve.h"
#include "util.h"
#include "window.h"

/* Of CRIU that brings in memory; it says it is there by its socket. */
#define IMAGES_SOCKET	IMAGES_DUMP "/lazy-pages.socket"
#define SOCKET_PAUSE	10000	/* us */

#define BOOT_ID_FILE	"/proc/sys/kernel/random/boot_id"
#define BOOT_ID		64

/**
 * struct lazy - CRIU as it brings in memory that a service needs
 * @call:    its call
 * @pid:     its process, 0 when it has ended
 * @service: the service
 */
struct lazy {
	struct criu_call call;
	pid_t pid;
	pid_t service;
};

/* CRIU leaves the first process to us as our child; its pid is in a file. */
static pid_t pid_restored(const struct folder *f)
{
	char text[16];
	int pid = -1;

	if (images_read(f->dir, IMAGES_DUMP "/pid", text, sizeof(text)) ||
	    sscanf(text, "%d", &pid) != 1)
		pr_err("criu restore has not said what it has restored");
	return pid;
}

static void begin_restore(struct criu_call *call, const struct folder *f,
			  const char *verb)
{
	*call = (struct criu_call){
		.path = f->path, .dir = f->dir, .name = IMAGES_DUMP,
	};
	criu_begin(call, verb);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { };

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
	       info.si_pid == pid;
}

/*
 * Start what brings in memory when it is needed, and all of it by and by. On a slow
 * host it takes its time to be there. Returns 0 if it ends before: then all memory
 * has to be brought in first.
 */
static pid_t start_lazy(struct criu_call *call, const struct folder *f)
{
	int status;
	pid_t pid;

	images_remove(f->dir, IMAGES_SOCKET);
	begin_restore(call, f, "lazy-pages");
	pid = criu_start(call);
	while (pid > 0 && !images_has(f->dir, IMAGES_SOCKET)) {
		if (has_ended(pid)) {
			waitpid(pid, &status, 0);
			criu_judge(call, status);
			pr_warn("all of its memory is brought in before it goes on");
			return 0;
		}
		usleep(SOCKET_PAUSE);
	}
	return pid;
}

static pid_t restore_all(const struct folder *f, int output, bool lazy,
			 const struct pages *pages)
{
	struct criu_call call;
	char was[24];
	int ret;

	if (images_read(f->dir, IMAGES_OUTPUT, was, sizeof(was))) {
		pr_err("cannot read %s/" IMAGES_OUTPUT, f->path);
		return -1;
	}
	images_remove(f->dir, IMAGES_DUMP "/pid");
	begin_restore(&call, f, "restore");
	criu_add(&call, "--restore-detached");
	criu_add(&call, "--restore-sibling");
	criu_add(&call, "--pidfile");
	criu_add(&call, "pid");
	criu_add(&call, "--tcp-established");
	criu_add(&call, "--file-locks");
	criu_add(&call, "--inherit-fd");
	criu_add(&call, "fd[%d]:pipe:[%lu]", output, strtoul(was, NULL, 10));
	if (lazy)
		criu_add(&call, "--lazy-pages");
	window_mend(f->dir, IMAGES_DUMP);
	ret = pages ? serve_run(&call, pages) : criu_run(&call);
	return ret ? -1 : pid_restored(f);
}

/*
 * What is restored has our pipe for its output from the beginning, and nobody else has;
 * all else of it changes from CRIU's to its own. A pipe has its number in this kernel
 * alone.
 */
static int begin_restoring(const struct folder *f, int output)
{
	char boot[BOOT_ID], text[BOOT_ID + 32];
	struct stat st;

	if (images_read(AT_FDCWD, BOOT_ID_FILE, boot, sizeof(boot)) ||
	    fstat(output, &st))
		return -1;
	snprintf(text, sizeof(text), "pipe:[%lu] %s", (unsigned long)st.st_ino,
		 boot);
	return images_write(f->dir, IMAGES_RESTORING, text);
}

static bool is_pipe(void *pipe, const char *link)
{
	char target[64];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	target[n < 0 ? 0 : n] = '\0';
	return !strcmp(target, pipe);
}

/* Kill each process but us that has this pipe. */
static void kill_with(char *pipe)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t pid;

	while (proc && (entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		if (pid > 0 && pid != getpid() &&
		    proc_find_link(pid, "fd", is_pipe, pipe))
			kill(pid, SIGKILL);
	}
	if (proc)
		closedir(proc);
}

/* Nothing is left of a restore that did not come to its end. */
void restore_forget(const struct folder *f)
{
	char text[BOOT_ID + 32], boot[BOOT_ID], pipe[32], then[BOOT_ID];

	criu_kill(f->path);
	if (images_read(f->dir, IMAGES_RESTORING, text, sizeof(text)) ||
	    images_read(AT_FDCWD, BOOT_ID_FILE, boot, sizeof(boot)))
		return;
	boot[strcspn(boot, "\n")] = '\0';
	if (sscanf(text, "%31s %63s", pipe, then) == 2 && !strcmp(boot, then))
		kill_with(pipe);
	images_remove(f->dir, IMAGES_RESTORING);
}

/* All memory is there, or never will be. */
static void on_lazy_end(void *user, pid_t pid, int status)
{
	struct lazy *lazy = user;

	if (pid != lazy->pid)
		return;
	lazy->pid = 0;
	if (!criu_judge(&lazy->call, status)) {
		images_clear(lazy->call.dir);
		return;
	}
	/* What has not come yet would be empty. */
	pr_err("its memory cannot be brought in any more: it is killed, and what it had is lost: with lazy = no all is brought in before it goes on");
	kill(lazy->service, SIGKILL);
}

/*
 * A restore that fails leaves the images as they are. If memory was dumped into pipes,
 * it is in @pages, from which it can be read once, and only as a whole.
 */
int restore_service(const struct folder *f, bool lazily, struct pages *pages)
{
	bool piped = images_has(f->dir, IMAGES_PIPES);
	double begin = clock_now();
	struct lazy lazy = { };
	int output[2];
	pid_t pid;

	if (!images_has(f->dir, IMAGES_SAVED)) {
		pr_err("there is nothing to restore in %s", f->path);
		return images_fail(f);
	}
	if (piped && serve_check(f->dir, IMAGES_DUMP, pages))
		return images_fail(f);
	images_remove(f->dir, IMAGES_SERVICE);
	restore_forget(f);
	if (netlock_load(f->name) || pipe2(output, O_CLOEXEC) ||
	    begin_restoring(f, output[1]))
		return images_fail(f);
	if (lazily && !piped)
		lazy.pid = start_lazy(&lazy.call, f);
	fcntl(output[1], F_SETFD, 0);
	pid = restore_all(f, output[1], lazy.pid > 0, piped ? pages : NULL);
	if (pid < 0) {
		restore_forget(f);
		if (piped)
			serve_check(f->dir, IMAGES_DUMP, pages);
		return images_fail(f);
	}
	pages_drop(pages);
	lazy.service = pid;
	images_remove(f->dir, IMAGES_RESTORING);
	repair_timers(pid);
	netlock_end(f->name);
	if (lazy.pid > 0)
		images_write(f->dir, IMAGES_LAZY, "");
	images_remove(f->dir, IMAGES_SAVED);
	images_remove(f->dir, IMAGES_DUMPING);
	if (lazy.pid <= 0)
		images_clear(f->dir);
	if (images_announce(f, pid, output[1]))
		return images_fail(f);
	pr_info("restore: %.3f s", clock_now() - begin);
	close_fd(&output[1]);
	return images_end(f, namespace_watch(pid, output[0], on_lazy_end, &lazy));
}
