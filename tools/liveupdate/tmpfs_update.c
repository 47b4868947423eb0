// SPDX-License-Identifier: GPL-2.0
/*
 * The tmpfs of services in an update. It is the agent's to make them read-only, once
 * the services have stopped, and to preserve them: keepers may not be permitted to.
 * Each is in a session of its own, which is nobody's but the agent's, so that it can
 * be made writable again before the keeper brings its service back.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "message.h"
#include "names.h"
#include "packet.h"
#include "session.h"
#include "tmpfs_session.h"
#include "tmpfs_update.h"
#include "util.h"

static const struct tmpfs *tmpfs_of(const struct link *link)
{
	return link->svc && link->svc->tmpfs.path && !link->without ?
	       &link->svc->tmpfs : NULL;
}

/* Can all be preserved? This is asked before anything stops. */
int tmpfs_update_check(const struct links *links)
{
	const struct link *link;
	const struct tmpfs *t;
	bool any = false;

	for (link = links->first; link; link = link->next) {
		t = tmpfs_of(link);
		if (t && !tmpfs_is_mounted(t->path)) {
			pr_err("update: %s: its tmpfs is not mounted on %s: stop the service, and start it",
			       link->name, t->path);
			return -1;
		}
		any |= !!t;
	}
	return any ? tmpfs_check_kernel() : 0;
}

static int preserve(struct link *link, const struct tmpfs *t)
{
	char name[NAME_MAX_LEN + sizeof(TMPFS_SESSION)];

	if (tmpfs_freeze(t))
		return -1;
	link->frozen = true;
	snprintf(name, sizeof(name), "%s" TMPFS_SESSION, link->name);
	link->tmpfs_session = session_create(name);
	if (link->tmpfs_session < 0 ||
	    tmpfs_preserve(t, link->tmpfs_session, TOKEN_TMPFS))
		return -1;
	pr_info("%s: the tmpfs %s is preserved, with %.1f MiB", link->name,
		t->path, tmpfs_bytes(t) / MIB);
	return 0;
}

/* Nobody writes to them any more: the services have stopped. */
int tmpfs_update_preserve(struct links *links)
{
	const struct tmpfs *t;
	struct link *link;

	for (link = links->first; link; link = link->next) {
		t = tmpfs_of(link);
		if (t && preserve(link, t)) {
			pr_err("update: %s failed", link->name);
			return -1;
		}
	}
	return 0;
}

/* The service is about to go back to work. */
void tmpfs_update_revert(struct link *link)
{
	close_fd(&link->tmpfs_session);
	if (link->frozen)
		tmpfs_thaw(&link->svc->tmpfs);
	link->frozen = false;
}

static void thaw(void *user, const char *name)
{
	char path[PATH_MAX], mounted[PATH_MAX];
	const struct tmpfs t = { .path = mounted };
	const char *run_dir = user;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%s" MOUNTED_SUFFIX, run_dir, name);
	len = readlink(path, mounted, sizeof(mounted) - 1);
	mounted[len > 0 ? len : 0] = '\0';
	if (tmpfs_is_mounted(mounted) && tmpfs_is_frozen(&t))
		tmpfs_thaw(&t);
}

/* An agent that was killed has left them read-only: their keepers wait for this. */
void tmpfs_update_forget(const char *run_dir)
{
	names_find(run_dir, MOUNTED_SUFFIX, thaw, (void *)run_dir);
}
