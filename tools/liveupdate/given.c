// SPDX-License-Identifier: GPL-2.0
/*
 * What a keeper is given when it is started, by "lukeep arrive" or by the process
 * that has become the keeper: see arrive.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "given.h"
#include "message.h"
#include "states.h"

/* There was an update, and nothing came in, or what did was lost. */
static void read_left(struct keeper *k, int fd)
{
	if (pread(fd, k->from, sizeof(k->from) - 1, 0) < 0)
		pr_warn("cannot tell which kernel was left: %s",
			strerror(errno));
	close(fd);
}

/* There is a keeper already. */
static pid_t read_pid(int fd)
{
	char text[12] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		pr_err("cannot tell which keeper was adopted: %s",
		       strerror(errno));
	close(fd);
	return atoi(text);
}

/* What has been put ready for us, and returns the listening socket. */
int given_receive(struct keeper *k)
{
	struct arrival *arrival = &k->arrival;
	int listener = -1, i, nr, fd;
	char **names = NULL;

	nr = sd_listen_fds_with_names(1, &names);
	for (i = 0; i < nr; i++) {
		fd = SD_LISTEN_FDS_START + i;
		if (!strcmp(names[i], "listener"))
			listener = fd;
		else if (!strcmp(names[i], "session"))
			arrival->session = fd;
		else if (!strcmp(names[i], "state"))
			arrival->state = fd;
		else if (!strcmp(names[i], "left"))
			arrival->left = true;
		else if (!strcmp(names[i], "died"))
			arrival->died = true;
		else if (!strcmp(names[i], "hold"))
			service_hold(fd);
		else if (!strcmp(names[i], "host"))
			k->host = fd;
		else if (!strcmp(names[i], "adopted"))
			k->adopted = read_pid(fd);
		else
			close(fd);
		if (!strcmp(names[i], "left") || !strcmp(names[i], "died"))
			read_left(k, fd);
		free(names[i]);
	}
	free(names);
	/* The unit's store is to be empty: it may be kept over a kexec. */
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=listener");
	if (listener < 0 && !k->adopted)
		pr_err("a keeper is started by lukeep@.service, or by \"lukeep run\"");
	return listener;
}
