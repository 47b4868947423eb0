// SPDX-License-Identifier: GPL-2.0
/*
 * A server for those who connect to a socket and ask for a verb.
 *
 * It can be kept waiting by nobody, and runs out of nothing: of connections on
 * which nobody has asked for anything yet it keeps a few, and closes the oldest
 * for a new one. When there is no file descriptor for one it looks again later.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "message.h"
#include "packet.h"
#include "server.h"

#define UNKNOWN \
	"this lukeep does not know the request: use the same on both sides"

#define SILENT_MAX	16
#define LOOK_AGAIN	1	/* seconds */

/**
 * struct connection - somebody who has connected
 * @server: the server
 * @next:   who connected before
 * @fd:     the connection
 * @source: event source of @fd
 * @asked:  has asked for something
 */
struct connection {
	struct server *server;
	struct connection *next;
	int fd;
	sd_event_source *source;
	bool asked;
};

/**
 * struct server - a server
 * @event:	 event loop
 * @listener:	 the listening socket
 * @source:	 event source of @listener
 * @timer:	 when to look again
 * @verbs:	 what can be asked for
 * @nr_verbs:	 entries in @verbs
 * @closed:	 is told of a connection that the other side has closed
 * @user:	 for the verbs and @closed
 * @connections: the newest first
 */
struct server {
	sd_event *event;
	int listener;
	sd_event_source *source;
	sd_event_source *timer;
	const struct verb *verbs;
	size_t nr_verbs;
	void (*closed)(void *user, int fd);
	void *user;
	struct connection *connections;
};

static void connection_free(struct connection *c)
{
	struct connection **p = &c->server->connections;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	sd_event_source_disable_unref(c->source);
	close(c->fd);
	free(c);
}

/* Close a connection; who asked on it is not told otherwise. */
void server_close(struct server *server, int fd)
{
	struct connection *c;

	for (c = server->connections; c; c = c->next) {
		if (c->fd == fd) {
			connection_free(c);
			return;
		}
	}
}

/* Many who say nothing do not keep others out. */
static void close_silent(struct server *server)
{
	struct connection *c, *oldest = NULL;
	int silent = 0;

	for (c = server->connections; c; c = c->next) {
		if (c->asked)
			continue;
		oldest = c;
		silent++;
	}
	if (silent > SILENT_MAX)
		connection_free(oldest);
}

static void run(struct connection *c, json_t *request, int passed)
{
	struct server *server = c->server;
	int fd = c->fd;
	const char *name;
	size_t i;

	c->asked = true;
	if (json_unpack(request, "{ss}", "verb", &name))
		name = "";
	for (i = 0; i < server->nr_verbs; i++) {
		if (!strcmp(server->verbs[i].name, name))
			break;
	}
	if (i < server->nr_verbs)
		server->verbs[i].run(server->user, fd, request, &passed);
	else
		packet_send(fd, json_pack("{s:s, s:s, s:b, s:i}", "verb", name,
					  "message", UNKNOWN, "ok", false,
					  "exit", EXIT_FAILURE));
	if (passed >= 0)
		close(passed);
}

static int on_request(sd_event_source *source, int fd, uint32_t events,
		      void *user)
{
	struct connection *c = user;
	struct server *server = c->server;
	json_t *request;
	int passed;

	(void)source;
	(void)events;
	request = packet_receive_fd(fd, &passed);
	if (request) {
		run(c, request, passed);	/* may close it */
		json_decref(request);
		return 0;
	}
	/* Its number may be another one's as soon as it is closed. */
	if (c->asked && server->closed)
		server->closed(server->user, fd);
	connection_free(c);
	return 0;
}

static int on_look_again(sd_event_source *source, uint64_t usec, void *user)
{
	struct server *server = user;

	(void)source;
	(void)usec;
	sd_event_source_set_enabled(server->source, SD_EVENT_ON);
	return 0;
}

/* The socket stays readable as long as nobody accepts: do not spin. */
static void look_again_later(struct server *server)
{
	pr_warn("cannot accept a connection: %s: raise the limit on open files (LimitNOFILE=)",
		strerror(errno));
	if (sd_event_source_set_time_relative(server->timer, LOOK_AGAIN *
					      USEC_PER_SEC) >= 0 &&
	    sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT) >= 0)
		sd_event_source_set_enabled(server->source, SD_EVENT_OFF);
}

static int on_connection(sd_event_source *source, int listener,
			 uint32_t events, void *user)
{
	struct server *server = user;
	struct connection *c;
	int fd;

	(void)source;
	(void)events;
	fd = packet_accept(listener);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			look_again_later(server);
		return 0;
	}
	c = calloc(1, sizeof(*c));
	if (!c || sd_event_add_io(server->event, &c->source, fd, EPOLLIN,
				  on_request, c) < 0) {
		free(c);
		close(fd);
		return 0;
	}
	c->server = server;
	c->fd = fd;
	c->next = server->connections;
	server->connections = c;
	close_silent(server);
	return 0;
}

/* Serve those who connect to @listener, which becomes the server's. */
struct server *server_new(sd_event *event, int listener,
			  const struct verb *verbs, size_t nr_verbs,
			  void (*closed)(void *user, int fd), void *user)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	*server = (struct server){
		.event = event,
		.listener = listener,
		.verbs = verbs,
		.nr_verbs = nr_verbs,
		.closed = closed,
		.user = user,
	};
	/* The timer now: it takes a file descriptor itself. */
	if (sd_event_add_io(event, &server->source, listener, EPOLLIN,
			    on_connection, server) >= 0 &&
	    sd_event_add_time(event, &server->timer, CLOCK_MONOTONIC, 0, 0,
			      on_look_again, server) >= 0 &&
	    sd_event_source_set_enabled(server->timer, SD_EVENT_OFF) >= 0)
		return server;
	sd_event_source_disable_unref(server->timer);
	sd_event_source_disable_unref(server->source);
	free(server);
	return NULL;
}

/* Close all connections, and the listening socket. */
void server_free(struct server *server)
{
	if (!server)
		return;
	while (server->connections)
		connection_free(server->connections);
	sd_event_source_disable_unref(server->timer);
	sd_event_source_disable_unref(server->source);
	close(server->listener);
	free(server);
}
