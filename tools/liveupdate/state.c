// SPDX-License-Identifier: GPL-2.0
/*
 * What the agent tells its successor in the next kernel: a memfd of lines
 * "KEY VALUE". A reader skips keys it does not know, so that they can be added.
 *
 *	lukeep 1		format; another number is refused
 *	release RELEASE		kernel that was left
 *	stopped SECONDS		wall-clock second in which the service had stopped
 *	memfd TOKEN NAME	a memfd of the service and its token in the session
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lukeep.h"

#define STATE_FORMAT	1
#define STATE_MAX	8192	/* well above what MAX_MEMFDS names need */

/* Describe the stopped service; returns a memfd. */
int state_write(const struct service *svc)
{
	struct utsname uts;
	int fd, i, ret;

	uname(&uts);
	fd = memory_memfd("lukeep.state");
	if (fd < 0) {
		pr_err("cannot create the state memfd: %s: free some memory and try again",
		       strerror(errno));
		return -1;
	}

	ret = dprintf(fd, "lukeep %d\nrelease %s\nstopped %lld\n", STATE_FORMAT,
		      uts.release, (long long)svc->stopped);
	for (i = 0; ret >= 0 && i < svc->nr_memfds; i++)
		ret = dprintf(fd, "memfd %d %s\n", TOKEN_MEMFD(i),
			      svc->memfd[i].name);
	if (ret < 0) {
		pr_err("cannot write the state memfd: %s: free some memory and try again",
		       strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static void read_memfd(struct service *svc, __u64 token, const char *name)
{
	struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (!strcmp(m->name, name)) {
			m->token = token;
			return;
		}
	}
	pr_info("memfd %s came in, but is not declared any more: it is discarded", name);
}

static int read_line(struct service *svc, const char *line,
		     char release[STATE_RELEASE_MAX])
{
	unsigned long long token;
	long long stopped;
	char name[64];
	int format;

	if (sscanf(line, "lukeep %d", &format) == 1 && format != STATE_FORMAT) {
		pr_err("the agent before wrote its state in format %d, this one reads %d: use the same lukeep",
		       format, STATE_FORMAT);
		return -1;
	}
	if (sscanf(line, "stopped %lld", &stopped) == 1)
		svc->stopped = stopped;
	else if (sscanf(line, "memfd %llu %63s", &token, name) == 2)
		read_memfd(svc, token, name);
	else if (!strncmp(line, "release ", strlen("release ")))
		snprintf(release, STATE_RELEASE_MAX, "%s",
			 line + strlen("release "));
	return 0;
}

/* Learn from @fd what the agent in the previous kernel handed over. */
int state_read(struct service *svc, int fd, char release[STATE_RELEASE_MAX])
{
	char buf[STATE_MAX], *line, *next;
	ssize_t len;

	len = pread(fd, buf, sizeof(buf) - 1, 0);
	if (len < 0) {
		pr_err("cannot read the state memfd: %s: dmesg may say more",
		       strerror(errno));
		return -1;
	}
	buf[len] = '\0';
	if (strncmp(buf, "lukeep ", strlen("lukeep "))) {
		pr_err("what came in under this name was not written by lukeep: choose another --name");
		return -1;
	}

	snprintf(release, STATE_RELEASE_MAX, "unknown");
	for (line = buf; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (read_line(svc, line, release))
			return -1;
	}
	return 0;
}
