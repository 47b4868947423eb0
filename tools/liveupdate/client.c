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

/* Seconds for a service to stop that is not declared, or not well. */
#define STOP_MAX	600

/* What a keeper may have to say. */
#define PACKETS_MAX	100

/*
 * Print what comes until the exit status, and return that; CLIENT_NO_ANSWER when
 * the other side goes away before, or takes longer than @timeout, in ms or -1.
 */
static int print_answer(int fd, int timeout)
{
	int status = CLIENT_NO_ANSWER, more = 1;
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

/* The command that starts the agent. */
const char *client_how_to_start(void)
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
		       opt->run_dir, strerror(errno), client_how_to_start());
	return -1;
}

/* Send the agent a request, and drop it. Returns the exit status. */
int client_ask_agent(const struct options *opt, json_t *request)
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
	if (status != CLIENT_NO_ANSWER)
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
	status = packet_wait(fd, CLIENT_STATUS_TIMEOUT);
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
	return client_ask_agent(opt, request);
}

/* Have the update that is under way called off. */
int client_cancel(const struct options *opt)
{
	return client_ask_agent(opt, json_pack("{ss}", "verb", "cancel"));
}

/* Wait until the late services have saved, if an update is under way. */
int client_late(const struct options *opt)
{
	int fd = packet_connect(opt->run_dir, AGENT_SOCKET);

	if (fd < 0)
		return EXIT_SUCCESS;	/* and so there is no update */
	packet_send(fd, json_pack("{ss}", "verb", "late"));
	return print_answer(fd, -1) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The services named, as JSON; NULL if none is. */
json_t *client_names(const struct options *opt)
{
	json_t *names = *opt->arguments ? json_array() : NULL;
	char **arg;

	for (arg = opt->arguments; *arg; arg++)
		json_array_append_new(names, json_string(*arg));
	return names;
}

/* Its keeper does not answer. */
void client_say_silent(const char *name)
{
	pr_err("%s: its keeper does not answer: is it stopped?", name);
}

/*
 * Ask a keeper. Returns -1, with errno ENOENT or ECONNREFUSED, where there is
 * none.
 */
int client_ask_keeper(const struct options *opt, struct link *link,
		      const char *verb)
{
	link->fd = packet_connect_keeper(opt->run_dir, link->name);
	if (link->fd < 0) {
		if (errno == EAGAIN)
			client_say_silent(link->name);
		return -1;
	}
	packet_send(link->fd, json_pack("{ss}", "verb", verb));
	return 0;
}

/*
 * Print what a keeper has to say, and return the exit status; it takes no longer
 * than @timeout, in ms. CLIENT_NO_ANSWER else, with errno 0 when the keeper has
 * ended.
 */
int client_keeper_status(struct link *link, int timeout)
{
	double until = clock_now() + timeout / 1000.0, left;
	struct pollfd pfd = { .fd = link->fd, .events = POLLIN };
	int status = CLIENT_NO_ANSWER, packets = 0;
	const char *text;
	json_t *packet;

	while (status == CLIENT_NO_ANSWER && packets++ < PACKETS_MAX &&
	       (left = until - clock_now()) > 0 &&
	       poll(&pfd, 1, left * 1000 + 1) > 0) {
		packet = packet_receive(link->fd);
		if (!packet) {
			errno = 0;
			return CLIENT_NO_ANSWER;
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
int client_for_each(const struct options *opt, const struct links *links,
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

static int tell_to_stop(const struct options *opt, struct link *link)
{
	if (!client_ask_keeper(opt, link, "stop"))
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
		status = client_keeper_status(link, CLIENT_TIMEOUT +
					      (left > 0 ? left * 1000 : 0));
		if (status == CLIENT_NO_ANSWER && errno)
			client_say_silent(link->name);
		failed += status == CLIENT_NO_ANSWER ? !!errno : status != 0;
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
		.names = client_names(opt),
	};
	int failed, fd;

	if (is_too_late(opt)) {
		pr_info("an update is under way, and the next kernel is about to be entered: nothing is stopped");
		return EXIT_FAILURE;
	}
	if (links_find(&links))
		links_find_kept(&links);
	failed = client_for_each(opt, &links, tell_to_stop);
	failed += wait_for_ends(&links);
	links_free(&links);
	json_decref(links.names);
	fd = *opt->arguments ? -1 : packet_connect(opt->run_dir, AGENT_SOCKET);
	if (fd >= 0) {
		packet_send(fd, json_pack("{ss}", "verb", "end"));
		if (print_answer(fd, CLIENT_TIMEOUT) == EXIT_FAILURE)
			failed++;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
