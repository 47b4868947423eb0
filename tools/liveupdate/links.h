/* SPDX-License-Identifier: GPL-2.0 */
/* The services as the agent sees them. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_LINKS_H
#define _LUKEEP_LINKS_H

#include <stdbool.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "declaration.h"

struct links;

/**
 * struct link - a service as the agent sees it
 * @links:   the list that it is in
 * @next:    the next one
 * @name:    its name
 * @svc:     its declaration as it is now, NULL if there is none that can be used
 * @listed:  there is a declaration
 * @fd:	     connection to its keeper, -1 when there is none
 * @stuck:   there is a keeper, or may be, which cannot be connected to
 * @source:  event source of @fd
 * @session: the session that its keeper was given, -1 for none
 * @tmpfs_session: the session with its tmpfs, -1 for none
 * @frozen:  its tmpfs has been made read-only
 * @sealed:  all that it has saved is in its session
 * @packets: what its keeper has said so far
 * @pending: the keeper has not answered yet
 * @without: the update goes on without it
 * @missing: it had no keeper, and so is started by a reload
 * @reloaded: a reload has had it do what it can
 */
struct link {
	struct links *links;
	struct link *next;
	char name[NAME_MAX_LEN + 1];
	struct service *svc;
	bool listed;
	int fd;
	bool stuck;
	sd_event_source *source;
	int session;
	int tmpfs_session;
	bool frozen;
	bool sealed;
	int packets;
	bool pending;
	bool without;
	bool missing;
	bool reloaded;
};

/**
 * struct links - all services that are declared or kept
 * @event:    event loop
 * @conf_dir: folder of the declarations
 * @run_dir:  folder of the sockets
 * @names:    those of which the declarations are read; NULL for all
 * @first:    the services
 * @packet:   is told of what a keeper says; of its end by NULL, with @fd -1
 * @user:     for @packet
 */
struct links {
	sd_event *event;
	const char *conf_dir;
	const char *run_dir;
	json_t *names;
	struct link *first;
	void (*packet)(void *user, struct link *link, json_t *packet);
	void *user;
};

void links_find_kept(struct links *links);
int links_find(struct links *links);
void links_connect(struct links *links);
struct link *link_by_name(const struct links *links, const char *name);
void link_ask(struct link *link, json_t *request, int passed);
bool links_pending(const struct links *links);
void link_end_session(struct link *link);
void links_free(struct links *links);

#endif /* _LUKEEP_LINKS_H */
