// SPDX-License-Identifier: GPL-2.0
/*
 * Asking the agent and the keepers for something, and telling what they answer.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "client.h"
#include "clock.h"
#include "links.h"
#include "message.h"
#include "packet.h"
#include "units.h"

/* For what is done at once, and on top of the time that services have; in ms. */
#define ANSWER_TIMEOUT	30000
#define STATUS_TIMEOUT	2000

/* How often is looked whether a service works, in ms; and for how long it has to. */
#define LOOK_PAUSE	50
#define SETTLE_TIME	0.5	/* seconds */

/* Seconds for a service to stop that is not declared, or not well. */
#define STOP_MAX	600

/* What a keeper may have to say. */
#define PACKETS_MAX	100

#define NO_ANSWER	(-1)

/*
 * Print what comes until the exit status, and return that; NO_ANSWER when the
 * other side goes away before, or takes longer than @timeout, in ms or -1.
 */
static int print_answer(int fd, int timeout)
{
	int status = NO_ANSWER, more = 1;
	const char *text;
	json_t *packet;

	while (more && (packet = packet_wait(fd, timeout))) {
		if (!json_unpack(packet, "{ss}", "message", &text))
			fprintf(stderr, "lukeep: %s\n", message_shown(text));
		more = json_unpack(packet, "{si}", "exit", &status);
		json_decref(packet);
	}
	close(fd);
	return status;
}

static const char *how_to_start(void)
{
	return sd_booted() > 0 ? "\"systemctl start lukeep\"" :
				 "\"lukeep run\"";
}

static int connect_agent(const struct options *opt)
{
	int fd = packet_connect(opt->run_dir, AGENT_SOCKET);

	if (fd >= 0)
		return fd;
	if (errno == EAGAIN)
		pr_err("the agent does not answer: is it stopped?");
	else if (geteuid())
		pr_err("cannot reach the agent in %s: %s: are you root?",
		       opt->run_dir, strerror(errno));
	else
		pr_err("cannot reach the agent in %s: %s: start it by %s",
		       opt->run_dir, strerror(errno), how_to_start());
	return -1;
}

/* Send the agent a request, and drop it. Returns the exit status. */
static int ask_agent(const struct options *opt, json_t *request)
{
	int fd = connect_agent(opt), status;

	if (fd < 0) {
		json_decref(request);
		return EXIT_FAILURE;
	}
	if (packet_send(fd, request)) {
		pr_err("cannot send the request: %s: is the command line too long?",
		       strerror(errno));
		close(fd);
		return EXIT_FAILURE;
	}
	status = print_answer(fd, -1);
	if (status != NO_ANSWER)
		return status;
	pr_err("the agent went away: the services work on; see what it logged");
	return EXIT_FAILURE;
}

/* What the agent says of itself, NULL if it does not. Caller drops it. */
static json_t *agent_status(const struct options *opt)
{
	int fd = packet_connect(opt->run_dir, AGENT_SOCKET);
	json_t *status;

	if (fd < 0)
		return NULL;
	packet_send(fd, json_pack("{ss}", "verb", "status"));
	status = packet_wait(fd, STATUS_TIMEOUT);
	close(fd);
	return status;
}

/* Use the agent's folder of declarations unless another one was given. */
void client_find_conf_dir(struct options *opt)
{
	json_t *status = agent_status(opt);
	static char found[PATH_MAX];
	const char *dir;

	if (!json_unpack(status, "{ss}", "config-dir", &dir)) {
		snprintf(found, sizeof(found), "%s", dir);
		opt->conf_dir = found;
	}
	json_decref(status);
}

/* Have an update made. */
int client_update(const struct options *opt, json_t *request)
{
	return ask_agent(opt, request);
}

/* Have the update that is under way called off. */
int client_cancel(const struct options *opt)
{
	return ask_agent(opt, json_pack("{ss}", "verb", "cancel"));
}

static void say_silent(const char *name)
{
	pr_err("%s: its keeper does not answer: is it stopped?", name);
}

/*
 * Ask a keeper. Returns -1, with errno ENOENT or ECONNREFUSED, where there is
 * none.
 */
static int ask_keeper(const struct options *opt, struct link *link,
		      const char *verb)
{
	link->fd = packet_connect_keeper(opt->run_dir, link->name);
	if (link->fd < 0) {
		if (errno == EAGAIN)
			say_silent(link->name);
		return -1;
	}
	packet_send(link->fd, json_pack("{ss}", "verb", verb));
	return 0;
}

/*
 * Print what a keeper has to say, and return the exit status; it takes no longer
 * than @timeout, in ms. NO_ANSWER else, with errno 0 when the keeper has ended.
 */
static int keeper_status(struct link *link, int timeout)
{
	double until = clock_now() + timeout / 1000.0, left;
	struct pollfd pfd = { .fd = link->fd, .events = POLLIN };
	int status = NO_ANSWER, packets = 0;
	const char *text;
	json_t *packet;

	while (status == NO_ANSWER && packets++ < PACKETS_MAX &&
	       (left = until - clock_now()) > 0 &&
	       poll(&pfd, 1, left * 1000 + 1) > 0) {
		packet = packet_receive(link->fd);
		if (!packet) {
			errno = 0;
			return NO_ANSWER;
		}
		if (!json_unpack(packet, "{ss}", "message", &text))
			fprintf(stderr, "lukeep: %s\n", message_shown(text));
		json_unpack(packet, "{si}", "exit", &status);
		json_decref(packet);
	}
	errno = ETIMEDOUT;
	return status;
}

