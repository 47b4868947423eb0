// SPDX-License-Identifier: GPL-2.0
/*
 * What the services are doing. The keepers are asked directly, all at the same
 * time: they know, with and without an agent.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "clock.h"
#include "declaration.h"
#include "memory.h"
#include "message.h"
#include "names.h"
#include "packet.h"
#include "session.h"
#include "status.h"
#include "unit_states.h"

/* Of the JSON; a reader may rely on what lukeep(8) says of it. */
#define STATUS_VERSION	1

#define ANSWER_TIMEOUT	2.0	/* seconds, for all */

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "-";
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Connect and ask; what can be told without an answer is in @service. */
static int ask(json_t *service, const char *run_dir, const char *socket)
{
	const char *state = "gone";
	int fd = packet_connect(run_dir, socket);

	if (fd >= 0 || errno == EAGAIN)
		state = "silent";
	else if (errno == ENOENT)
		state = "stopped";
	json_object_set_new(service, "state", json_string(state));
	if (fd >= 0)
		packet_send(fd, json_pack("{ss}", "verb", "status"));
	return fd;
}

/* Let @services have their answers, until all have or it takes too long. */
static void receive(json_t *services, struct pollfd *pfd)
{
	double until = clock_now() + ANSWER_TIMEOUT, left;
	size_t i, nr = json_array_size(services), waiting = 0;
	json_t *answer;

	for (i = 0; i < nr; i++)
		waiting += pfd[i].fd >= 0;
	while (waiting && (left = until - clock_now()) > 0) {
		if (poll(pfd, nr, left * 1000 + 1) < 0 && errno != EINTR)
			return;
		for (waiting = 0, i = 0; i < nr; i++) {
			if (pfd[i].fd < 0)
				continue;
			if (!pfd[i].revents) {
				waiting++;
				continue;
			}
			answer = packet_receive(pfd[i].fd);
			/* A keeper may be its service's user's: no other's name. */
			json_object_del(answer, "name");
			json_object_del(answer, "declaration");
			json_object_del(answer, "changed");
			json_object_update(json_array_get(services, i), answer);
			json_decref(answer);
			close(pfd[i].fd);
			pfd[i].fd = -1;
		}
	}
}

/* The name of a socket is that of the service, or of the agent, and @suffix. */
static void ask_all(json_t *services, const char *run_dir, const char *suffix)
{
	struct pollfd *pfd = calloc(json_array_size(services), sizeof(*pfd));
	char socket[NAME_MAX_LEN + sizeof(KEEPER_SUFFIX)];
	json_t *service;
	size_t i;

	if (!pfd)
		return;
	json_array_foreach(services, i, service) {
		snprintf(socket, sizeof(socket), "%s%s", text(service, "name"),
			 suffix);
		pfd[i].fd = ask(service, run_dir, socket);
		pfd[i].events = POLLIN;
	}
	receive(services, pfd);
	json_array_foreach(services, i, service) {
		if (pfd[i].fd >= 0)
			close(pfd[i].fd);
	}
	free(pfd);
}

/* What came in for a silent one is waited for: it has not even a keeper yet. */
static void tell_waiting(json_t *services, const char *run_dir)
{
	char path[PATH_MAX];
	json_t *service;
	size_t i;

	json_array_foreach(services, i, service) {
		snprintf(path, sizeof(path), "%s/%s" WAITING_SUFFIX, run_dir,
			 text(service, "name"));
		if (!strcmp(text(service, "state"), "silent") &&
		    !access(path, F_OK))
			json_object_set_new(service, "state",
					    json_string("held"));
	}
}

/* Is there no update with a service that runs, since it is declared as another? */
static void compare(json_t *service, const struct service *svc)
{
	json_t *was = json_object_get(service, "started-with");
	char what[256];

	if (was && number(service, "pid") &&
	    declaration_compare(svc, was, what, sizeof(what)) < 0)
		json_object_set_new(service, "changed", json_string(what));
}

/* Has it a declaration that can be used, and is it the one that it has? */
static void add_declaration(json_t *service, const char *conf_dir)
{
	struct service *svc;

	svc = declaration_read(conf_dir, text(service, "name"));
	json_object_set_new(service, "declaration",
			    json_string(svc ? "ok" : "broken"));
	if (svc)
		compare(service, svc);
	declaration_free(svc);
}

