// SPDX-License-Identifier: GPL-2.0
/*
 * Linked into lukeep beside lukeep-shim.c: a tmpfs is mounted on this host, in the
 * namespace of the machine that is feigned; but the machine is asked before one is made
 * read-only or writable, since it can be in one of its sessions.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "lukeep-machine.h"

int __real_fspick(int dir, const char *path, unsigned int flags);
int __real_fsconfig(int fs, unsigned int cmd, const char *key,
		    const void *value, int aux);

/* This host's first process is in another one than the machine. */
int __wrap_setns(int fd, int type);
int __wrap_setns(int fd, int type)
{
	(void)fd;
	(void)type;
	return 0;
}

/* The one that is about to be changed. */
static char picked[PATH_MAX];

int __wrap_fspick(int dir, const char *path, unsigned int flags);
int __wrap_fspick(int dir, const char *path, unsigned int flags)
{
	snprintf(picked, sizeof(picked), "%s", path);
	return __real_fspick(dir, path, flags);
}

static int ask(enum machine_call call)
{
	struct machine_request request = { .call = call };
	struct machine_answer answer;
	int machine = machine_connect(getenv(MACHINE));
	int root = open(picked, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = machine_call(machine, &request, root, &answer, NULL);
	int err = errno;

	close(machine);
	close(root);
	errno = err;
	return ret;
}

int __wrap_fsconfig(int fs, unsigned int cmd, const char *key,
		    const void *value, int aux);
int __wrap_fsconfig(int fs, unsigned int cmd, const char *key,
		    const void *value, int aux)
{
	if (cmd == FSCONFIG_SET_FLAG && *picked && !strcmp(key, "ro") &&
	    ask(CALL_FREEZE))
		return -1;
	if (cmd == FSCONFIG_SET_FLAG && *picked && !strcmp(key, "rw") &&
	    ask(CALL_THAW))
		return -1;
	if (cmd == FSCONFIG_CMD_RECONFIGURE)
		*picked = '\0';
	return __real_fsconfig(fs, cmd, key, value, aux);
}
