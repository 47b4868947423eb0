// SPDX-License-Identifier: GPL-2.0
/*
 * How the client, the agent and the keepers talk: JSON objects, one a packet, on
 * Unix sockets in a folder that is for root only.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lukeep.h"

#define PACKET_MAX	65536
#define BACKLOG		16

static int packet_socket(const char *dir, const char *name,
			 struct sockaddr_un *addr)
{
	int fd, len;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	len = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%s", dir,
		       name);
	if (len >= (int)sizeof(addr->sun_path)) {
		pr_err("the path %s/%s is too long for a socket: choose a shorter --run-dir",
		       dir, name);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		pr_err("cannot create a socket: %s: the kernel needs CONFIG_UNIX",
		       strerror(errno));
	return fd;
}

/* Connect to who listens; -1 when nobody does. */
int packet_connect(const char *dir, const char *name)
{
	struct sockaddr_un addr;
	int fd;

	fd = packet_socket(dir, name, &addr);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Listen where nobody does. @first tells that nobody has since the folder was
 * made, which is since this kernel was booted.
 */
int packet_listen(const char *dir, const char *name, bool *first)
{
	struct sockaddr_un addr;
	bool gone;
	int fd;

	if (mkdir(dir, 0700) && errno != EEXIST) {
		pr_err("cannot create %s: %s: choose another --run-dir", dir,
		       strerror(errno));
		return -1;
	}
	fd = packet_socket(dir, name, &addr);
	if (fd < 0)
		return -1;
	gone = !unlink(addr.sun_path);	/* left by a process that is gone */
	if (first)
		*first = !gone;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    chmod(addr.sun_path, 0600) || listen(fd, BACKLOG)) {
		pr_err("cannot listen on %s: %s: choose another --run-dir",
		       addr.sun_path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Accept a connection of root, and of nobody else. */
int packet_accept(int listener)
{
	struct ucred cred = { .uid = -1 };
	socklen_t len = sizeof(cred);
	int fd;

	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || cred.uid) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Send a packet, and drop it. A peer that does not read misses it. */
int packet_send(int fd, json_t *packet)
{
	char *text = packet ? json_dumps(packet, JSON_COMPACT) : NULL;
	ssize_t n = -1;

	if (text)
		n = send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	free(text);
	json_decref(packet);
	return n < 0 ? -1 : 0;
}

/* Wait for a packet; NULL when the peer is gone, or does not speak JSON. */
json_t *packet_receive(int fd)
{
	static char buf[PACKET_MAX];
	ssize_t n;

	do {
		n = recv(fd, buf, sizeof(buf), 0);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? json_loadb(buf, n, 0, NULL) : NULL;
}
