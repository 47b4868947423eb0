// SPDX-License-Identifier: GPL-2.0
/*
 * The tmpfs of a service, which is mounted before the keeper is started: with root's
 * rights, and where the whole system sees it. The one that came in is taken, or
 * else that which is still there from before, or a new one.
 *
 * It stays mounted when the service stops. A link in the folder of the sockets tells
 * where.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "declaration.h"
#include "message.h"
#include "packet.h"
#include "session.h"
#include "tmpfs_arrive.h"
#include "tmpfs_session.h"

static void link_of(const char *run_dir, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s" MOUNTED_SUFFIX, run_dir, name);
}

/* Where this kernel has one for the service so far; "" if nowhere. */
static void read_link(const char *run_dir, const char *name,
		      char mounted[PATH_MAX])
{
	char path[PATH_MAX];
	ssize_t len;

	link_of(run_dir, name, path);
	len = readlink(path, mounted, PATH_MAX - 1);
	mounted[len > 0 ? len : 0] = '\0';
}

static void remember(const char *run_dir, const struct service *svc)
{
	char path[PATH_MAX];

	link_of(run_dir, svc->name, path);
	unlink(path);
	if (symlink(svc->tmpfs.path, path))
		pr_warn("cannot make the link %s: %s", path, strerror(errno));
}

/* Nothing came in. */
static enum tmpfs_arrival have_one(const struct service *svc,
				   const char *run_dir)
{
	char mounted[PATH_MAX];

	if (!svc->tmpfs.path)
		return TMPFS_NEW;
	read_link(run_dir, svc->name, mounted);
	if (!strcmp(mounted, svc->tmpfs.path) && tmpfs_is_mounted(mounted)) {
		/* An update may just have it: then this is done later. */
		tmpfs_thaw(&svc->tmpfs);
		return TMPFS_THERE;
	}
	if (*mounted && tmpfs_is_mounted(mounted))
		pr_warn("the tmpfs %s is not declared any more, and stays mounted: umount %s gives it up",
			mounted, mounted);
	if (tmpfs_mount(&svc->tmpfs))
		return TMPFS_FAILS;
	remember(run_dir, svc);
	return TMPFS_NEW;
}

static void end_session(int *session)
{
	session_finish(*session);
	close(*session);
	*session = -1;
}

static enum tmpfs_arrival take(const struct service *svc, const char *run_dir,
			       int *session)
{
	int err;

	if (!svc->tmpfs.path) {
		pr_err("a tmpfs came in for it, and none is declared: put the section [tmpfs] back; to give it up, stop the service");
		return TMPFS_WAITS;
	}
	err = tmpfs_retrieve(&svc->tmpfs, *session, TOKEN_TMPFS);
	if (err == -ENOENT || err == -EIO) {
		end_session(session);
		return have_one(svc, run_dir);
	}
	if (err)
		return TMPFS_WAITS;
	remember(run_dir, svc);
	end_session(session);
	tmpfs_thaw(&svc->tmpfs);
	pr_info("its files came in, on the tmpfs %s", svc->tmpfs.path);
	return TMPFS_THERE;
}

/* The session with the one that came in; the errno of session_retrieve() if none did. */
static int get_session(const char *service)
{
	char name[NAME_MAX_LEN + sizeof(TMPFS_SESSION)];

	snprintf(name, sizeof(name), "%s" TMPFS_SESSION, service);
	return session_retrieve(name);
}

/*
 * Have the tmpfs mounted that the service is declared with. @session, at first
 * negative, is for the next try.
 */
enum tmpfs_arrival tmpfs_arrive(const char *name, const char *conf_dir,
				const char *run_dir, int *session)
{
	enum tmpfs_arrival ret;
	struct service *svc;

	if (*session < 0)
		*session = get_session(name);
	if (*session == -EINVAL)
		pr_err("another program has retrieved its tmpfs already: stop it and see what it did");
	if (*session < 0 && *session != -ENOENT && *session != -EIO)
		return TMPFS_WAITS;
	svc = declaration_read(conf_dir, name);
	if (!svc)	/* without a tmpfs, that is for the keeper to wait for */
		return *session < 0 ? TMPFS_NEW : TMPFS_WAITS;
	ret = *session < 0 ? have_one(svc, run_dir) :
			     take(svc, run_dir, session);
	declaration_free(svc);
	return ret;
}
