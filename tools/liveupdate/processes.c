// SPDX-License-Identifier: GPL-2.0
/*
 * Services whose processes go on by CRIU: the commands of such a service are those of
 * lukeep-criu, or of lukeep-podman if it is a container, and the folder of its images
 * says what has become of it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "images.h"
#include "processes.h"

/* On the tmpfs of a service that does not say where */
#define FOLDER		"/.images"

/* Of a container, which has its images elsewhere */
#define STATE_FOLDER	"/var/lib/lukeep"
#define CONTAINER	".container"

/* The command that does @verb, with what comes behind; NULL without memory. */
static char *command(const struct service *svc, const char *verb,
		     const char *rest)
{
	char *text;

	if (asprintf(&text, "%s %s %s '%s' %s",
		     svc->processes.container ? "lukeep-podman" : "lukeep-criu",
		     verb, svc->name, svc->processes.images, rest) < 0)
		return NULL;
	return text;
}

/* Podman has a checkpoint in its own storage: each verb takes the container alone. */
static int set_container(struct service *svc)
{
	struct processes *p = &svc->processes;
	char *ready;

	if (asprintf(&p->images, "%s/%s" CONTAINER,
		     getenv("LUKEEP_STATE_DIR") ?: STATE_FOLDER, svc->name) < 0)
		p->images = NULL;
	if (asprintf(&p->program, "podman start %s", p->container) < 0)
		p->program = NULL;
	if (!p->images || !p->program || strchr(p->images, '\''))
		return -1;
	svc->start = command(svc, "run", p->container);
	svc->resume = command(svc, "resume", p->container);
	svc->save_command = command(svc, "dump", p->container);
	p->ready = svc->ready_command;
	if (asprintf(&ready, "%s %s", p->container, p->ready ?: "") < 0)
		return -1;
	svc->ready_command = command(svc, "ready", ready);
	free(ready);
	p->check = command(svc, "check", p->container);
	if (p->predumps)
		p->predump = command(svc, "predump", p->container);
	svc->retry = !p->start_if_failed;
	return svc->start && svc->resume && svc->save_command &&
	       svc->ready_command && p->check ? 0 : -1;
}

/* Have lukeep-criu do what is to be done with the service that is declared. */
int processes_set_commands(struct service *svc)
{
	struct processes *p = &svc->processes;
	char rounds[12], preserved[PATH_MAX + 3] = "";

	if (p->container)
		return set_container(svc);
	if (!p->images &&
	    asprintf(&p->images, "%s" FOLDER, svc->tmpfs.path) < 0)
		p->images = NULL;
	if (!p->images || strchr(p->images, '\''))
		return -1;
	snprintf(rounds, sizeof(rounds), "%d", p->predumps);
	if (svc->tmpfs.path)
		snprintf(preserved, sizeof(preserved), "'%s'", svc->tmpfs.path);
	p->program = svc->start;
	svc->start = command(svc, "run", p->program);
	svc->resume = command(svc, "resume", p->lazy ? "lazily" : "");
	svc->save_command = command(svc, "dump", p->pipes ? "pipes" : "");
	p->ready = svc->ready_command;
	svc->ready_command = command(svc, "ready", p->ready ?: "");
	p->check = command(svc, "check", preserved);
	if (!p->pipes)
		p->predump = command(svc, "predump", rounds);
	/* What cannot be restored is what was saved, until it is given up. */
	svc->retry = !p->start_if_failed;
	return svc->start && svc->resume && svc->save_command &&
	       svc->ready_command && p->check && (p->predump || p->pipes) ? 0 : -1;
}

void processes_free(struct processes *p)
{
	free(p->container);
	free(p->images);
	free(p->program);
	free(p->ready);
	free(p->check);
	free(p->predump);
}

/* Are there images of which they can be restored? */
bool processes_are_saved(const struct processes *p)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" IMAGES_SAVED, p->images);
	return !access(path, F_OK);
}

/* The service is stopped: if it has been dumped, it is not to be restored any more. */
void processes_give_up(const struct processes *p)
{
	char path[PATH_MAX];

	if (!p->images)
		return;
	snprintf(path, sizeof(path), "%s/" IMAGES_SAVED, p->images);
	unlink(path);
}
