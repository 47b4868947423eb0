// SPDX-License-Identifier: GPL-2.0
/*
 * What a keeper tells its successor in the next kernel: a memfd with a JSON
 * object. A reader skips what it does not know, so that things can be added.
 *
 *	format		another number than ours is refused
 *	release		kernel that was left
 *	stopped		wall-clock second at or before which the service exited
 *	memfds		token in the session by name of the memfd
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lukeep.h"

#define STATE_FORMAT	2

static json_t *state_pack(const struct service *svc, time_t stopped)
{
	json_t *memfds = json_object();
	struct utsname uts;
	int i;

	uname(&uts);
	for (i = 0; i < svc->nr_memfds; i++)
		json_object_set_new(memfds, svc->memfd[i].name,
				    json_integer(TOKEN_MEMFD(i)));
	return json_pack("{si ss sI so}", "format", STATE_FORMAT,
			 "release", uts.release,
			 "stopped", (json_int_t)stopped, "memfds", memfds);
}

/* Describe the stopped service; returns a memfd. */
int state_write(const struct service *svc, time_t stopped)
{
	json_t *state;
	int fd, ret;

	fd = memory_memfd("lukeep.state");
	state = state_pack(svc, stopped);
	ret = fd < 0 || !state ? -1 : json_dumpfd(state, fd, 0);
	json_decref(state);
	if (!ret)
		return fd;
	pr_err("cannot write the state memfd: %s: free some memory and try again",
	       strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void read_memfds(struct service *svc, json_t *memfds)
{
	const char *name;
	struct memfd *m;
	json_t *token;

	json_object_foreach(memfds, name, token) {
		for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
			if (!strcmp(m->name, name))
				break;
		}
		if (m < svc->memfd + svc->nr_memfds)
			m->token = json_integer_value(token);
		else
			pr_info("memfd %s came in, but is not declared any more: it is discarded",
				name);
	}
}

/* Learn from @fd what the keeper in the previous kernel handed over. */
int state_read(struct service *svc, int fd, char release[RELEASE_MAX],
	       time_t *stopped)
{
	json_t *state, *memfds;
	const char *from;
	json_int_t when;
	int format;

	/* The position was kept, too. */
	lseek(fd, 0, SEEK_SET);
	state = json_loadfd(fd, 0, NULL);
	if (!state || json_unpack(state, "{si}", "format", &format)) {
		pr_err("what came in under this name was not written by this lukeep: rename the service");
		json_decref(state);
		return -1;
	}
	if (format != STATE_FORMAT) {
		pr_err("the lukeep before wrote its state in format %d, this one reads %d: use the same lukeep",
		       format, STATE_FORMAT);
		json_decref(state);
		return -1;
	}
	if (json_unpack(state, "{ss sI so}", "release", &from, "stopped", &when,
			"memfds", &memfds)) {
		pr_err("the state that came in is damaged: dmesg may say more");
		json_decref(state);
		return -1;
	}
	snprintf(release, RELEASE_MAX, "%s", from);
	*stopped = when;
	read_memfds(svc, memfds);
	json_decref(state);
	return 0;
}
