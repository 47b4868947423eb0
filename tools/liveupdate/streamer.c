// SPDX-License-Identifier: GPL-2.0
/*
 * Images that CRIU does not write to files, but streams ("criu --stream"), or reads
 * from streams. The protocol, over a socket in the folder of the images:
 *
 *	CRIU sends the name of an image, as a message of protobuf behind its length;
 *	if it restores, it is told whether there is such an image;
 *	it makes a pipe, and sends our end of it.
 *
 * An image ends with its pipe.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "message.h"
#include "rights.h"
#include "streamer.h"
#include "util.h"

/* Field 1 of a message: a text, and a number */
#define KEY_NAME	0x0a
#define KEY_EXISTS	0x08

/* Listen in the folder @name of @dir; -1 when that fails, which is said. */
int streamer_open(struct streamer *s, int dir, const char *name,
		  const char *socket_name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	*s = (struct streamer){
		.folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
		.conn = -1,
		.socket = socket_name,
	};
	/* The path of the folder could be too long for an address. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s",
		 s->folder, socket_name);
	if (s->folder >= 0)
		unlinkat(s->folder, socket_name, 0);
	if (s->folder >= 0 && s->listener >= 0 &&
	    !bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)) &&
	    !listen(s->listener, 1))
		return 0;
	pr_err("cannot make the socket %s for criu: %s", socket_name,
	       strerror(errno));
	streamer_close(s);
	return -1;
}

void streamer_close(struct streamer *s)
{
	if (s->folder >= 0)
		unlinkat(s->folder, s->socket, 0);
	close_fd(&s->listener);
	close_fd(&s->conn);
	close_fd(&s->folder);
}

/* Something is wrong with image @name: CRIU is not served any more, and fails, too. */
void streamer_fail(struct streamer *s, const char *what, const char *name)
{
	if (!s->failed)
		pr_err("%s %s: %s", what, message_shown(name), strerror(errno));
	s->failed = true;
	close_fd(&s->conn);
}

/* What to wait for. */
void streamer_poll(const struct streamer *s, struct pollfd pfd[2])
{
	pfd[0] = (struct pollfd){
		.fd = s->conn < 0 && !s->failed ? s->listener : -1,
		.events = POLLIN,
	};
	pfd[1] = (struct pollfd){ .fd = s->conn, .events = POLLIN };
}

static bool receive(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

/* The name of a file, and no path to one. */
static bool is_sane(const char *name, size_t len)
{
	return len && *name != '.' && !memchr(name, '/', len) &&
	       !memchr(name, '\0', len) && strcmp(name, STREAMER_INDEX);
}

static bool receive_name(struct streamer *s, char name[STREAMER_NAME])
{
	uint8_t text[STREAMER_NAME + 2];
	uint32_t len;

	if (!receive(s->conn, &len, sizeof(len)))
		return false;
	/* One letter of a length is enough for a name. */
	if (len < 2 || len >= STREAMER_NAME || !receive(s->conn, text, len) ||
	    text[0] != KEY_NAME || text[1] != len - 2) {
		errno = EPROTO;
		streamer_fail(s, "criu asks for an image in an unknown way:", "");
		return false;
	}
	memcpy(name, text + 2, len - 2);
	name[len - 2] = '\0';
	if (is_sane(name, len - 2))
		return true;
	errno = EINVAL;
	streamer_fail(s, "criu asks for an image of an odd name:", name);
	return false;
}

/* Take what @pfd was waited for; true when there is a request for image @name. */
bool streamer_take_request(struct streamer *s, const struct pollfd pfd[2],
			   char name[STREAMER_NAME])
{
	if (pfd[0].revents)
		s->conn = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	if (!pfd[1].revents || s->conn < 0)
		return false;
	if (receive_name(s, name))
		return true;
	close_fd(&s->conn);
	return false;
}

/* Is there such an image? */
int streamer_answer(struct streamer *s, bool exists)
{
	struct {
		uint32_t len;
		uint8_t text[2];
	} answer = { sizeof(answer.text), { KEY_EXISTS, exists } };
	const size_t len = sizeof(answer.len) + sizeof(answer.text);

	return send(s->conn, &answer, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

/* Our end of the pipe of the image that was asked for; -1 when it does not come. */
int streamer_receive(struct streamer *s)
{
	int fd;

	return rights_receive(s->conn, 0, &fd, 1) ? fd : -1;
}

/* Has a pipe no room? Only that can stop a splice() that has something to move. */
bool streamer_is_full(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return !poll(&pfd, 1, 0);
}
