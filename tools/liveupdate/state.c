// SPDX-License-Identifier: GPL-2.0
/*
 * What a keeper tells its successor in the next kernel: a memfd with a JSON
 * object. A reader skips what it does not know, so that things can be added.
 *
 *	format		another number than ours is refused
 *	release		kernel that was left
 *	stopped		wall-clock second at or before which the service exited
 *	memfds		token in the session by name of the memfd
 *	pages		how many pipes have what was dumped of its memory
 *	told		wall-clock time when the service was told to save
 *	declaration	what it was started with, see declaration_pack()
 *	folder		uid, gid and mode of the service's folder, /run/lukeep-NAME
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "folder.h"
#include "memory.h"
#include "message.h"
#include "session.h"
#include "state.h"

#define STATE_FORMAT	2
#define STATE_MAX	1048576

static json_t *state_pack(const struct service *svc, const char *run_dir,
			  time_t stopped, double told)
{
	json_t *memfds = json_object();
	struct utsname uts;
	int i;

	uname(&uts);
	for (i = 0; i < svc->nr_memfds; i++)
		json_object_set_new(memfds, svc->memfd[i].name,
				    json_integer(TOKEN_MEMFD(i)));
	return json_pack("{si ss sI sf so si so so*}", "format", STATE_FORMAT,
			 "release", uts.release,
			 "stopped", (json_int_t)stopped, "told", told,
			 "memfds", memfds, "pages", svc->pages.nr,
			 "declaration", declaration_pack(svc),
			 "folder", folder_pack(svc->name, run_dir));
}

/* Describe the stopped service; returns a memfd. */
int state_write(const struct service *svc, const char *run_dir, time_t stopped,
		double told)
{
	json_t *state;
	int fd, ret;

	fd = memory_memfd("lukeep.state");
	state = state_pack(svc, run_dir, stopped, told);
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

static int unpack(struct state *state, const json_t *json)
{
	json_int_t when;
	const char *from;

	if (json_unpack((json_t *)json, "{ss sI sO s?i s?F s?O s?O}", "release", &from,
			"stopped", &when, "memfds", &state->memfds, "pages",
			&state->pages, "told", &state->told, "declaration", &state->declaration,
			"folder", &state->folder) ||
	    !json_is_object(state->memfds) || when < 0 ||
	    state->pages < 0 || state->pages > PAGES_MAX) {
		pr_err("the state that came in is damaged: dmesg may say more");
		return -1;
	}
	snprintf(state->release, sizeof(state->release), "%s", from);
	state->stopped = when;
	return 0;
}

/* Read what the keeper in the previous kernel handed over. */
int state_read(struct state *state, int fd)
{
	json_t *json;
	struct stat st;
	int format, ret = -1;

	*state = (struct state){ };
	/* The service's user may have written it, and root reads it. */
	if (fstat(fd, &st) || st.st_size > STATE_MAX) {
		pr_err("the state that came in is too large to be a keeper's: stop the service, and start it afresh");
		return -1;
	}
	/* The position was kept, too. */
	lseek(fd, 0, SEEK_SET);
	json = json_loadfd(fd, 0, NULL);
	if (json_unpack(json, "{si}", "format", &format))
		pr_err("what came in under this name was not written by lukeep: rename the service");
	else if (format != STATE_FORMAT)
		pr_err("the lukeep before wrote its state in format %d, this one reads %d: install that one and try again",
		       format, STATE_FORMAT);
	else
		ret = unpack(state, json);
	json_decref(json);
	if (ret)
		state_free(state);
	return ret;
}

void state_free(struct state *state)
{
	json_decref(state->folder);
	json_decref(state->memfds);
	json_decref(state->declaration);
	*state = (struct state){ };
}
