// SPDX-License-Identifier: GPL-2.0
/*
 * The agent: sees to it that each declared service has a keeper, and serves those
 * who connect to its socket.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "lukeep.h"

#define SOCKET_NAME_MAX	(NAME_MAX_LEN + sizeof(KEEPER_SUFFIX))

/* In the keeper to be: it is a child of init, so that nothing hangs on us. */
static void become_keeper(const struct agent *agent, const char *name,
			  int listener, bool first)
{
	char pid[12];
	sigset_t none;

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	unsetenv("NOTIFY_SOCKET");
	if (listener == SD_LISTEN_FDS_START)
		fcntl(listener, F_SETFD, 0);
	else
		dup2(listener, SD_LISTEN_FDS_START);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/proc/self/exe", SURVIVOR_NAME, "keep", "--name", name,
	      "--config-dir", agent->opt->conf_dir,
	      "--run-dir", agent->opt->run_dir,
	      first ? "--arrive" : NULL, NULL);
}

static int spawn_keeper(const struct agent *agent, const char *name,
			int listener, bool first)
{
	pid_t pid = fork();

	if (!pid) {
		setsid();
		if (!fork())
			become_keeper(agent, name, listener, first);
		_exit(0);
	}
	if (pid < 0) {
		pr_err("%s: cannot fork: %s: free some memory, or raise the limit on processes",
		       name, strerror(errno));
		return -1;
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static void remove_link(struct link *link)
{
	struct link **p = &link->agent->links;

	while (*p != link)
		p = &(*p)->next;
	*p = link->next;
	config_free(link->svc);
	free(link);
}

static void keeper_gone(struct link *link)
{
	struct agent *agent = link->agent;

	link->source = sd_event_source_disable_unref(link->source);
	close(link->fd);
	link->fd = -1;
	if (link->listed && !agent->stopping)
		pr_err("%s: its keeper has died, and the service with it: \"lukeep reload\" starts it afresh",
		       link->name);
	if (link->pending)
		update_answer(link, NULL, false);
	else if (agent->update && !update_is_with_systemd(agent))
		update_fail(agent);	/* else the others have saved, and go on */
	if (!link->listed)
		remove_link(link);
	agent_stop_if_alone(agent);
}

static int on_keeper(sd_event_source *source, int fd, uint32_t events,
		     void *user)
{
	struct link *link = user;
	const char *verb;
	json_t *packet;
	int ok;

	(void)source;
	(void)events;
	packet = packet_receive(fd);
	if (!packet)
		keeper_gone(link);
	else if (!json_unpack(packet, "{ss sb}", "verb", &verb, "ok", &ok))
		update_answer(link, verb, ok);
	else if (message_client >= 0)	/* a message, logged already */
		packet_send(message_client, json_incref(packet));
	json_decref(packet);
	return 0;
}

/* Connect to the keeper, one that is there already or a new one. */
static int connect_keeper(struct link *link, bool spawn)
{
	struct agent *agent = link->agent;
	const char *dir = agent->opt->run_dir;
	char name[SOCKET_NAME_MAX];
	int listener;
	bool first;

	snprintf(name, sizeof(name), "%s" KEEPER_SUFFIX, link->name);
	link->fd = packet_connect(dir, name);
	if (link->fd < 0 && spawn) {
		listener = packet_listen(dir, name, &first);
		if (listener < 0)
			return -1;
		if (!spawn_keeper(agent, link->name, listener, first))
			link->fd = packet_connect(dir, name);
		close(listener);
	}
	if (link->fd < 0)
		return -1;
	if (sd_event_add_io(agent->event, &link->source, link->fd, EPOLLIN,
			    on_keeper, link) < 0) {
		pr_err("%s: cannot watch its keeper: free some memory",
		       link->name);
		close(link->fd);
		link->fd = -1;
		return -1;
	}
	return 0;
}

/* Send a request to all keepers, and expect their answers. */
void agent_ask(struct agent *agent, const char *verb)
{
	struct link *link;

	for (link = agent->links; link; link = link->next) {
		link->pending = link->fd >= 0;
		if (link->pending)
			packet_send(link->fd, json_pack("{ss}", "verb", verb));
	}
}

/* Has some keeper not answered yet? */
bool agent_pending(const struct agent *agent)
{
	const struct link *link;

	for (link = agent->links; link; link = link->next) {
		if (link->pending)
			return true;
	}
	return false;
}

static struct link *find_link(struct agent *agent, const char *name)
{
	struct link **p, *link;

	for (p = &agent->links; *p; p = &(*p)->next) {
		if (!strcmp((*p)->name, name))
			return *p;
	}
	link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->agent = agent;
	link->fd = -1;
	*p = link;
	return link;
}

/* Call @see for the link of each file found, of which the names end in @suffix. */
static void visit(struct agent *agent, glob_t *found, const char *suffix,
		  void (*see)(struct link *link))
{
	char name[NAME_MAX_LEN + 1];
	struct link *link;
	const char *base;
	size_t i, len;

	for (i = 0; i < found->gl_pathc; i++) {
		base = strrchr(found->gl_pathv[i], '/') + 1;
		len = strlen(base) - strlen(suffix);
		if (len >= sizeof(name)) {
			pr_err("%s: the name is longer than %d bytes",
			       found->gl_pathv[i], NAME_MAX_LEN);
			continue;
		}
		memcpy(name, base, len);
		name[len] = '\0';
		link = find_link(agent, name);
		if (link)
			see(link);
	}
	globfree(found);
}

/* Find the files of a folder that end in @suffix; -1 when it cannot be read. */
static int find(const char *dir, const char *suffix, glob_t *found)
{
	char pattern[PATH_MAX];
	int ret;

	snprintf(pattern, sizeof(pattern), "%s/*%s", dir, suffix);
	ret = glob(pattern, GLOB_ERR, NULL, found);
	if (!ret || ret == GLOB_NOMATCH)
		return 0;
	pr_err("cannot read the folder %s: %s", dir,
	       strerror(ret == GLOB_NOSPACE ? ENOMEM : errno));
	return -1;
}

/* There is a declaration: have the service kept. */
static void see_declaration(struct link *link)
{
	struct service *svc = config_read(link->agent->opt->conf_dir,
					  link->name);

	link->listed = true;
	if (!svc)
		return;
	config_free(link->svc);
	link->svc = svc;
	if (link->fd < 0)
		connect_keeper(link, true);
	else
		packet_send(link->fd, json_pack("{ss}", "verb", "start"));
}

/* There was a keeper: it may be from before us. */
static void see_keeper(struct link *link)
{
	if (link->fd >= 0)
		return;
	if (connect_keeper(link, false) && !link->listed)
		remove_link(link);
}

/*
 * Have what is declared, and connect to what is kept. Returns -1 when it cannot
 * be told what is declared.
 */
static int look_around(struct agent *agent)
{
	glob_t declared, kept;
	struct link *link;
	int err;

	err = find(agent->opt->conf_dir, CONFIG_SUFFIX, &declared);
	if (!err) {
		for (link = agent->links; link; link = link->next)
			link->listed = false;
		visit(agent, &declared, CONFIG_SUFFIX, see_declaration);
	}
	if (!find(agent->opt->run_dir, KEEPER_SUFFIX, &kept))
		visit(agent, &kept, KEEPER_SUFFIX, see_keeper);
	if (!err && !agent->links)
		pr_err("there is no declaration in %s: see lukeep.conf(5)",
		       agent->opt->conf_dir);
	return err;
}

/* What has changed in the declarations: stop what is not declared any more. */
static int reload(struct agent *agent)
{
	struct link *link, *next;

	if (look_around(agent))
		return -1;
	for (link = agent->links; link; link = next) {
		next = link->next;
		if (link->listed)
			continue;
		if (link->fd < 0) {
			remove_link(link);
			continue;
		}
		pr_info("%s: it is not declared any more, and stopped",
			link->name);
		packet_send(link->fd, json_pack("{ss}", "verb", "stop"));
	}
	return 0;
}

/* The services have stopped: so do we. */
void agent_stop_if_alone(struct agent *agent)
{
	const struct link *link;

	if (!agent->stopping || agent->update)
		return;
	for (link = agent->links; link; link = link->next) {
		if (link->fd >= 0)
			return;
	}
	sd_event_exit(agent->event, 0);
}

/* Stop the services. An update is called off first, and ends by calling us. */
void agent_stop(struct agent *agent)
{
	struct link *link;

	agent->stopping = true;
	if (agent->update) {
		update_fail(agent);
		return;
	}
	for (link = agent->links; link; link = link->next) {
		if (link->fd >= 0)
			packet_send(link->fd, json_pack("{ss}", "verb", "stop"));
	}
	agent_stop_if_alone(agent);
}

static int on_signal(sd_event_source *source,
		     const struct signalfd_siginfo *si, void *user)
{
	struct agent *agent = user;

	(void)source;
	if (si->ssi_signo != SIGHUP)
		agent_stop(agent);
	else if (!agent->update && !agent->stopping)
		reload(agent);
	return 0;
}

static void answer(int client, int status)
{
	packet_send(client, json_pack("{si}", "exit", status));
	close(client);
}

static void describe(const struct agent *agent, int client)
{
	packet_send(client, json_pack("{ss si}", "state",
				      agent->update ? "updating" : "idle",
				      "pid", (int)getpid()));
	close(client);
}

static void refuse(const struct agent *agent, int client)
{
	packet_send(client, json_pack("{ss}", "message", agent->update ?
				      "an update is under way" :
				      "the agent is stopping"));
	answer(client, EXIT_FAILURE);
}

/* Serve a request; the client waits for the answer, and gets our messages. */
static void serve(struct agent *agent, int client, const char *verb,
		  json_t *request)
{
	if (!strcmp(verb, "status")) {
		describe(agent, client);
		return;
	}
	if (agent->update || agent->stopping) {
		refuse(agent, client);
		return;
	}
	message_client = client;
	if (!strcmp(verb, "update")) {
		update_begin(agent, request, client);	/* keeps the client */
		return;
	}
	if (!strcmp(verb, "stop")) {
		agent_stop(agent);	/* the connection closes with us */
		return;
	}
	if (!strcmp(verb, "reload")) {
		answer(client, reload(agent) ? EXIT_FAILURE : EXIT_SUCCESS);
	} else {
		pr_err("unknown request \"%s\": use the same lukeep for both sides",
		       verb);
		answer(client, EXIT_FAILURE);
	}
	message_client = -1;
}

static int on_request(sd_event_source *source, int client, uint32_t events,
		      void *user)
{
	const char *verb;
	json_t *request;

	(void)events;
	sd_event_source_disable_unref(source);
	request = packet_receive(client);
	if (json_unpack(request, "{ss}", "verb", &verb))
		close(client);
	else
		serve(user, client, verb, request);
	json_decref(request);
	return 0;
}

static int on_connection(sd_event_source *source, int listener,
			 uint32_t events, void *user)
{
	struct agent *agent = user;
	int fd;

	(void)events;
	fd = packet_accept(listener);
	if (fd >= 0 && sd_event_add_io(agent->event, &source, fd, EPOLLIN,
				       on_request, agent) < 0)
		close(fd);
	return 0;
}

static int prepare_events(struct agent *agent, int listener)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t mask;
	size_t i;
	int ret;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&mask, signals[i]);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	ret = sd_event_new(&agent->event);
	if (ret >= 0)
		ret = sd_event_add_io(agent->event, NULL, listener, EPOLLIN,
				      on_connection, agent);
	for (i = 0; i < ARRAY_SIZE(signals) && ret >= 0; i++)
		ret = sd_event_add_signal(agent->event, NULL, signals[i],
					  on_signal, agent);
	if (ret < 0)
		pr_err("cannot prepare the event loop: %s: the kernel needs CONFIG_EPOLL, CONFIG_SIGNALFD and CONFIG_TIMERFD",
		       strerror(-ret));
	return ret;
}

/* Be the agent until all services have been told to stop. */
int agent_run(const struct options *opt)
{
	struct agent agent = { .opt = opt };
	int listener;

	listener = packet_connect(opt->run_dir, AGENT_SOCKET);
	if (listener >= 0) {
		pr_err("another lukeep is running: stop it first");
		return EXIT_FAILURE;
	}
	listener = packet_listen(opt->run_dir, AGENT_SOCKET, NULL);
	if (listener < 0 || chdir("/") || prepare_events(&agent, listener) < 0)
		return EXIT_FAILURE;
	look_around(&agent);
	sd_notify(0, "READY=1");
	return sd_event_loop(agent.event) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
