/* SPDX-License-Identifier: GPL-2.0 */
/* Running CRIU. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CRIU_H
#define _LUKEEP_CRIU_H

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-daemon.h>

/* How a call can end, besides well. */
enum {
	CRIU_FAILED = 1,
	CRIU_KILLED = 2,
};

/**
 * struct criu_call - a call of CRIU
 * @path: folder of the service's images
 * @dir:  the same, open
 * @name: the folder in it that this call is about
 * @argv: the arguments so far
 * @argc: how many
 */
struct criu_call {
	const char *path;
	int dir;
	const char *name;
	char *argv[40];
	int argc;
};

void criu_begin(struct criu_call *call, const char *verb);
_sd_printf_(2, 3) void criu_add(struct criu_call *call, const char *fmt, ...);
pid_t criu_start(struct criu_call *call);
int criu_judge(const struct criu_call *call, int status);
int criu_run_beside(struct criu_call *call,
		    void (*beside)(void *user, int pidfd), void *user);
int criu_run(struct criu_call *call);
void criu_kill(const char *path);
bool criu_explain(const char *verb, int folder, const char *path);

#endif /* _LUKEEP_CRIU_H */
