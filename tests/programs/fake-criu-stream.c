// SPDX-License-Identifier: GPL-2.0
/*
 * What CRIU does with --stream: an image is asked for by its name over a socket, in a
 * message of protobuf behind its length, and goes through a pipe.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake-criu.h"

static int conn;

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

void stream_open(const char *images, const char *socket_name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", images, socket_name);
	conn = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(!connect(conn, (struct sockaddr *)&addr, sizeof(addr)), addr.sun_path);
}

static void request(const char *name)
{
	uint32_t len = strlen(name) + 2;
	uint8_t head[2] = { 0x0a, strlen(name) };

	check(write(conn, &len, sizeof(len)) == sizeof(len) &&
	      write(conn, head, sizeof(head)) == sizeof(head) &&
	      write(conn, name, strlen(name)) == (ssize_t)strlen(name), "request");
}

static void send_end(int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct iovec iov = { .iov_base = "*", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	check(sendmsg(conn, &msg, 0) == 1, "sendmsg");
	close(fd);
}

static void copy(int from, int to)
{
	char data[16384];
	ssize_t n;

	while ((n = read(from, data, sizeof(data))) > 0)
		check(write(to, data, n) == n, "image");
	check(!n, "image");
	close(from);
	close(to);
}

static int open_in(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	check(fd >= 0, path);
	return fd;
}

/* The file of this name becomes an image. */
void stream_out(const char *dir, const char *name)
{
	int ends[2];

	check(!pipe2(ends, O_CLOEXEC), "pipe");
	request(name);
	send_end(ends[0]);
	copy(open_in(dir, name, O_RDONLY), ends[1]);
}

/* The image becomes a file. Returns -1 if there is none. */
int stream_in(const char *dir, const char *name)
{
	uint32_t len = 0;
	uint8_t text[2];
	int ends[2];

	request(name);
	check(recv(conn, &len, sizeof(len), MSG_WAITALL) == sizeof(len) &&
	      len == sizeof(text) &&
	      recv(conn, text, sizeof(text), MSG_WAITALL) == sizeof(text) &&
	      text[0] == 0x08, "answer");
	if (!text[1])
		return -1;
	check(!pipe2(ends, O_CLOEXEC), "pipe");
	send_end(ends[1]);
	copy(ends[0], open_in(dir, name, O_WRONLY | O_CREAT | O_TRUNC));
	return 0;
}