/* Call @ask for the services named, or for all. Returns how many it fails for. */
static int for_each(const struct options *opt, const struct links *links,
		    int (*ask)(const struct options *opt, struct link *link))
{
	struct link *link;
	int failed = 0, i;

	for (i = 0; opt->arguments[i]; i++) {
		link = link_by_name(links, opt->arguments[i]);
		if (!link)
			pr_err("there is no service %s", opt->arguments[i]);
		if (!link || ask(opt, link))
			failed++;
	}
	if (i)
		return failed;
	for (link = links->first; link; link = link->next)
		failed += !!ask(opt, link);
	return failed;
}

/* Services do without an agent, but updates do not. */
static void warn_without_agent(const struct options *opt)
{
	int fd = packet_connect(opt->run_dir, AGENT_SOCKET);

	if (fd >= 0)
		close(fd);
	else if (errno != EAGAIN)
		pr_warn("there is no agent, and so no update: start it by %s",
			how_to_start());
}

/* What a service's keeper says of it; NULL, with errno, if it does not. */
static json_t *service_status(const struct options *opt, struct link *link)
{
	json_t *status;

	if (link->fd >= 0)
		close(link->fd);
	if (ask_keeper(opt, link, "status"))
		return NULL;
	status = packet_wait(link->fd, STATUS_TIMEOUT);
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
	if (ask_keeper(opt, link, "reload")) {
		if (errno != ENOENT && errno != ECONNREFUSED)
			return -1;
		link->missing = true;
		link->reloaded = true;
		return units_want(link->name);
	}
	status = keeper_status(link, ANSWER_TIMEOUT);
	if (status == NO_ANSWER)
		say_silent(link->name);
	link->reloaded = !status;
	return status;
}

/* It does not run, or nobody keeps it, though it was started. Say why. */
static int say_failed(const struct link *link, const json_t *status)
{
	const char *error = NULL;

	json_unpack((json_t *)status, "{ss}", "error", &error);
	if (error && *error)
		fprintf(stderr, "lukeep: %s\n", message_shown(error));
	else if (sd_booted() > 0)
		pr_err("%s: it has exited at once: see \"systemctl status lukeep@%s\"",
		       link->name, link->name);
	else
		pr_err("%s: it has exited at once: see what it logged",
		       link->name);
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
	double until = clock_now() + ANSWER_TIMEOUT / 1000.0;
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
	const struct link *link;
	bool missing = false;

	for (link = links->first; link; link = link->next)
		missing |= link->missing;
	if (!missing)
		return 0;
	if (sd_booted() > 0) {
		warn_without_agent(opt);
		return units_start();
	}
	return ask_agent(opt, json_pack("{ss}", "verb", "spawn"));
}

/* Have the declarations read again, and what does not run started. */
int client_reload(const struct options *opt)
{
	struct links links = {
		.conf_dir = opt->conf_dir,
		.run_dir = opt->run_dir,
	};
	struct link *link;
	int failed;

	if (links_find(&links))
		return EXIT_FAILURE;
	failed = for_each(opt, &links, reload_one);
	if (start_missing(opt, &links)) {
		failed++;	/* has been said */
	} else {
		for (link = links.first; link; link = link->next)
			failed += link->reloaded && wait_for_service(opt, link);
	}
	links_free(&links);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int tell_to_stop(const struct options *opt, struct link *link)
{
	if (!ask_keeper(opt, link, "stop"))
		return 0;
	if (*opt->arguments && (errno == ENOENT || errno == ECONNREFUSED))
		pr_info("%s: it does not run", link->name);
	return errno == EAGAIN;
}

/*
 * A keeper does not answer to this, but ends, in the time that is declared: one
 * that does neither does not keep a shutdown waiting. Returns how many did not.
 */
static int wait_for_ends(const struct links *links)
{
	double begin = clock_now(), left;
	int failed = 0, status;
	struct link *link;

	for (link = links->first; link; link = link->next) {
		if (link->fd < 0)
			continue;
		left = (link->svc ? link->svc->stop_timeout : STOP_MAX) -
		       (clock_now() - begin);
		status = keeper_status(link, (left > 0 ? left * 1000 : 0) +
				       ANSWER_TIMEOUT);
		if (status == NO_ANSWER && errno)
			say_silent(link->name);
		failed += status == NO_ANSWER ? !!errno : status != 0;
	}
	return failed;
}

/* Is there an update that cannot be called off any more? */
static bool is_too_late(const struct options *opt)
{
	json_t *status = agent_status(opt);
	int jumps = 0;

	json_unpack(status, "{sb}", "jumping", &jumps);
	json_decref(status);
	return jumps;
}

/* Stop the services named; or all of them, and the agent. */
int client_stop(const struct options *opt)
{
	struct links links = {
		.conf_dir = opt->conf_dir,
		.run_dir = opt->run_dir,
	};
	int failed, fd;

	if (is_too_late(opt)) {
		pr_info("an update is under way, and the next kernel is about to be entered: nothing is stopped");
		return EXIT_FAILURE;
	}
	if (links_find(&links))
		links_find_kept(&links);
	failed = for_each(opt, &links, tell_to_stop);
	failed += wait_for_ends(&links);
	links_free(&links);
	fd = *opt->arguments ? -1 : packet_connect(opt->run_dir, AGENT_SOCKET);
	if (fd >= 0) {
		packet_send(fd, json_pack("{ss}", "verb", "end"));
		if (print_answer(fd, ANSWER_TIMEOUT) == EXIT_FAILURE)
			failed++;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
