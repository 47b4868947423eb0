// SPDX-License-Identifier: GPL-2.0
/*
 * A client of QMP: JSON objects in both directions on a Unix socket, where events
 * come in between the answers.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "message.h"
#include "qmp.h"
#include "util.h"

#define ANSWER_TIMEOUT	60	/* seconds */

static int qmp_socket(const char *path, struct sockaddr_un *addr)
{
	struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT };
	int fd;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path)) {
		pr_err("the path %s is too long for a socket: choose a shorter one",
		       path);
		return -1;
	}
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
				 sizeof(timeout))) {
		pr_err("cannot create a socket: %s: the kernel needs CONFIG_UNIX",
		       strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* The socket that QEMU is to listen on, for root only. */
int qmp_listen(const char *path)
{
	struct sockaddr_un addr;
	mode_t mask;
	int fd, ret;

	fd = qmp_socket(path, &addr);
	if (fd < 0)
		return -1;
	/* One that is left from a QEMU before. */
	unlink(path);
	mask = umask(0077);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (ret || listen(fd, 1)) {
		pr_err("cannot listen on %s: %s: create its folder and make it writable",
		       path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* What came instead of an object? */
static void receive_failed(int qmp, int err, const char *text)
{
	char c;

	if (err == EAGAIN)
		pr_err("QEMU does not answer within %d s: is another client on its socket?",
		       ANSWER_TIMEOUT);
	else if (err || recv(qmp, &c, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		pr_err("QEMU has ended: see what it logged");
	else
		pr_err("what QEMU answers is not JSON: %s: is this a socket for QMP?",
		       text);
}

static json_t *receive(int qmp)
{
	json_error_t err;
	json_t *object;

	/* Takes not a byte more than the object. */
	errno = 0;
	object = json_loadfd(qmp, JSON_DISABLE_EOF_CHECK, &err);
	if (!object)
		receive_failed(qmp, errno, err.text);
	return object;
}

static int send_request(int qmp, json_t *request, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct iovec iov = { };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n = -1;

	iov.iov_base = json_dumps(request, 0);
	if (fd >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	if (iov.iov_base) {
		iov.iov_len = strlen(iov.iov_base);
		n = sendmsg(qmp, &msg, MSG_NOSIGNAL);
	}
	free(iov.iov_base);
	return n > 0 && n == (ssize_t)iov.iov_len ? 0 : -1;
}

/* Execute a command that may take @fd along; returns what it returns. */
static json_t *execute(int qmp, const char *command, json_t *arguments, int fd)
{
	json_t *request, *answer, *value;
	const char *reason;
	bool refused;
	int ret;

	request = json_pack("{ss so*}", "execute", command, "arguments", arguments);
	ret = request ? send_request(qmp, request, fd) : -1;
	json_decref(request);
	if (ret) {
		pr_err("cannot send to QEMU: has it ended? See what it logged");
		return NULL;
	}
	while ((answer = receive(qmp))) {
		value = json_incref(json_object_get(answer, "return"));
		refused = !json_unpack(answer, "{s{ss}}", "error", "desc", &reason);
		if (refused)
			pr_err("QEMU refuses \"%s\": %s", command, reason);
		json_decref(answer);
		if (value || refused)
			return value;
		/* It was an event. */
	}
	return NULL;
}

/* Execute a command; returns what it returns. */
json_t *qmp_execute(int qmp, const char *command, json_t *arguments)
{
	return execute(qmp, command, arguments, -1);
}

/* Execute a command that returns nothing. */
int qmp_do(int qmp, const char *command, json_t *arguments)
{
	json_t *value = execute(qmp, command, arguments, -1);

	json_decref(value);
	return value ? 0 : -1;
}

/* Give QEMU a file descriptor, under a name. */
int qmp_pass_fd(int qmp, const char *name, int fd)
{
	json_t *value = execute(qmp, "getfd", json_pack("{ss}", "fdname", name), fd);

	json_decref(value);
	return value ? 0 : -1;
}

/* Connect to QEMU, past its greeting. */
int qmp_connect(const char *path)
{
	struct sockaddr_un addr;
	json_t *greeting;
	int fd;

	fd = qmp_socket(path, &addr);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		pr_err("cannot connect to QEMU on %s: %s: was it started by \"lukeep-qemu run %s\"?",
		       path, strerror(errno), path);
		close(fd);
		return -1;
	}
	greeting = receive(fd);
	if (!greeting || qmp_do(fd, "qmp_capabilities", NULL)) {
		json_decref(greeting);
		close(fd);
		return -1;
	}
	json_decref(greeting);
	return fd;
}
