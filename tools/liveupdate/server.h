/* SPDX-License-Identifier: GPL-2.0 */
/* The server of agent and keepers. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SERVER_H
#define _LUKEEP_SERVER_H

#include <stddef.h>

#include <jansson.h>
#include <systemd/sd-event.h>

/**
 * struct verb - what can be asked for
 * @name: value of "verb" in a request
 * @run:	does it. @fd is the connection, over which answers go. A file
 *		descriptor that came along is in @passed, -1 else; who keeps it
 *		writes -1 there
 */
struct verb {
	const char *name;
	void (*run)(void *user, int fd, json_t *request, int *passed);
};

struct server;

struct server *server_new(sd_event *event, int listener,
			  const struct verb *verbs, size_t nr_verbs,
			  void (*closed)(void *user, int fd), void *user);
void server_close(struct server *server, int fd);
void server_free(struct server *server);

#endif /* _LUKEEP_SERVER_H */
