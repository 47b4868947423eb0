// SPDX-License-Identifier: GPL-2.0
/*
 * A client of QMP: JSON objects in both directions on a Unix socket, where events
 * come in between the answers.
 *
 * QEMU may hang, or its guest may have taken it over. So an answer has a limit in
 * time, which events do not extend, and an object has one in bytes.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "message.h"
#include "packet.h"
#include "qmp.h"

/* What QEMU sends has some hundred bytes. */
#define OBJECT_MAX	65536

static int unix_socket(const char *path, int flags, struct sockaddr_un *addr)
{
	int fd;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path)) {
		pr_err("the path %s is too long for a socket: choose a shorter one",
		       path);
		return -1;
	}
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		pr_err("cannot create a socket: %s: raise the limit on open files",
		       strerror(errno));
	return fd;
}

/* Does a process listen on the socket? -1 if that cannot be found out. */
int qmp_is_there(const char *path)
{
	struct sockaddr_un addr;
	int fd, there;

	fd = unix_socket(path, SOCK_NONBLOCK, &addr);
	if (fd < 0)
		return -1;
	there = !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
		errno == EAGAIN;
	close(fd);
	return there;
}

/* Remove the socket that a QEMU before has left; nothing else. */
static int make_way(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		pr_err("%s is in the way, and is no socket: choose another path, or remove it",
		       path);
		return -1;
	}
	switch (qmp_is_there(path)) {
	case 0:
		/* If this fails, so does bind(). */
		unlink(path);
		return 0;
	case 1:
		pr_err("another process listens on %s: give each machine a socket of its own",
		       path);
	}
	return -1;
}

/* Without systemd there is no RuntimeDirectory=. If this fails, so does bind(). */
static void make_folder(const char *path)
{
	char *copy = strdup(path);

	if (copy)
		mkdir(dirname(copy), 0700);
	free(copy);
}

