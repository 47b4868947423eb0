// SPDX-License-Identifier: GPL-2.0
/*
 * The services as the agent sees them: which are declared, which have a keeper,
 * and the connections to these.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "links.h"
#include "message.h"
#include "names.h"
#include "packet.h"
#include "util.h"

#define PACKETS_MAX	1000

static struct link *add(struct links *links, const char *name)
{
	struct link **p, *link;

	for (p = &links->first; *p; p = &(*p)->next) {
		if (!strcmp((*p)->name, name))
			return *p;
	}
	link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->links = links;
	link->fd = -1;
	link->session = -1;
	link->tmpfs_session = -1;
	*p = link;
	return link;
}

/* The service of this name, or NULL. */
struct link *link_by_name(const struct links *links, const char *name)
{
	struct link *link;

	for (link = links->first; link; link = link->next) {
		if (!strcmp(link->name, name))
			return link;
	}
	return NULL;
}

static void add_name(void *user, const char *name)
{
	if (strlen(name) > NAME_MAX_LEN)
		pr_err("%s: the name is longer than %d bytes", name,
		       NAME_MAX_LEN);
	else
		add(user, name);
}

static void add_declared(void *user, const char *name)
{
	struct link *link;

	add_name(user, name);
	link = link_by_name(user, name);
	if (link)
		link->listed = true;
}

/* -1 when the folder cannot be read. */
static int add_files(struct links *links, const char *dir, const char *suffix,
		     void (*found)(void *user, const char *name))
{
	if (names_find(dir, suffix, found, links) >= 0)
		return 0;
	pr_err("cannot read the folder %s: %s%s", dir, strerror(errno),
	       errno == EACCES && geteuid() ? ": are you root?" : "");
	return -1;
}

/* Find what is kept: nothing where no agent and no unit was started yet. */
void links_find_kept(struct links *links)
{
	if (access(links->run_dir, F_OK) && errno == ENOENT)
		return;
	add_files(links, links->run_dir, KEEPER_SUFFIX, add_name);
}

/* Is this service one of those that are asked for? */
static bool is_asked_for(const struct links *links, const char *name)
{
	json_t *asked;
	size_t i;

	json_array_foreach(links->names, i, asked) {
		if (!strcmp(json_string_value(asked) ?: "", name))
			return true;
	}
	return !links->names;
}

/*
 * Find what is declared, and what is kept. Returns -1 when it cannot be told what
 * is declared.
 */
int links_find(struct links *links)
{
	struct link *link;

	if (add_files(links, links->conf_dir, CONFIG_SUFFIX, add_declared))
		return -1;
	links_find_kept(links);
	for (link = links->first; link; link = link->next) {
		if (link->listed && !link->svc &&
		    is_asked_for(links, link->name))
			link->svc = declaration_read(links->conf_dir,
						     link->name);
	}
	return 0;
}

static void disconnect(struct link *link)
{
	link->source = sd_event_source_disable_unref(link->source);
	close_fd(&link->fd);
}

/* A keeper has some things to say in an update, and not any number. */
static bool says_too_much(struct link *link)
{
	if (++link->packets < PACKETS_MAX)
		return false;
	pr_err("%s: its keeper does not stop talking", link->name);
	return true;
}

static int on_packet(sd_event_source *source, int fd, uint32_t events,
		     void *user)
{
	struct link *link = user;
	json_t *packet;

	(void)source;
	(void)events;
	packet = packet_receive(fd);
	if (packet && says_too_much(link)) {
		json_decref(packet);
		packet = NULL;
	}
	if (!packet)
		disconnect(link);
	link->links->packet(link->links->user, link, packet);
	json_decref(packet);
	return 0;
}

/* Connect to the keepers that there are. */
void links_connect(struct links *links)
{
	struct link *link;

	for (link = links->first; link; link = link->next) {
		if (link->fd >= 0)
			continue;
		link->fd = packet_connect_keeper(links->run_dir, link->name);
		/* Nobody is there, for sure, in these cases only. */
		link->stuck = link->fd < 0 && errno != ENOENT &&
			      errno != ECONNREFUSED;
		if (link->fd >= 0 &&
		    sd_event_add_io(links->event, &link->source, link->fd,
				    EPOLLIN, on_packet, link) < 0) {
			pr_err("%s: cannot watch its keeper: free some memory",
			       link->name);
			disconnect(link);
		}
	}
}

/* Send a request, with a file descriptor unless that is -1, and expect an answer. */
void link_ask(struct link *link, json_t *request, int passed)
{
	link->pending = link->fd >= 0;
	if (link->pending)
		packet_send_fd(link->fd, request, passed);
	else
		json_decref(request);
}

/* From here on its session is the keeper's alone. */
void link_end_session(struct link *link)
{
	close_fd(&link->session);
}

/* Has some keeper not answered yet? */
bool links_pending(const struct links *links)
{
	const struct link *link;

	for (link = links->first; link; link = link->next) {
		if (link->pending)
			return true;
	}
	return false;
}

/* Close the connections, and forget the services. */
void links_free(struct links *links)
{
	struct link *link;

	while (links->first) {
		link = links->first;
		links->first = link->next;
		disconnect(link);
		link_end_session(link);
		close_fd(&link->tmpfs_session);
		declaration_free(link->svc);
		free(link);
	}
}
