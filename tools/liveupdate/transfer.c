// SPDX-License-Identifier: GPL-2.0
/*
 * A service's memfds: into a session, and out of the one that came in.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "message.h"
#include "session.h"
#include "transfer.h"

/* Preserve the memfds of one kind. */
int transfer_out(const struct service *svc, int session, enum memfd_kind kind)
{
	const struct memfd *m;
	int i;

	for (i = 0; i < svc->nr_memfds; i++) {
		m = &svc->memfd[i];
		if (m->kind == kind &&
		    session_preserve(session, m->fd, TOKEN_MEMFD(i), "memfd",
				     m->name))
			return -1;
	}
	return 0;
}

/* Preserve what was dumped of its memory. */
int transfer_out_pages(const struct service *svc, int session)
{
	int i;

	for (i = 0; i < svc->pages.nr; i++) {
		if (session_preserve(session, svc->pages.fd[i], TOKEN_PAGES(i),
				     "pipe", "with its memory"))
			return -1;
	}
	return 0;
}

/* Preserve what the next kernel's keeper has to know. */
int transfer_out_state(const struct service *svc, const char *run_dir,
		       int session, time_t stopped, double told)
{
	int fd, ret;

	fd = state_write(svc, run_dir, stopped, told);
	if (fd < 0)
		return -1;
	ret = session_preserve(session, fd, TOKEN_STATE, "memfd",
			       "lukeep.state");
	close(fd);	/* the session has its own reference */
	return ret;
}

static bool is_declared(const struct service *svc, const char *name)
{
	int i;

	for (i = 0; i < svc->nr_memfds; i++) {
		if (!strcmp(svc->memfd[i].name, name))
			return true;
	}
	return false;
}

/* Is what came in what is declared? An older lukeep sent names only. */
static int fits(const struct service *svc, const struct state *state,
		bool insisted)
{
	char what[256] = "";
	json_t *token;
	const char *name;
	int i;

	for (i = 0; i < svc->nr_memfds && !*what; i++) {
		if (!json_object_get(state->memfds, svc->memfd[i].name))
			snprintf(what, sizeof(what), "memfd %s did not come in",
				 svc->memfd[i].name);
	}
	json_object_foreach(state->memfds, name, token) {
		if (!*what && !is_declared(svc, name))
			snprintf(what, sizeof(what),
				 "memfd %s came in, and is not declared", name);
	}
	if (!*what && !insisted &&
	    declaration_compare(svc, state->declaration, what,
				sizeof(what)) >= 0)
		*what = '\0';
	if (!*what)
		return 0;
	pr_err("its declaration is not the one it was started with: %s", what);
	return -1;
}

/* Only what the kernel does not have, or has found damaged, is lost. */
static enum transfer verdict(int err)
{
	return err == -ENOENT || err == -EIO ? TRANSFER_LOST : TRANSFER_HELD;
}

/* Take its memory that was dumped; returns a negative errno. */
static int pages_in(struct pages *p, int session, int nr)
{
	int fd;

	while (p->nr < nr) {
		fd = session_retrieve_fd(session, TOKEN_PAGES(p->nr), "pipe",
					 "with its memory");
		if (fd < 0)
			return fd;
		p->fd[p->nr++] = fd;
	}
	return 0;
}

/*
 * Take the memfds that came in, and what was dumped. If the operator has insisted, it
 * is enough that the memfds are those that are declared. After a failure nothing is
 * there.
 */
enum transfer transfer_in(struct service *svc, int session,
			  const struct state *state, bool insisted)
{
	enum transfer ret;
	struct memfd *m;
	json_t *token;
	int err;

	if (fits(svc, state, insisted))
		return TRANSFER_HELD;
	memory_discard(svc);
	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		token = json_object_get(state->memfds, m->name);
		m->fd = session_retrieve_fd(session, json_integer_value(token),
					    "memfd", m->name);
		if (m->fd < 0) {
			ret = verdict(m->fd);
			m->fd = -1;
			memory_discard(svc);
			return ret;
		}
		memory_drop_execute(m->fd, m->name);
		memory_seal(m);
	}
	err = pages_in(&svc->pages, session, state->pages);
	if (err) {
		memory_discard(svc);
		return verdict(err);
	}
	pr_info("its memory came from kernel %s", state->release);
	return TRANSFER_DONE;
}
