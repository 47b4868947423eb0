/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the shim in lukeep and the machine that lukeep-machine.c feigns say to
 * each other: requests and answers, one a packet, each with at most one file.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_MACHINE_H
#define _LUKEEP_MACHINE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/types.h>

/* The variable with the machine's folder; processes that have it are its own. */
#define MACHINE		"LUKEEP_MACHINE"

#define SESSION_NAME	64
#define CMDLINE		2048

enum machine_call {
	CALL_OPEN,
	CALL_CREATE,
	CALL_RETRIEVE,
	CALL_PRESERVE,
	CALL_RETRIEVE_FD,
	CALL_FINISH,
	CALL_GET_NAME,
	CALL_LOAD,
	CALL_UNLOAD,
	CALL_REBOOT,
	CALL_RESET,
	CALL_FREEZE,
	CALL_THAW,
	NR_CALLS,
};

/* By these names the calls are in the log, and are made to fail. */
static const char * const call_names[NR_CALLS] = {
	"open", "create", "retrieve", "preserve", "retrieve-fd", "finish",
	"get-name", "load", "unload", "reboot", "reset",
	"freeze", "thaw",
};

struct machine_request {
	enum machine_call call;
	__u64 token;
	char name[SESSION_NAME];
	char cmdline[CMDLINE];
};

struct machine_answer {
	int err;
	char name[SESSION_NAME];
};

/* A packet, with @file unless that is -1. Returns 0, or -1 with errno. */
static inline int send_packet(int socket, const void *packet, size_t size,
			      int file)
{
	char control[CMSG_SPACE(sizeof(file))] = { };
	struct iovec iov = { .iov_base = (void *)packet, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (file >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(file));
		memcpy(CMSG_DATA(header), &file, sizeof(file));
	}
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* Returns its size, 0 when the peer is gone. @file is -1 when none came. */
static inline ssize_t receive_packet(int socket, void *packet, size_t size,
				     int *file)
{
	char control[CMSG_SPACE(sizeof(*file))];
	struct iovec iov = { .iov_base = packet, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	ssize_t n;

	*file = -1;
	do {
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (header)
		memcpy(file, CMSG_DATA(header), sizeof(*file));
	return n;
}

/* A connection to the machine in @folder. */
static inline int machine_connect(const char *folder)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", folder);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/*
 * Have the machine do something, with @file, and take a file, where @got is not
 * NULL. Returns 0, or -1 with errno.
 */
static inline int machine_call(int socket, struct machine_request *request,
			       int file, struct machine_answer *answer, int *got)
{
	ssize_t n;
	int fd;

	if (send_packet(socket, request, sizeof(*request), file))
		return -1;
	n = receive_packet(socket, answer, sizeof(*answer), &fd);
	if (n != sizeof(*answer)) {
		errno = ENODEV;
		return -1;
	}
	if (got)
		*got = fd;
	else if (fd >= 0)
		close(fd);
	errno = answer->err;
	return answer->err ? -1 : 0;
}

#endif /* _LUKEEP_MACHINE_H */
