// SPDX-License-Identifier: GPL-2.0
/*
 * Declarations as JSON: what a service was started with travels in its state,
 * and is compared with what is declared by then.
 *
 *	start resume save-command stop-command ready-command
 *			commands, as far as they are there
 *	save-signal	its name, as in the declaration
 *	memfds		by name: kind, size, and path, hugetlb and thp if there is one
 *	tmpfs		path, size, and huge if there is one
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "declaration.h"

static const char *kind_name(enum memfd_kind kind)
{
	return kind == MEMFD_SAVE ? "save" : "memory";
}

static json_t *pack_memfds(const struct service *svc)
{
	json_t *memfds = json_object();
	const struct memfd *m;
	json_t *memfd;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		memfd = json_pack("{ss sI ss*}", "kind", kind_name(m->kind),
				  "size", (json_int_t)m->size, "path", m->path);
		if (m->huge)
			json_object_set_new(memfd, "hugetlb",
					    json_integer(m->huge));
		if (m->thp)
			json_object_set_new(memfd, "thp", json_true());
		json_object_set_new(memfds, m->name, memfd);
	}
	return memfds;
}

static json_t *pack_tmpfs(const struct tmpfs *t)
{
	return t->path ? json_pack("{ss sI ss*}", "path", t->path, "size",
				   (json_int_t)t->size, "huge", t->huge) : NULL;
}

/* What @svc was started with; NULL when there is no memory. */
json_t *declaration_pack(const struct service *svc)
{
	return json_pack("{ss ss ss* ss* ss* ss so so*}", "start", svc->start,
			 "resume", svc->resume,
			 "save-command", svc->save_command,
			 "stop-command", svc->stop_command,
			 "ready-command", svc->ready_command,
			 "save-signal", sigabbrev_np(svc->save_signal),
			 "memfds", pack_memfds(svc),
			 "tmpfs", pack_tmpfs(&svc->tmpfs));
}

/**
 * struct difference - a difference that is being looked for
 * @what: says which one was found, in words
 * @len:  its room
 */
struct difference {
	char *what;
	size_t len;
};

/* There is a difference. */
static bool found(const struct difference *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->what, d->len, fmt, ap);
	va_end(ap);
	return true;
}

/* Is text @key of @was another one than @value? Both may be missing. */
static bool differs(const json_t *was, const char *key, const char *value)
{
	const char *before = json_string_value(json_object_get(was, key));

	return strcmp(before ?: "", value ?: "");
}

static bool memfd_differs(const struct memfd *m, const json_t *was,
			  const struct difference *d)
{
	if (!was)
		return found(d, "memfd %s is new", m->name);
	if (differs(was, "kind", kind_name(m->kind)))
		return found(d, "memfd %s is of another kind", m->name);
	if (differs(was, "path", m->path))
		return found(d, "memfd %s has another path", m->name);
	return false;
}

static bool tmpfs_differs(const struct tmpfs *t, const json_t *was,
			  const struct difference *d)
{
	if (t->path && !was)
		return found(d, "its tmpfs is new");
	if (!t->path && was)
		return found(d, "its tmpfs is not there any more");
	if (differs(was, "path", t->path))
		return found(d, "its tmpfs has another path");
	return false;
}

/* Would what it had be lost if it resumed by @svc? */
static bool would_lose(const struct service *svc, json_t *was,
		       const struct difference *d)
{
	json_t *memfds = json_object_get(was, "memfds"), *memfd;
	const struct memfd *m;
	const char *name;

	json_object_foreach(memfds, name, memfd) {
		for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
			if (!strcmp(m->name, name))
				break;
		}
		if (m == svc->memfd + svc->nr_memfds)
			return found(d, "memfd %s is not there any more", name);
	}
	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (memfd_differs(m, json_object_get(memfds, m->name), d))
			return true;
	}
	if (tmpfs_differs(&svc->tmpfs, json_object_get(was, "tmpfs"), d))
		return true;
	if (differs(was, "resume", svc->resume))
		return found(d, "the command that resumes it is another one");
	return false;
}

/* Is there any other difference? */
static bool has_changed(const struct service *svc, const json_t *was,
			const struct difference *d)
{
	const struct {
		const char *key;
		const char *value;
	} now[] = {
		{ "start", svc->start },
		{ "save-command", svc->save_command },
		{ "save-signal", sigabbrev_np(svc->save_signal) },
		{ "stop-command", svc->stop_command },
		{ "ready-command", svc->ready_command },
		{ }
	}, *key;
	json_t *memfds = json_object_get(was, "memfds"), *memfd;
	const json_t *tmpfs = json_object_get(was, "tmpfs");
	const struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		memfd = json_object_get(memfds, m->name);
		if (json_integer_value(json_object_get(memfd, "size")) !=
		    (json_int_t)m->size)
			return found(d, "memfd %s has another size", m->name);
		if (json_integer_value(json_object_get(memfd, "hugetlb")) !=
		    (json_int_t)m->huge ||
		    json_is_true(json_object_get(memfd, "thp")) != m->thp)
			return found(d, "memfd %s has other pages", m->name);
	}
	if (json_integer_value(json_object_get(tmpfs, "size")) !=
	    (json_int_t)svc->tmpfs.size ||
	    differs(tmpfs, "huge", svc->tmpfs.huge))
		return found(d, "its tmpfs has another size, or other pages");
	for (key = now; key->key; key++) {
		if (differs(was, key->key, key->value))
			return found(d, "%s is another one", key->key);
	}
	return false;
}

/*
 * Compare what is @declared with what the service was started with. Returns -1
 * if the service would lose what it had when it resumed by @declared, 1 if the
 * first difference matters from its next start on only, and 0 if there is none,
 * or if @was is not known. @what then says what it is, as in "memfd a is new".
 */
int declaration_compare(const struct service *declared, const json_t *was,
			char *what, size_t len)
{
	const struct difference d = { .what = what, .len = len };

	if (!json_is_object(was))
		return 0;
	if (would_lose(declared, (json_t *)was, &d))
		return -1;
	return has_changed(declared, was, &d);
}
