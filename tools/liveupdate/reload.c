// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep reload: have declarations read again, start what does not run, and tell
 * what came of it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "client.h"
#include "clock.h"
#include "message.h"
#include "packet.h"
#include "reload.h"
#include "unit_states.h"
#include "units.h"

/* How often is looked whether a service works, in ms; and for how long it has to. */
#define LOOK_PAUSE	50
#define SETTLE_TIME	0.5	/* seconds */

/* Services do without an agent, but updates do not. */
static void warn_without_agent(const struct options *opt)
{
	int fd = packet_connect(opt->run_dir, AGENT_SOCKET);

	if (fd >= 0)
		close(fd);
	else if (errno != EAGAIN)
		pr_warn("there is no agent, and so no update: start it by %s",
			client_how_to_start());
}

/* What a service's keeper says of it; NULL, with errno, if it does not. */
static json_t *service_status(const struct options *opt, struct link *link)
{
	json_t *status;

	if (link->fd >= 0)
		close(link->fd);
	if (client_ask_keeper(opt, link, "status"))
		return NULL;
	status = packet_wait(link->fd, CLIENT_STATUS_TIMEOUT);
	if (!status)
		errno = EAGAIN;
	return status;
}

/* A service that is not declared any more: nothing of it is read again. */
static int tell_undeclared(const struct options *opt, struct link *link)
{
	json_t *status = service_status(opt, link);
	const char *state;

	if (!json_unpack(status, "{ss}", "state", &state)) {
		if (!strcmp(state, "down"))
			pr_warn("%s: it is not declared any more, and does not run: \"lukeep stop %s\" ends its keeper",
				link->name, link->name);
		else
			pr_warn("%s: it is not declared any more, and goes on: \"lukeep stop %s\" stops it",
				link->name, link->name);
	}
	json_decref(status);
	return 0;
}

static int reload_one(const struct options *opt, struct link *link)
{
	int status;

	if (!link->listed)
		return tell_undeclared(opt, link);
	if (!link->svc)
		return -1;	/* has been said */
	if (client_ask_keeper(opt, link, "reload")) {
		if (errno != ENOENT && errno != ECONNREFUSED)
			return -1;
		link->missing = true;
		link->reloaded = true;
		return units_want(link->name);
	}
	status = client_keeper_status(link, CLIENT_TIMEOUT);
	if (status == CLIENT_NO_ANSWER)
		client_say_silent(link->name);
	link->reloaded = !status;
	return status;
}

/* It does not run, or nobody keeps it, though it was started. Say why. */
static int say_failed(const struct link *link, const json_t *status)
{
	json_t *unit = json_pack("[{ss ss}]", "name", link->name, "state",
				 "gone");
	const char *error = NULL;

	json_unpack((json_t *)status, "{ss}", "error", &error);
	if (!status && sd_booted() > 0) {
		unit_states_add(unit);
		json_unpack(unit, "[{ss}]", "error", &error);
	}
	if (error && *error)
		fprintf(stderr, "lukeep: %s\n", message_shown(error));
	else if (sd_booted() > 0)
		pr_err("%s: it has exited at once: see \"systemctl status lukeep@%s\"",
		       link->name, link->name);
	else
		pr_err("%s: it has exited at once: see what it logged",
		       link->name);
	json_decref(unit);
	return -1;
}

/* Does it run, and if it tells by nothing that it is ready, has it for a moment? */
static bool is_at_work(const struct link *link, const json_t *status)
{
	double since = 0;

	json_unpack((json_t *)status, "{sf}", "since", &since);
	return link->svc->ready_command || clock_wall() - since > SETTLE_TIME;
}

static void say_at_work(const struct link *link, const json_t *status)
{
	int resumed = 0, pid = 0;

	json_unpack((json_t *)status, "{sb si}", "resumed", &resumed, "pid",
		    &pid);
	if (link->missing)
		pr_info("%s: at work, %s (pid %d)", link->name,
			resumed ? "with what it had" : "started afresh", pid);
}

/*
 * See what has become of a service that was to be started. Returns -1 if it does
 * not work, and 1 if that is not known yet.
 */
static int look_at(const struct options *opt, struct link *link)
{
	json_t *status = service_status(opt, link);
	const char *state = "";
	int ret = 1;

	json_unpack(status, "{ss}", "state", &state);
	if (!status) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			ret = say_failed(link, NULL);
	} else if (!strcmp(state, "running")) {
		if (is_at_work(link, status)) {
			say_at_work(link, status);
			ret = 0;
		}
	} else if (!strcmp(state, "down") || !strcmp(state, "saved") ||
		   !strcmp(state, "held") || !strcmp(state, "lost")) {
		ret = say_failed(link, status);
	} else if (strcmp(state, "starting")) {
		ret = 0;	/* it saves, or stops */
	}
	json_decref(status);
	return ret;
}

/* Wait until a service that was to be started is ready. */
static int wait_for_service(const struct options *opt, struct link *link)
{
	double until = clock_now() + CLIENT_TIMEOUT / 1000.0;
	int ret;

	while ((ret = look_at(opt, link)) > 0 && clock_now() < until)
		poll(NULL, 0, LOOK_PAUSE);
	if (ret > 0)
		pr_warn("%s: it is not ready yet: see \"lukeep status\"",
			link->name);
	return ret < 0 ? -1 : 0;
}

/* Start the services that have no keeper. */
static int start_missing(const struct options *opt, const struct links *links)
{
	json_t *names = json_array();
	struct link *link;
	int ret = 0;

	for (link = links->first; link; link = link->next) {
		if (link->missing)
			json_array_append_new(names, json_string(link->name));
	}
	if (!json_array_size(names)) {
		json_decref(names);
		return 0;
	}
	if (sd_booted() > 0) {
		json_decref(names);
		warn_without_agent(opt);
		return units_start();
	}
	ret = client_ask_agent(opt, json_pack("{ss so}", "verb", "spawn",
					      "names", names));
	for (link = links->first; ret && link; link = link->next)
		link->reloaded &= !link->missing;
	return ret;
}

/* Have the declarations read again, and what does not run started. */
int reload_run(const struct options *opt)
{
	struct links links = {
		.conf_dir = opt->conf_dir,
		.run_dir = opt->run_dir,
		.names = client_names(opt),
	};
	struct link *link;
	int failed;

	if (links_find(&links)) {
		json_decref(links.names);
		return EXIT_FAILURE;
	}
	failed = client_for_each(opt, &links, reload_one);
	if (start_missing(opt, &links))
		failed++;	/* has been said */
	for (link = links.first; link; link = link->next)
		failed += link->reloaded && wait_for_service(opt, link);
	links_free(&links);
	json_decref(links.names);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