static void add_declarations(json_t *services, const char *conf_dir)
{
	json_t *service;
	size_t i;

	json_array_foreach(services, i, service) {
		if (strcmp(text(service, "declaration"), "none"))
			add_declaration(service, conf_dir);
		json_object_del(service, "started-with");
	}
}

static json_t *find(const json_t *services, const char *name)
{
	json_t *service;
	size_t i;

	json_array_foreach(services, i, service) {
		if (!strcmp(text(service, "name"), name))
			return service;
	}
	return NULL;
}

static void add_declared(void *services, const char *name)
{
	json_array_append_new(services, json_pack("{s:s, s:s}", "name", name,
						  "declaration", "broken"));
}

static void add_kept(void *services, const char *name)
{
	if (!find(services, name))
		json_array_append_new(services, json_pack("{s:s, s:s}", "name",
							  name, "declaration",
							  "none"));
}

/* What is neither declared nor kept is no service any more. */
static void drop_gone(json_t *services)
{
	size_t i = 0;
	json_t *service;

	while (i < json_array_size(services)) {
		service = json_array_get(services, i);
		if (!strcmp(text(service, "declaration"), "none") &&
		    (!strcmp(text(service, "state"), "gone") ||
		     !strcmp(text(service, "state"), "stopped")))
			json_array_remove(services, i);
		else
			i++;
	}
}

static json_t *collect_agent(const char *run_dir)
{
	json_t *list = json_pack("[{ss}]", "name", AGENT_SOCKET), *agent;

	ask_all(list, run_dir, "");
	agent = json_incref(json_array_get(list, 0));
	json_decref(list);
	if (!strcmp(text(agent, "state"), "gone") ||
	    !strcmp(text(agent, "state"), "stopped"))
		json_object_set_new(agent, "state", json_string("down"));
	json_object_del(agent, "name");
	return agent;
}

/* What it shows of the services alone. */
json_t *status_of_services(const char *conf_dir, const char *run_dir)
{
	json_t *services = json_array();

	names_find(conf_dir, CONFIG_SUFFIX, add_declared, services);
	names_find(run_dir, KEEPER_SUFFIX, add_kept, services);
	ask_all(services, run_dir, KEEPER_SUFFIX);
	add_declarations(services, conf_dir);
	tell_waiting(services, run_dir);
	drop_gone(services);
	if (sd_booted() > 0)
		unit_states_add(services);
	return services;
}

/* All that it shows. */
static json_t *collect(const char *conf_dir, const char *run_dir)
{
	struct utsname uts;

	uname(&uts);
	return json_pack("{s:i, s:s, s:s, s:b, s:o, s:o}", "version",
			 STATUS_VERSION, "lukeep", VERSION,
			 "kernel", uts.release,
			 "liveupdate", session_is_possible(),
			 "agent", collect_agent(run_dir),
			 "services", status_of_services(conf_dir, run_dir));
}

static bool is_one_of(const char *state, const char * const *states)
{
	for (; *states; states++) {
		if (!strcmp(state, *states))
			return true;
	}
	return false;
}

/* Is no service about to come up, or to change otherwise? */
bool status_is_settled(const json_t *services)
{
	static const char * const unsettled[] = {
		"starting", "saving", "late", "stopping", "silent", NULL,
	};
	json_t *service;
	size_t i;

	json_array_foreach(services, i, service) {
		if (is_one_of(text(service, "state"), unsettled))
			return false;
	}
	return true;
}

/* Does all work that is declared, and nothing else, and can there be an update? */
static bool is_well(const json_t *status)
{
	json_t *service;
	size_t i;

	json_array_foreach(json_object_get(status, "services"), i, service) {
		if (strcmp(text(service, "state"), "running") ||
		    strcmp(text(service, "declaration"), "ok") ||
		    json_object_get(service, "changed"))
			return false;
	}
	return !strcmp(text(json_object_get(status, "agent"), "state"),
		       "idle") &&
	       json_is_true(json_object_get(status, "liveupdate"));
}

