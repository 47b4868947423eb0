// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets that CRIU has left in repair. It puts connections into that mode to find
 * out what they are, and takes them out of it; but not if it was killed meanwhile. Then
 * they would neither send nor receive any more, although the service lives.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "namespace.h"
#include "repair.h"

static void end_of_socket(int pidfd, int number)
{
	int fd = pidfd_getfd(pidfd, number, 0), mode = 0;
	socklen_t len = sizeof(mode);

	if (fd < 0)
		return;
	if (!getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, &len) && mode) {
		mode = 0;
		setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, sizeof(mode));
	}
	close(fd);
}

static void end_of_process(void *user, pid_t pid)
{
	int pidfd = pidfd_open(pid, 0);
	struct dirent *entry;
	char path[32];
	DIR *dir;

	(void)user;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = pidfd < 0 ? NULL : opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name != '.')
			end_of_socket(pidfd, atoi(entry->d_name));
	}
	if (dir)
		closedir(dir);
	if (pidfd >= 0)
		close(pidfd);
}

/* Of all processes of the service whose first process is @first */
void repair_end(pid_t first)
{
	namespace_each(first, end_of_process, NULL);
}
