// SPDX-License-Identifier: GPL-2.0
/*
 * What came of an update: an entry in the history, and the hooks after it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clock.h"
#include "history.h"
#include "hooks.h"
#include "kexec.h"
#include "kexec_cmdline.h"
#include "message.h"
#include "outcome.h"
#include "status.h"
#include "util.h"

/* How often the agent looks whether all services are at work after an update. */
#define LOOK_PAUSE	1	/* seconds */
#define LOOK_TRIES	600

/**
 * struct look - looking at the services after an update
 * @event:  event loop
 * @opt:    the agent's command line
 * @source: when they are looked at again
 * @tries:  how often they have been
 */
static struct look {
	sd_event *event;
	const struct options *opt;
	sd_event_source *source;
	int tries;
} look;

static json_t *summary(const json_t *services)
{
	json_t *list = json_array(), *service, *entry;
	static const char * const keys[] = { "name", "state", "pause" };
	size_t i, key;

	json_array_foreach(services, i, service) {
		entry = json_object();
		for (key = 0; key < ARRAY_SIZE(keys); key++)
			json_object_set(entry, keys[key],
					json_object_get(service, keys[key]));
		json_array_append_new(list, entry);
	}
	return list;
}

static void after_update(const json_t *services)
{
	char release[RELEASE_MAX] = "";
	struct utsname uts;

	uname(&uts);
	kexec_left(release);
	history_add(look.opt->state_dir,
		    json_pack("{s:s, s:s, s:s, s:o}", "result", "updated", "from",
			      release, "kernel", uts.release, "services",
			      summary(services)));
	pr_info("update: all services are at work, or cannot be: see \"lukeep history\"");
	hooks_run(look.event, look.opt->conf_dir, "after-update.d", "updated",
		  NULL, NULL);
}

static int on_look(sd_event_source *source, uint64_t usec, void *user);

static void look_later(void)
{
	sd_event_add_time_relative(look.event, &look.source, CLOCK_MONOTONIC,
				   LOOK_PAUSE * USEC_PER_SEC, 0, on_look, NULL);
}

static int on_look(sd_event_source *source, uint64_t usec, void *user)
{
	json_t *services;

	(void)source;
	(void)usec;
	(void)user;
	outcome_forget();
	services = status_of_services(look.opt->conf_dir, look.opt->run_dir);
	if (status_is_settled(services) || ++look.tries == LOOK_TRIES)
		after_update(services);
	else
		look_later();
	json_decref(services);
	return 0;
}

/* The first agent in a kernel that was entered by an update looks what came of it. */
void outcome_look(sd_event *event, const struct options *opt)
{
	char release[RELEASE_MAX], path[PATH_MAX];
	int fd;

	look.event = event;
	look.opt = opt;
	if (!kexec_left(release))
		return;
	snprintf(path, sizeof(path), "%s/arrived", opt->run_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	close(fd);
	look_later();
}

/* Do not look again. */
void outcome_forget(void)
{
	look.source = sd_event_source_disable_unref(look.source);
}

/*
 * An update to the kernel @next has failed at this step, or was called off as
 * somebody asked.
 */
void outcome_failed(sd_event *event, const struct options *opt,
		    const char *step, const char *next, bool cancelled)
{
	struct utsname uts;
	json_t *entry;

	uname(&uts);
	entry = json_pack("{s:s, s:s, s:s, s:s, s:s*}", "result", "failed",
			  "from", uts.release, "kernel", uts.release, "step",
			  step, "next", next);
	if (cancelled)
		json_object_set_new(entry, "cancelled", json_true());
	history_add(opt->state_dir, entry);
	hooks_run(event, opt->conf_dir, "after-update.d", "failed", NULL,
		  NULL);
}
