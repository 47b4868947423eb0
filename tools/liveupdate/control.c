// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket: a client sends one line, the verb, and is answered with
 * the messages of what it asked for and, at the end, "exit STATUS".
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lukeep.h"

#define REQUEST_MAX		64
#define REQUEST_TIMEOUT_MS	1000

static int control_socket(const struct service *svc, struct sockaddr_un *addr)
{
	int fd, len;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	len = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%s.sock",
		       svc->run_dir, svc->name);
	if (len >= (int)sizeof(addr->sun_path)) {
		pr_err("the path of the control socket is too long: choose a shorter --run-dir");
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		pr_err("cannot create the control socket: %s: the kernel needs CONFIG_UNIX",
		       strerror(errno));
		return -1;
	}
	return fd;
}

/* Be the one agent of this service. */
int control_listen(const struct service *svc)
{
	struct sockaddr_un addr;
	int fd;

	if (mkdir(svc->run_dir, 0700) && errno != EEXIST) {
		pr_err("cannot create %s: %s: choose another --run-dir",
		       svc->run_dir, strerror(errno));
		return -1;
	}
	fd = control_socket(svc, &addr);
	if (fd < 0)
		return -1;
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		pr_err("another lukeep keeps this service already: stop it first");
		return -1;
	}
	unlink(addr.sun_path);	/* of an agent that is gone */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4)) {
		pr_err("cannot listen on %s: %s: choose another --run-dir",
		       addr.sun_path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static void serve(struct service *svc, const char *verb)
{
	char answer[16];
	int status = 2;

	if (!strcmp(verb, "update"))
		status = update_leave(svc) ? 1 : 0;
	else
		pr_err("unknown request \"%s\": use the same lukeep for both sides",
		       verb);
	snprintf(answer, sizeof(answer), "exit %d\n", status);
	send(message_client, answer, strlen(answer), MSG_NOSIGNAL);
}

/* Serve one client, to the end. */
void control_serve(int listener, struct service *svc)
{
	char verb[REQUEST_MAX];
	struct pollfd pfd = { .events = POLLIN };
	ssize_t len = -1;

	pfd.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (pfd.fd < 0)
		return;
	if (poll(&pfd, 1, REQUEST_TIMEOUT_MS) > 0)
		len = read(pfd.fd, verb, sizeof(verb) - 1);
	if (len > 0) {
		verb[len] = '\0';
		verb[strcspn(verb, "\n")] = '\0';
		message_client = pfd.fd;
		serve(svc, verb);
		message_client = -1;
	}
	close(pfd.fd);
}

/* The client's side: returns the exit status. */
int control_request(const struct service *svc, const char *verb)
{
	struct sockaddr_un addr;
	char line[1024];
	int fd, status;
	FILE *f;

	fd = control_socket(svc, &addr);
	if (fd < 0)
		return 1;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		pr_err("cannot reach the agent at %s: %s: is \"lukeep run\" alive?",
		       addr.sun_path, strerror(errno));
		close(fd);
		return 1;
	}
	dprintf(fd, "%s\n", verb);
	f = fdopen(fd, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "exit %d", &status) == 1) {
			fclose(f);
			return status;
		}
		fprintf(stderr, "lukeep: %s", line);
	}
	pr_err("the agent went away: see what it logged");
	return 1;
}