/* A keeper may be its service's user's, and this is root's terminal. */
static const char *shown(const json_t *object, const char *key)
{
	return message_shown(text(object, key));
}

/* A number of bytes; a few are not nothing. */
static void show_bytes(json_int_t bytes, int width)
{
	if (bytes && bytes < MIB)
		printf("%*.1f KiB", width, bytes / 1024.0);
	else
		printf("%*.1f MiB", width, bytes / MIB);
}

static void show_memfd(const json_t *memfd)
{
	const json_int_t huge = number(memfd, "hugetlb");

	printf("  %-18s %-8s ", shown(memfd, "name"), shown(memfd, "kind"));
	show_bytes(number(memfd, "size"), 12);
	printf(", ");
	show_bytes(number(memfd, "allocated"), 0);
	printf(" allocated");
	if (huge)
		printf(", in huge pages of %lld KiB", (long long)huge / 1024);
	if (json_is_true(json_object_get(memfd, "thp")))
		printf(", thp = always");
	putchar('\n');
}

static void show_tmpfs(const json_t *tmpfs)
{
	printf("  %-18s %-8s ", shown(tmpfs, "path"), "tmpfs");
	show_bytes(number(tmpfs, "size"), 12);
	printf(", ");
	show_bytes(number(tmpfs, "allocated"), 0);
	puts(" allocated");
}

static void show_service(const json_t *service)
{
	double pause = json_number_value(json_object_get(service, "pause"));
	json_t *memfd;
	size_t i;

	printf("%-20s %-8s %7lld  %-9s ", shown(service, "name"),
	       shown(service, "state"), number(service, "pid"),
	       !number(service, "pid") ? "-" :
	       json_is_true(json_object_get(service, "resumed")) ?
	       "resumed" : "afresh");
	if (pause)
		printf("%9.3f s  ", pause);
	else
		printf("%9s    ", "-");
	printf("%s%s\n", shown(service, "session"),
	       !strcmp(text(service, "declaration"), "ok") ? "" :
	       !strcmp(text(service, "declaration"), "none") ?
	       "  (not declared)" : "  (its declaration cannot be used)");
	if (strcmp(text(service, "state"), "running") &&
	    strcmp(shown(service, "error"), "-") && *shown(service, "error"))
		printf("  %s\n", shown(service, "error"));
	if (json_object_get(service, "next-try"))
		printf("  is tried again in %lld s\n",
		       number(service, "next-try"));
	if (json_object_get(service, "changed"))
		printf("  no update with it, by its declaration: %s\n",
		       shown(service, "changed"));
	json_array_foreach(json_object_get(service, "memfds"), i, memfd)
		show_memfd(memfd);
	if (json_object_get(service, "tmpfs"))
		show_tmpfs(json_object_get(service, "tmpfs"));
}

/* Show it, as a table or as JSON. Returns an exit status. */
int status_show(const struct options *opt)
{
	json_t *status, *service;
	size_t i;
	int ret;

	if (access(opt->run_dir, F_OK) && errno != ENOENT) {
		pr_err("cannot look into %s: %s: are you root?", opt->run_dir,
		       strerror(errno));
		return EXIT_FAILURE;
	}
	if (!access(opt->run_dir, F_OK) &&
	    access(opt->run_dir, R_OK | X_OK)) {
		pr_err("cannot look into %s: %s: are you root?", opt->run_dir,
		       strerror(errno));
		return EXIT_FAILURE;
	}
	status = collect(opt->conf_dir, opt->run_dir);
	ret = opt->check && !is_well(status);
	if (opt->json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("kernel %s, agent %s\n", text(status, "kernel"),
		       text(json_object_get(status, "agent"), "state"));
		if (!session_is_possible())
			puts(NO_LIVEUPDATE);
		putchar('\n');
		printf("%-20s %-8s %7s  %-9s %11s  %s\n", "SERVICE", "STATE",
		       "PID", "STARTED", "LAST PAUSE", "SESSION");
		json_array_foreach(json_object_get(status, "services"), i,
				   service)
			show_service(service);
		if (!json_array_size(json_object_get(status, "services")))
			printf("nothing is declared in %s\n", opt->conf_dir);
	}
	json_decref(status);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
