// SPDX-License-Identifier: GPL-2.0
/*
 * The agent: makes updates, and tells what came of them. Where systemd does not
 * start the keepers, it does.
 *
 * Services do not depend on it: it can be stopped, started again, replaced, and be
 * absent. Only an update that is under way is called off when it ends.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "adoption.h"
#include "agent.h"
#include "child.h"
#include "hooks.h"
#include "links.h"
#include "loaded.h"
#include "message.h"
#include "outcome.h"
#include "packet.h"
#include "server.h"
#include "session.h"
#include "spawn_order.h"
#include "tmpfs_update.h"
#include "update.h"
#include "util.h"

/* More do not wait for the end of an update that is called off, or for late services. */
#define WAITERS		64

/**
 * struct waiters - connections whose requests are answered later
 * @fd: the connections
 * @nr: how many there are
 */
struct waiters {
	int fd[WAITERS];
	int nr;
};

/**
 * struct agent - the agent
 * @opt:     its command line
 * @event:   its event loop
 * @server:  serves its socket
 * @update:  the update under way, or NULL
 * @updater: for @update
 * @dry_run: @update is to change nothing, and is no part of the history
 * @next:    the kernel that it is to enter
 * @cancelled: it is called off as somebody asked
 * @cancellers: who asked to call @update off
 * @late: who waits for the late services to have saved
 */
struct agent {
	const struct options *opt;
	sd_event *event;
	struct server *server;
	struct update *update;
	struct updater updater;
	bool dry_run;
	char *next;
	bool cancelled;
	struct waiters cancellers;
	struct waiters late;
};

#define UNDER_WAY \
	"an update is under way: \"lukeep cancel\" calls it off"

/* The connection that our messages go to, and the end of its request; -1 for none. */
static int client = -1;

static void tell_client(const char *text)
{
	packet_send(client, json_pack("{ss}", "message", text));
}

static void set_client(int fd)
{
	client = fd;
	message_forward(fd >= 0 ? tell_client : NULL);
}

/* Who does not read what is said, and so has no room for the answer, is left. */
static void answer(struct agent *agent, int fd, int status)
{
	if (packet_send(fd, json_pack("{si}", "exit", status)))
		server_close(agent->server, fd);
}

/* It cannot be done, and this is why. */
static void refuse(struct agent *agent, int fd, const char *why, int status)
{
	packet_send(fd, json_pack("{ss}", "message", why));
	answer(agent, fd, status);
}

/* Returns false when there are too many. */
static bool wait_with(struct waiters *waiters, int fd)
{
	if (waiters->nr == WAITERS)
		return false;
	waiters->fd[waiters->nr++] = fd;
	return true;
}

static void answer_all(struct agent *agent, struct waiters *waiters)
{
	while (waiters->nr)
		answer(agent, waiters->fd[--waiters->nr], EXIT_SUCCESS);
}

static void wait_no_more(struct waiters *waiters, int fd)
{
	int i;

	for (i = waiters->nr - 1; i >= 0; i--) {
		if (fd == waiters->fd[i])
			waiters->fd[i] = waiters->fd[--waiters->nr];
	}
}

/*
 * What can be asked for.
 */

static void notify(const struct agent *agent)
{
	sd_notifyf(0, "STATUS=%s", agent->update ?
		   update_step(agent->update) : "idle");
}

/* The late services save, once it is time and somebody waits for that, who hears of it. */
static void save_late(struct agent *agent)
{
	if (!agent->late.nr || !update_waits(agent->update))
		return;
	set_client(agent->late.fd[--agent->late.nr]);
	update_save_late(agent->update);
	notify(agent);
}

/*
 * An update has ended here, or is up to systemd: then @step is NULL, once before the late
 * services save, and once after that.
 */
static void on_ended(void *user, int status, const char *step)
{
	struct agent *agent = user;

	if (client >= 0)
		answer(agent, client, status);
	set_client(-1);
	if (!step) {
		if (update_has_late(agent->update))
			save_late(agent);
		else
			answer_all(agent, &agent->late);
		return;
	}
	agent->update = NULL;
	notify(agent);
	answer_all(agent, &agent->cancellers);
	answer_all(agent, &agent->late);
	if (!agent->dry_run)
		outcome_failed(agent->event, agent->opt, step, agent->next,
			       agent->cancelled);
}