/* The socket that QEMU is to listen on, for its own user only. */
int qmp_listen(const char *path)
{
	struct sockaddr_un addr;
	mode_t mask;
	int fd, ret;

	if (make_way(path))
		return -1;
	fd = unix_socket(path, 0, &addr);
	if (fd < 0)
		return -1;
	make_folder(path);
	mask = umask(0077);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (ret || listen(fd, 1)) {
		pr_err("cannot listen on %s: %s: its folder must be there, and QEMU's user must be able to write in it",
		       path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* More of what QEMU sends; 0 if there is none, or when it is too late for it. */
static size_t more(struct qmp *qmp)
{
	struct pollfd pollfd = { .fd = qmp->fd, .events = POLLIN };
	double left = qmp->deadline - clock_now();
	ssize_t n;

	if (left <= 0 || poll(&pollfd, 1, left * 1000 + 1) <= 0) {
		qmp->problem = QMP_SILENT;
		return 0;
	}
	n = recv(qmp->fd, qmp->buf, sizeof(qmp->buf), MSG_DONTWAIT);
	if (n <= 0) {
		qmp->problem = QMP_ENDED;
		return 0;
	}
	qmp->pos = 0;
	qmp->len = n;
	return n;
}

/* The parser gets single bytes, so that what follows the object stays here. */
static size_t next_byte(void *byte, size_t size, void *user)
{
	struct qmp *qmp = user;

	(void)size;
	if (!qmp->left) {
		qmp->problem = QMP_TOO_LONG;
		return 0;
	}
	qmp->left--;
	if (qmp->pos == qmp->len && !more(qmp))
		return 0;
	*(char *)byte = qmp->buf[qmp->pos++];
	return 1;
}

/* The next object, or NULL and the problem. */
static json_t *receive(struct qmp *qmp)
{
	json_error_t err;
	json_t *object;

	qmp->problem = QMP_NO_JSON;
	qmp->left = OBJECT_MAX;
	object = json_load_callback(next_byte, qmp, JSON_DISABLE_EOF_CHECK, &err);
	if (!object)
		snprintf(qmp->text, sizeof(qmp->text), "%s", err.text);
	return object;
}

/* Say why no object has come. */
static void receive_failed(const struct qmp *qmp)
{
	switch (qmp->problem) {
	case QMP_SILENT:
		pr_err("QEMU does not answer within %d s: does it hang, or is another client on its socket?",
		       qmp->limit);
		break;
	case QMP_TOO_LONG:
		pr_err("what QEMU answers is too long: is this a socket for QMP?");
		break;
	case QMP_ENDED:
		pr_err("QEMU has ended: see what it logged");
		break;
	case QMP_NO_JSON:
		pr_err("what QEMU answers is not JSON: %s: is this a socket for QMP?",
		       qmp->text);
	}
}

static int send_request(struct qmp *qmp, json_t *request, int fd)
{
	char *text = json_dumps(request, 0);
	ssize_t n = -1, len = 0;

	if (text) {
		len = strlen(text);
		n = packet_send_text(qmp->fd, text, fd, 0);
	}
	free(text);
	return n > 0 && n == len ? 0 : -1;
}

/* Execute a command that may take @fd along; returns what it returns. */
static json_t *execute(struct qmp *qmp, const char *command, json_t *arguments,
		       int fd)
{
	json_t *request, *answer, *value;
	const char *reason;
	bool refused;
	int ret;

	qmp->deadline = clock_now() + qmp->limit;
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
	receive_failed(qmp);
	return NULL;
}

/* Execute a command; returns what it returns. */
json_t *qmp_execute(struct qmp *qmp, const char *command, json_t *arguments)
{
	return execute(qmp, command, arguments, -1);
}

/* Execute a command that returns nothing. */
int qmp_do(struct qmp *qmp, const char *command, json_t *arguments)
{
	json_t *value = execute(qmp, command, arguments, -1);

	json_decref(value);
	return value ? 0 : -1;
}

/* Give QEMU a file descriptor, under a name. */
int qmp_pass_fd(struct qmp *qmp, const char *name, int fd)
{
	json_t *value = execute(qmp, "getfd", json_pack("{ss}", "fdname", name), fd);

	json_decref(value);
	return value ? 0 : -1;
}

/* QEMU begins by saying what it is. */
static int begin(struct qmp *qmp)
{
	json_t *greeting;
	bool good;

	qmp->deadline = clock_now() + qmp->limit;
	greeting = receive(qmp);
	if (!greeting) {
		receive_failed(qmp);
		return -1;
	}
	good = json_object_get(greeting, "QMP");
	json_decref(greeting);
	if (!good) {
		pr_err("QEMU does not greet: is this a socket for QMP?");
		return -1;
	}
	return qmp_do(qmp, "qmp_capabilities", NULL);
}

/* Connect to QEMU, which has @limit seconds for each answer. */
int qmp_connect(struct qmp *qmp, const char *path, int limit)
{
	struct timeval timeout = { .tv_sec = limit };
	struct sockaddr_un addr;

	*qmp = (struct qmp){ .limit = limit };
	qmp->fd = unix_socket(path, 0, &addr);
	if (qmp->fd < 0)
		return -1;
	/* It also limits connect(), which waits where others wait already. */
	setsockopt(qmp->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(qmp->fd, (struct sockaddr *)&addr, sizeof(addr)))
		pr_err("cannot connect to QEMU on %s: %s: was it started by \"lukeep-qemu run %s\"?",
		       path, strerror(errno), path);
	else if (!begin(qmp))
		return 0;
	qmp_close(qmp);
	return -1;
}

void qmp_close(struct qmp *qmp)
{
	if (qmp->fd >= 0)
		close(qmp->fd);
	qmp->fd = -1;
}

/* Wait for an event: 1 if it comes, 0 if QEMU ends, -1 on neither in time. */
int qmp_wait(struct qmp *qmp, const char *event, int seconds)
{
	const char *name;
	json_t *object;
	bool it;

	qmp->deadline = clock_now() + seconds;
	while ((object = receive(qmp))) {
		it = !json_unpack(object, "{ss}", "event", &name) &&
		     !strcmp(name, event);
		json_decref(object);
		if (it)
			return 1;
	}
	return qmp->problem == QMP_ENDED ? 0 : -1;
}

/* Have QEMU end; it may be about to by itself, and not answer any more. */
int qmp_quit(struct qmp *qmp)
{
	json_t *request = json_pack("{ss}", "execute", "quit");

	send_request(qmp, request, -1);
	json_decref(request);
	return qmp_wait(qmp, "", qmp->limit);
}
