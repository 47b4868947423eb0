// SPDX-License-Identifier: GPL-2.0
/*
 * File descriptors that come with a message over a Unix socket.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rights.h"

/*
 * Get those of a message that was received, whose control buffer had room for one
 * control message with @max of them. Returns how many there are.
 */
int rights_get(struct msghdr *msg, int *fd, int max)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int nr;

	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET ||
	    cmsg->cmsg_type != SCM_RIGHTS)
		return 0;
	nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	/* The buffer is aligned, which may make room for one more. */
	while (nr > max) {
		int more;

		memcpy(&more, CMSG_DATA(cmsg) + --nr * sizeof(int), sizeof(int));
		close(more);
	}
	memcpy(fd, CMSG_DATA(cmsg), nr * sizeof(int));
	return nr;
}

/*
 * Receive a byte with up to @max of them, which is at most RIGHTS_MAX. @flags are
 * those of recvmsg(2). Returns how many came; 0 also if some did not.
 */
int rights_receive(int socket, int flags, int *fd, int max)
{
	union {
		char buf[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(max * sizeof(int)),
	};
	int nr;

	if (recvmsg(socket, &msg, flags | MSG_CMSG_CLOEXEC) != 1)
		return 0;
	nr = rights_get(&msg, fd, max);
	if (!(msg.msg_flags & MSG_CTRUNC))
		return nr;
	while (nr)
		close(fd[--nr]);
	return 0;
}
