// SPDX-License-Identifier: GPL-2.0
/*
 * Linked into lukeep beside lukeep-shim.c: the machine's initramfs has the same root as
 * its host, and its processes are in no cgroups of their own. In its folder are
 *
 *	no-root		a service cannot get a root in the initramfs, if there
 *	unloadable	libraries of which a keeper cannot be loaded there, if there
 *	early		what else is done: a line each time
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lukeep-machine.h"

static void note(const char *what, const char *name)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/early", getenv(MACHINE));
	f = fopen(path, "ae");
	if (f) {
		fprintf(f, "%s %s\n", what, name);
		fclose(f);
	}
}

int __wrap_early_root_enter(const char *run_dir);
int __wrap_early_root_enter(const char *run_dir)
{
	char path[PATH_MAX];

	(void)run_dir;
	snprintf(path, sizeof(path), "%s/no-root", getenv(MACHINE));
	if (access(path, F_OK))
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	note("no root", "");
	return -1;
}

int __wrap_early_root_leave(int host);
int __wrap_early_root_leave(int host)
{
	(void)host;
	note("host's root", "");
	return 0;
}

int __wrap_early_cgroup_enter(const char *name);
int __wrap_early_cgroup_enter(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/unloadable", getenv(MACHINE));
	if (!access(path, F_OK))
		setenv("LD_LIBRARY_PATH", path, 1);
	note("own cgroup", name);
	return 0;
}

int __wrap_early_cgroup_adopt(const char *name);
int __wrap_early_cgroup_adopt(const char *name)
{
	note("unit's cgroup", name);
	return 0;
}

void __wrap_early_cgroup_kill(const char *name);
void __wrap_early_cgroup_kill(const char *name)
{
	note("killed", name);
}
