// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a service that CRIU has dumped, without a copy, into pipes.
 *
 * A pipe is where the memory is, so somebody has to have it open from the dump to the
 * restore: the keeper. lukeep-criu, which has made the pipes, sends them to it when
 * the service is dumped, and gets them again to restore it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"
#include "pages.h"
#include "rights.h"
#include "util.h"

/* Close all: what is in there is freed, unless a session has it. */
void pages_drop(struct pages *p)
{
	while (p->nr > 0)
		close(p->fd[--p->nr]);
	close_fd(&p->socket);
}

/* The next command that is run is the one that dumps: it gets a socket. */
int pages_expect(struct pages *p)
{
	int ends[2];

	pages_drop(p);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		pr_err("cannot create a socket: %s: raise the limit on open files",
		       strerror(errno));
		return -1;
	}
	p->socket = ends[0];
	p->fd[p->nr++] = ends[1];
	return 0;
}

/* It runs: its end is nobody else's. */
void pages_expected(struct pages *p)
{
	if (p->socket >= 0)
		close(p->fd[--p->nr]);
}

/* It has succeeded, and so has sent them before. Returns -1 if they are not there. */
int pages_receive(struct pages *p)
{
	p->nr = rights_receive(p->socket, MSG_DONTWAIT, p->fd, PAGES_MAX);
	close_fd(&p->socket);
	if (p->nr)
		return 0;
	pr_err("the memory that was dumped has not arrived: raise the limit on open files");
	return -1;
}

/* The other end of that. */
int pages_send(int socket, const struct pages *p)
{
	union {
		char buf[CMSG_SPACE(PAGES_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(p->nr * sizeof(int)),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(p->nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), p->fd, p->nr * sizeof(int));
	if (sendmsg(socket, &msg, MSG_NOSIGNAL) == 1)
		return 0;
	pr_err("cannot send the memory to the keeper: %s", strerror(errno));
	return -1;
}
