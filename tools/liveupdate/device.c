// SPDX-License-Identifier: GPL-2.0
/*
 * Opening /dev/liveupdate, also from a unit whose devices are limited.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

/* One program at a time has the device open, each of us for one call. */
#define OPEN_TRIES	500
#define OPEN_PAUSE_MS	10

#define ROOT_CGROUP_PROCS "/sys/fs/cgroup/cgroup.procs"

static int try_open(void)
{
	int fd = open(LIVEUPDATE_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Shares memory and descriptors with its parent, which waits for its end. */
static int child_open(void *arg)
{
	int *fd = arg;
	int procs = open(ROOT_CGROUP_PROCS, O_WRONLY | O_CLOEXEC);

	if (procs >= 0) {
		if (write(procs, "0", 1) == 1)
			*fd = try_open();
		close(procs);
	}
	return 0;
}

/*
 * PrivateDevices=, DevicePolicy= and DeviceAllow= put a filter into the cgroup of a
 * unit, which systemd does not lift for a command with "+". The root of the
 * cgroups has none. Only a child goes there: the memory that comes in is charged to
 * the cgroup of its caller, and that is to be the unit's.
 *
 * Returns the file descriptor, or @err if there is no way.
 */
static int open_outside_of_unit(int err)
{
	_Alignas(16) char stack[16 << 10];
	int fd = err;
	pid_t pid;

	pid = clone(child_open, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &fd);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return fd;
}

/* Open the device. Returns its file descriptor, or a negative errno. */
int device_open(void)
{
	int fd, try;

	for (try = 0; try < OPEN_TRIES; try++) {
		fd = try_open();
		if (fd == -EPERM)
			fd = open_outside_of_unit(fd);
		if (fd != -EBUSY)
			return fd;
		poll(NULL, 0, OPEN_PAUSE_MS);
	}
	return fd;
}