static void do_update(void *user, int fd, json_t *request, int *passed)
{
	struct agent *agent = user;

	(void)passed;
	if (agent->update) {
		refuse(agent, fd, UNDER_WAY, UPDATE_REFUSED);
		return;
	}
	agent->dry_run = json_is_true(json_object_get(request, "dry-run"));
	if (!agent->dry_run)
		hooks_cancel();		/* of the last update */
	agent->cancelled = false;
	free(agent->next);
	agent->next = strdup(json_string_value(json_object_get(request,
							       "kernel")) ?: "");
	set_client(fd);
	agent->update = update_begin(&agent->updater, request);
	if (!agent->update) {
		on_ended(agent, UPDATE_REFUSED, "check the services");
		return;
	}
	notify(agent);
	update_go(agent->update);
}

/* Answered when the services are back. */
static void do_cancel(void *user, int fd, json_t *request, int *passed)
{
	struct agent *agent = user;
	const char *text = NULL;

	(void)request;
	(void)passed;
	if (!agent->update)
		text = "there is no update under way";
	else if (update_is_with_systemd(agent->update))
		text = "it is too late: systemd shuts the system down, and enters the next kernel";
	else if (!wait_with(&agent->cancellers, fd))
		text = "it is being called off already, and many wait for that";
	if (text) {
		refuse(agent, fd, text, EXIT_FAILURE);
		return;
	}
	agent->cancelled = true;
	update_cancel(agent->update);
}

static void do_status(void *user, int fd, json_t *request, int *passed)
{
	const struct agent *agent = user;

	(void)request;
	(void)passed;
	packet_send(fd, json_pack("{ss ss si sb ss*}", "config-dir",
				  agent->opt->conf_dir, "state",
				  agent->update ? "updating" : "idle",
				  "pid", (int)getpid(), "jumping",
				  agent->update &&
				  update_is_with_systemd(agent->update),
				  "step", agent->update ?
				  update_step(agent->update) : NULL));
}

/* Those that have resumed in the initramfs get the host's root. */
static void adopt_early(const struct links *links)
{
	const struct link *link;

	for (link = links->first; link; link = link->next) {
		if (link->listed)
			adoption_by_agent(link->name, links->run_dir);
	}
}

/* Start the keepers that are missing, of the services @names, or of all if NULL. */
static void spawn_missing(struct agent *agent, json_t *names)
{
	struct links links = {
		.event = agent->event,
		.conf_dir = agent->opt->conf_dir,
		.run_dir = agent->opt->run_dir,
		.names = names,
	};

	if (links_find(&links))
		return;
	adopt_early(&links);
	links_connect(&links);
	spawn_in_order(&links, false);
	if (!links.first)
		pr_warn("there is no declaration in %s: see lukeep.conf(5)",
			links.conf_dir);
	links_free(&links);
}

/* The last unit that systemd stops before file systems asks for this. */
static void do_late(void *user, int fd, json_t *request, int *passed)
{
	struct agent *agent = user;

	(void)request;
	(void)passed;
	if (!agent->update || !update_has_late(agent->update))
		answer(agent, fd, EXIT_SUCCESS);
	else if (wait_with(&agent->late, fd))
		save_late(agent);
	else
		refuse(agent, fd, "many wait for the late services already",
		       EXIT_FAILURE);
}

/* The client looks what has come of it. */
static void do_spawn(void *user, int fd, json_t *request, int *passed)
{
	struct agent *agent = user;

	(void)passed;
	if (agent->update) {
		refuse(agent, fd, UNDER_WAY, EXIT_FAILURE);
		return;
	}
	set_client(fd);
	spawn_missing(agent, json_object_get(request, "names"));
	set_client(-1);
	answer(agent, fd, EXIT_SUCCESS);
}

/* The services have been stopped already, if they were to be. */
static void do_end(void *user, int fd, json_t *request, int *passed)
{
	struct agent *agent = user;

	(void)request;
	(void)passed;
	if (agent->update) {
		refuse(agent, fd, UNDER_WAY, EXIT_FAILURE);
		return;
	}
	answer(agent, fd, EXIT_SUCCESS);
	sd_event_exit(agent->event, 0);
}

static const struct verb verbs[] = {
	{ "update", do_update },
	{ "cancel", do_cancel },
	{ "status", do_status },
	{ "spawn", do_spawn },
	{ "late", do_late },
	{ "end", do_end },
};

