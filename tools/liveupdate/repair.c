// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets that CRIU has left in repair. It puts connections into that mode to find
 * out what they are, and takes them out of it; but not if it was killed meanwhile. Then
 * they would neither send nor receive any more, although the service lives.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "namespace.h"
#include "proc.h"
#include "repair.h"

static bool end_of_socket(void *pidfd, const char *link)
{
	int number = atoi(strrchr(link, '/') + 1), mode = 0, fd;
	socklen_t len = sizeof(mode);

	fd = pidfd_getfd(*(int *)pidfd, number, 0);
	if (fd < 0)
		return false;
	if (!getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, &len) && mode) {
		mode = 0;
		setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, sizeof(mode));
	}
	close(fd);
	return false;
}

static void end_of_process(void *user, pid_t pid)
{
	int pidfd = pidfd_open(pid, 0);

	(void)user;
	if (pidfd < 0)
		return;
	proc_find_link(pid, "fd", end_of_socket, &pidfd);
	close(pidfd);
}

/* Of all processes of the service whose first process is @first */
void repair_end(pid_t first)
{
	namespace_each(first, end_of_process, NULL);
}
