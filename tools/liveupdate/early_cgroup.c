// SPDX-License-Identifier: GPL-2.0
/*
 * The cgroup of a service that resumes in the initramfs, until it gets that of its unit.
 *
 * The rest of the host boots beside it, with less of the processors. systemd leaves the
 * cgroup alone as it starts, and spares it, from version 255 on, when it was the
 * first process of the initramfs and ends what is left there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "early_cgroup.h"
#include "message.h"
#include "util.h"

#define PROCS		"cgroup.procs"
#define SPARED		"user.survive_final_kill_signal"

/* How long the end of what was killed is waited for, in steps, in ms. */
#define KILL_TIMEOUT	10000
#define KILL_STEP	10

/* A process whose first thread has ended is there as long as the others are, though moved. */
#define ROUNDS		100

/*
 * Others have 100. More would keep a host whose processors are all busy with the service
 * from booting before systemd gives up on its devices.
 */
#define WEIGHT		"1000"

/* The cgroups, in a mount that nobody else sees; -1 where there are none. */
static int open_cgroups(void)
{
	int fs = fsopen("cgroup2", FSOPEN_CLOEXEC), fd = -1;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	close_fd(&fs);
	return fd;
}

static int write_file(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	close_fd(&fd);
	return n < 0 ? -1 : 0;
}

/* Without these it works as well. */
static void prefer(int cgroups, int own)
{
	write_file(cgroups, "cgroup.subtree_control", "+cpu");
	write_file(own, "cpu.weight", WEIGHT);
	if (fsetxattr(own, SPARED, "1", 1, 0))
		errno = 0;
}

static void name_cgroup(char path[NAME_MAX], const char *name)
{
	snprintf(path, NAME_MAX, "lukeep-%s", name);
}

/* Go to the cgroup of the service @name; -1 if that cannot be, which is said. */
int early_cgroup_enter(const char *name)
{
	int cgroups = open_cgroups(), own = -1, ret = -1;
	char path[NAME_MAX];

	name_cgroup(path, name);
	if (cgroups >= 0 && (!mkdirat(cgroups, path, 0755) || errno == EEXIST))
		own = openat(cgroups, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own >= 0)
		ret = write_file(own, PROCS, "0");
	if (ret)
		pr_err("it is not resumed in the initramfs: cannot make a cgroup for it: %s: the kernel needs CONFIG_CGROUPS",
		       strerror(errno));
	else
		prefer(cgroups, own);
	close_fd(&own);
	close_fd(&cgroups);
	return ret;
}

/* Our own cgroup, below that of all. */
static int own_path(char path[PATH_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	int ret = -1;

	while (ret && f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4))
			continue;
		ret = snprintf(path, PATH_MAX, "%s%s" PROCS, line + 4,
			       line[4] ? "/" : "") < PATH_MAX ? 0 : -1;
	}
	if (f)
		fclose(f);
	return ret;
}

/* Move the processes that there are; returns how many there were, or -1. */
static int move_some(int cgroups, const char *from, const char *to)
{
	int fd = openat(cgroups, from, O_RDONLY | O_CLOEXEC), nr = 0, pid;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char number[12];

	if (!f) {
		close_fd(&fd);
		return errno == ENOENT ? 0 : -1;
	}
	while (nr >= 0 && fscanf(f, "%d", &pid) == 1) {
		snprintf(number, sizeof(number), "%d", pid);
		nr++;
		/* One that has ended is not there any more. */
		if (write_file(cgroups, to, number) && errno != ESRCH)
			nr = -1;
	}
	fclose(f);
	return nr;
}

/* Have keeper and service, and all that these have started, in our own cgroup. */
int early_cgroup_adopt(const char *name)
{
	char from[NAME_MAX + sizeof(PROCS) + 1], to[PATH_MAX], path[NAME_MAX];
	int cgroups = open_cgroups(), nr = -1, rounds = ROUNDS;

	name_cgroup(path, name);
	snprintf(from, sizeof(from), "%s/" PROCS, path);
	if (cgroups >= 0 && !own_path(to)) {
		/* Those that are started meanwhile are there the next time. */
		while ((nr = move_some(cgroups, from, to)) > 0 && --rounds)
			;
	}
	if (nr < 0)
		pr_err("cannot move it to the cgroup of its unit: %s",
		       strerror(errno));
	else
		unlinkat(cgroups, path, AT_REMOVEDIR);
	close_fd(&cgroups);
	return nr < 0 ? -1 : 0;
}

/* Its keeper has died: end what is left there. */
void early_cgroup_kill(const char *name)
{
	char file[NAME_MAX + sizeof("/cgroup.kill")], path[NAME_MAX];
	int cgroups = open_cgroups(), left;

	name_cgroup(path, name);
	snprintf(file, sizeof(file), "%s/cgroup.kill", path);
	if (cgroups >= 0 && !write_file(cgroups, file, "1")) {
		/* It can be removed when they have ended. */
		for (left = KILL_TIMEOUT; left > 0 &&
		     unlinkat(cgroups, path, AT_REMOVEDIR) && errno == EBUSY;
		     left -= KILL_STEP)
			poll(NULL, 0, KILL_STEP);
	}
	close_fd(&cgroups);
}