/* An update goes on when the client is interrupted. */
static void on_closed(void *user, int fd)
{
	struct agent *agent = user;

	if (fd == client)
		set_client(-1);
	wait_no_more(&agent->cancellers, fd);
	wait_no_more(&agent->late, fd);
}

/* The services go on. */
static int on_term(sd_event_source *source, const struct signalfd_siginfo *si,
		   void *user)
{
	struct agent *agent = user;

	(void)source;
	(void)si;
	if (agent->update && update_is_with_systemd(agent->update))
		return 0;	/* it goes with the kernel */
	pr_info("the agent ends; the services go on");
	/* The keepers do not need us to bring their services back. */
	if (agent->update)
		update_cancel(agent->update);
	sd_event_exit(agent->event, 0);
	return 0;
}

static int on_hup(sd_event_source *source, const struct signalfd_siginfo *si,
		  void *user)
{
	struct agent *agent = user;

	(void)source;
	(void)si;
	if (!agent->update && sd_booted() <= 0)
		spawn_missing(agent, NULL);
	return 0;
}

static int prepare_signals(struct agent *agent)
{
	static const int blocked[] = {
		SIGCHLD, SIGTERM, SIGINT, SIGHUP, 0
	};
	static const int ignored[] = { SIGPIPE, SIGUSR1, SIGUSR2, 0 };

	child_parent_signals(blocked, ignored);
	return sd_event_add_signal(agent->event, NULL, SIGTERM, on_term,
				   agent) < 0 ||
	       sd_event_add_signal(agent->event, NULL, SIGINT, on_term,
				   agent) < 0 ||
	       sd_event_add_signal(agent->event, NULL, SIGHUP, on_hup,
				   agent) < 0 ? -1 : 0;
}

static int set_up(struct agent *agent)
{
	int listener;

	listener = packet_listen(agent->opt->run_dir, AGENT_SOCKET);
	if (listener < 0)
		return -1;
	if (sd_event_new(&agent->event) >= 0)
		agent->server = server_new(agent->event, listener, verbs,
					   ARRAY_SIZE(verbs), on_closed, agent);
	if (!agent->server)
		close(listener);
	else if (!prepare_signals(agent))
		return 0;
	pr_err("cannot prepare the event loop: the kernel needs CONFIG_EPOLL, CONFIG_SIGNALFD and CONFIG_TIMERFD");
	return -1;
}

/*
 * Only one agent at a time, also when two are started at the same moment. Returns
 * what has to stay open as long as we are the agent.
 */
static int take_lock(const char *run_dir)
{
	char path[PATH_MAX];
	int fd, other;

	if (packet_folder(run_dir))
		return -1;
	snprintf(path, sizeof(path), "%s/agent.lock", run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		pr_err("cannot open %s: %s: choose another --run-dir", path,
		       strerror(errno));
		return -1;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		/* An older lukeep does not lock. */
		other = packet_connect(run_dir, AGENT_SOCKET);
		if (other < 0 && errno != EAGAIN)
			return fd;
		if (other >= 0)
			close(other);
	}
	pr_err("another lukeep is running: stop it first");
	close(fd);
	return -1;
}

/* Be the agent until it is told to end. */
int agent_run(const struct options *opt)
{
	struct agent agent = { .opt = opt };
	int locked, ret = -1;

	message_open(NULL);
	locked = take_lock(opt->run_dir);
	if (locked < 0)
		return EXIT_FAILURE;
	if (!chdir("/") && !set_up(&agent)) {
		agent.updater = (struct updater){
			.event = agent.event,
			.conf_dir = opt->conf_dir,
			.run_dir = opt->run_dir,
			.ended = on_ended,
			.user = &agent,
		};
		if (!session_is_possible())
			pr_warn(NO_LIVEUPDATE);
		loaded_forget(opt->run_dir);
		tmpfs_update_forget(opt->run_dir);
		if (sd_booted() <= 0)
			spawn_missing(&agent, NULL);
		outcome_look(agent.event, opt);
		sd_event_set_watchdog(agent.event, true);
		sd_notify(0, "READY=1\nSTATUS=idle");
		ret = sd_event_loop(agent.event);
	}
	update_free(agent.update);
	hooks_forget();
	outcome_forget();
	free(agent.next);
	server_free(agent.server);
	sd_event_unref(agent.event);
	close(locked);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
