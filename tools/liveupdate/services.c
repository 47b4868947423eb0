// SPDX-License-Identifier: GPL-2.0
/*
 * Which services come along with an update, whether they can, and their sessions.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "begun.h"
#include "message.h"
#include "services.h"
#include "session.h"

static int check_link(struct link *link)
{
	if (link->without)
		return 0;
	if (!link->listed) {
		pr_err("update: %s: its declaration is gone, so nobody would bring it back: put it back, stop the service, or update without it (--without)",
		       link->name);
		return -1;
	}
	if (!link->svc) {
		pr_err("update: %s: its declaration cannot be used",
		       link->name);
		return -1;
	}
	if (link->fd >= 0)
		return 0;
	if (link->stuck)
		pr_err("update: %s: its keeper does not answer: is it stopped?",
		       link->name);
	else
		pr_err("update: %s: nobody keeps it: \"lukeep reload\" starts it, or update without it (--without)",
		       link->name);
	return -1;
}

/* A socket without a keeper and a declaration is what a stopped service leaves. */
static bool is_nothing(const struct link *link)
{
	return !link->listed && link->fd < 0 && !link->stuck;
}

/* Each service must be found by the next kernel, too. */
static int check_all(struct links *links, const struct request *request)
{
	struct link *link;
	int i, ret = 0;

	for (i = 0; i < request->nr_without; i++) {
		link = link_by_name(links, request->without[i]);
		if (!link) {
			pr_err("update: there is no service %s to leave out",
			       request->without[i]);
			return -1;
		}
		link->without = true;
	}
	for (link = links->first; link; link = link->next) {
		if (is_nothing(link))
			link->without = true;
		if (check_link(link))
			ret = -1;
		else if (link->without && link->fd >= 0 && !request->dry_run)
			pr_warn("update: %s is left out: it is stopped, and what it has is lost",
				link->name);
	}
	return ret;
}

/* Can this kernel preserve a pipe? If not, that is said. */
static int try_pipe(void)
{
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC)) {
		pr_err("cannot create a pipe: %s: raise the limit on open files",
		       strerror(errno));
		return -1;
	}
	err = session_try(ends[0], "pipe");
	if (err == -ENOENT)
		pr_err(NO_LIVEUPDATE_PIPE);
	close(ends[0]);
	close(ends[1]);
	return err ? -1 : 0;
}

/* What is dumped into pipes has to survive. */
static int check_pipes(const struct links *links)
{
	const struct link *link;

	for (link = links->first; link; link = link->next) {
		if (link->svc && !link->without && link->svc->processes.pipes)
			return try_pipe();
	}
	return 0;
}

/*
 * Find the services, and connect to their keepers. Returns -1 when some of them
 * cannot come along, which is said.
 */
int services_check(struct links *links, const struct request *request)
{
	if (links_find(links))
		return -1;
	links_connect(links);
	return check_all(links, request) ? -1 : check_pipes(links);
}

/*
 * Create the sessions: keepers may not be permitted to open the device. They stay
 * open here as well: before version 255 systemd kills at the end what is not
 * root's, and a keeper with another user is.
 */
int services_create_sessions(struct links *links)
{
	struct link *link;

	for (link = links->first; link; link = link->next) {
		if (link->without)
			continue;
		link->session = session_create(link->name);
		if (link->session < 0 || begun_mark(link->session)) {
			pr_err("update: %s failed", link->name);
			return -1;
		}
	}
	return 0;
}

/* Would the service come back by its declaration, when it @was this one? */
bool services_is_as_declared(const struct link *link, const json_t *was)
{
	char what[256];

	if (!was || declaration_compare(link->svc, was, what, sizeof(what)) >= 0)
		return true;
	pr_err("%s: its declaration is not the one it was started with: %s: put it back, or stop the service and start it afresh",
	       link->name, what);
	return false;
}

/* The seconds within which each service does what it is told to, by its declaration. */
int services_time(const struct links *links)
{
	const struct link *link;
	int seconds = 0;

	for (link = links->first; link; link = link->next) {
		if (link->svc && link->svc->save_timeout > seconds)
			seconds = link->svc->save_timeout;
		if (link->svc && link->without &&
		    link->svc->stop_timeout > seconds)
			seconds = link->svc->stop_timeout;
	}
	return seconds;
}

/* Is there a service with a keeper that is left out? */
bool services_leave_any(const struct links *links)
{
	const struct link *link;

	for (link = links->first; link; link = link->next) {
		if (link->without && link->fd >= 0)
			return true;
	}
	return false;
}
