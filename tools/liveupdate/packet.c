// SPDX-License-Identifier: GPL-2.0
/*
 * How the client, the agent and the keepers talk: JSON objects, one a packet, on
 * Unix sockets in a folder that is for root only.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "message.h"
#include "packet.h"
#include "rights.h"

#define PACKET_MAX	65536
/* Room for what a socket can be called. */
#define SOCKET_MAX	sizeof(((struct sockaddr_un *)NULL)->sun_path)

#define BACKLOG		64

static int packet_socket(const char *dir, const char *name,
			 struct sockaddr_un *addr)
{
	int fd, len, err;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	len = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%s", dir,
		       name);
	if (len >= (int)sizeof(addr->sun_path)) {
		pr_err("the path %s/%s is too long for a socket: choose a shorter --run-dir",
		       dir, name);
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = errno;
	if (fd < 0)
		pr_err("cannot create a socket: %s: the kernel needs CONFIG_UNIX, and this process free file descriptors",
		       strerror(err));
	errno = err;
	return fd;
}

/*
 * Connect to who listens. Without anybody there it returns -1, with errno EAGAIN
 * where somebody is, but does not take connections: it is stopped, say.
 */
int packet_connect(const char *dir, const char *name)
{
	struct sockaddr_un addr;
	int fd, err;

	fd = packet_socket(dir, name, &addr);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* The name of a keeper's socket; one too long is found to be so with its folder. */
static const char *keeper_socket(char name[SOCKET_MAX], const char *service)
{
	snprintf(name, SOCKET_MAX, "%s" KEEPER_SUFFIX, service);
	return name;
}

/* Connect to the keeper of a service, as packet_connect() does. */
int packet_connect_keeper(const char *dir, const char *service)
{
	char name[SOCKET_MAX];

	return packet_connect(dir, keeper_socket(name, service));
}

/* Make the folder of the sockets. */
int packet_folder(const char *dir)
{
	if (!mkdir(dir, 0700) || errno == EEXIST)
		return 0;
	pr_err("cannot create %s: %s: choose another --run-dir", dir,
	       strerror(errno));
	return -1;
}

/* Listen where nobody does. */
int packet_listen(const char *dir, const char *name)
{
	struct sockaddr_un addr;
	mode_t mask;
	int fd, ret;

	if (packet_folder(dir))
		return -1;
	fd = packet_socket(dir, name, &addr);
	if (fd < 0)
		return -1;
	unlink(addr.sun_path);	/* left by a process that is gone */
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (ret || listen(fd, BACKLOG)) {
		pr_err("cannot listen on %s: %s: choose another --run-dir",
		       addr.sun_path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Listen as the keeper of a service. */
int packet_listen_keeper(const char *dir, const char *service)
{
	char name[SOCKET_MAX];

	return packet_listen(dir, keeper_socket(name, service));
}

/* The keeper of a service is gone for good: take its socket away. */
void packet_unlisten(const char *dir, const char *service)
{
	char path[SOCKET_MAX];

	snprintf(path, sizeof(path), "%s/%s" KEEPER_SUFFIX, dir, service);
	unlink(path);
}

/* Accept a connection of root, and of nobody else. */
int packet_accept(int listener)
{
	struct ucred cred = { .uid = -1 };
	socklen_t len = sizeof(cred);
	int fd;

	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || cred.uid) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Who is at the other end: a pidfd, or -1 if that cannot be had. */
int packet_peer(int fd)
{
	struct ucred cred = { };
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || !cred.pid)
		return -1;
	return syscall(SYS_pidfd_open, cred.pid, 0);
}

/*
 * Send a text with a file descriptor, unless that is -1. @flags are those of
 * sendmsg(2), which tells what it returns. To a peer that is gone it is EPIPE.
 */
ssize_t packet_send_text(int fd, const char *text, int passed, int flags)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct iovec iov = {
		.iov_base = (void *)text,
		.iov_len = strlen(text),
	};
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (passed >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &passed, sizeof(int));
	}
	return sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
}

/* Send a packet with a file descriptor, unless that is -1, and drop the packet. */
int packet_send_fd(int fd, json_t *packet, int passed)
{
	char *text = packet ? json_dumps(packet, JSON_COMPACT) : NULL;
	ssize_t n = -1;

	if (text)
		n = packet_send_text(fd, text, passed, MSG_DONTWAIT);
	free(text);
	json_decref(packet);
	return n < 0 ? -1 : 0;
}

/* Send a packet, and drop it. A peer that does not read misses it. */
int packet_send(int fd, json_t *packet)
{
	return packet_send_fd(fd, packet, -1);
}

/*
 * Receive a packet, and the file descriptors for which @msg has room. NULL when the
 * peer is gone, or does not speak JSON.
 */
static json_t *receive(int fd, struct msghdr *msg)
{
	static char buf[PACKET_MAX];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	ssize_t n;

	msg->msg_iov = &iov;
	msg->msg_iovlen = 1;
	do {
		n = recvmsg(fd, msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		msg->msg_controllen = 0;
		return NULL;
	}
	return msg->msg_flags & MSG_TRUNC ? NULL : json_loadb(buf, n, 0, NULL);
}

/*
 * Receive a packet that is there, with the file descriptor that came with it, or
 * -1. There is room for one: the kernel drops all others.
 */
json_t *packet_receive_fd(int fd, int *passed)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct msghdr msg = {
		.msg_control = control.buf,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	json_t *packet;

	packet = receive(fd, &msg);
	if (!rights_get(&msg, passed, 1))
		*passed = -1;
	if (!packet && *passed >= 0) {
		close(*passed);
		*passed = -1;
	}
	return packet;
}

/* Receive a packet that is there. File descriptors are not wanted from anybody. */
json_t *packet_receive(int fd)
{
	struct msghdr msg = { };

	return receive(fd, &msg);
}

/* Wait for a packet for this many ms, or for ever with -1. */
json_t *packet_wait(int fd, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, timeout) > 0 ? packet_receive(fd) : NULL;
}
