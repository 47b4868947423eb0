// SPDX-License-Identifier: GPL-2.0
/*
 * A service's memfds: into a session, and out of the one that came in.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <unistd.h>

#include "lukeep.h"

/* Preserve the memfds of one kind. */
int transfer_out(const struct service *svc, int session, enum memfd_kind kind)
{
	const struct memfd *m;
	int i;

	for (i = 0; i < svc->nr_memfds; i++) {
		m = &svc->memfd[i];
		if (m->kind == kind &&
		    session_preserve(session, m->fd, TOKEN_MEMFD(i), m->name))
			return -1;
	}
	return 0;
}

/* Preserve what the next kernel's keeper has to know. */
int transfer_out_state(const struct service *svc, int session, time_t stopped)
{
	int fd, ret;

	fd = state_write(svc, stopped);
	if (fd < 0)
		return -1;
	ret = session_preserve(session, fd, TOKEN_STATE, "lukeep.state");
	close(fd);	/* the session has its own reference */
	return ret;
}

/* Take the memfds that came in. After a failure some of them may be there. */
int transfer_in(struct service *svc, int session, time_t *stopped)
{
	char release[RELEASE_MAX];
	struct memfd *m;
	int fd, ret;

	fd = session_retrieve_fd(session, TOKEN_STATE, "lukeep.state");
	if (fd < 0)
		return -1;
	ret = state_read(svc, fd, release, stopped);
	close(fd);
	if (ret)
		return ret;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (!m->token) {
			pr_info("memfd %s did not come in: it starts empty",
				m->name);
			continue;
		}
		m->fd = session_retrieve_fd(session, m->token, m->name);
		if (m->fd < 0)
			return -1;
		memory_drop_execute(m->fd, m->name);
	}
	pr_info("its memory came from kernel %s", release);
	return 0;
}
