// SPDX-License-Identifier: GPL-2.0
/*
 * What the services are doing. The keepers are asked directly: they know, with
 * and without an agent.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lukeep.h"

#define ANSWER_TIMEOUT	5000	/* ms */

static json_t *ask(const struct options *opt, const char *socket)
{
	int fd = packet_connect(opt->run_dir, socket);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	json_t *answer = NULL;

	if (fd < 0)
		return NULL;
	packet_send(fd, json_pack("{ss}", "verb", "status"));
	if (poll(&pfd, 1, ANSWER_TIMEOUT) > 0)
		answer = packet_receive(fd);
	close(fd);
	return answer ?: json_pack("{ss}", "state", "silent");
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "-";
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* The name is that of the socket, and of its service. */
static json_t *collect_service(const struct options *opt, const char *path)
{
	const char *socket = strrchr(path, '/') + 1;
	json_t *service = ask(opt, socket);

	if (!service)
		service = json_pack("{ss}", "state", "gone");
	json_object_set_new(service, "name",
			    json_stringn(socket, strlen(socket) -
						 strlen(KEEPER_SUFFIX)));
	return service;
}

static json_t *collect(const struct options *opt)
{
	json_t *services = json_array(), *agent = ask(opt, AGENT_SOCKET);
	char pattern[PATH_MAX];
	struct utsname uts;
	glob_t found;
	size_t i;

	if (!agent)
		agent = json_pack("{ss}", "state", "down");
	uname(&uts);
	snprintf(pattern, sizeof(pattern), "%s/*" KEEPER_SUFFIX, opt->run_dir);
	if (!glob(pattern, 0, NULL, &found)) {
		for (i = 0; i < found.gl_pathc; i++)
			json_array_append_new(services,
					      collect_service(opt, found.gl_pathv[i]));
		globfree(&found);
	}
	return json_pack("{ss so so}", "kernel", uts.release, "agent", agent,
			 "services", services);
}

static void show_service(const json_t *service)
{
	json_t *memfd;
	size_t i;

	printf("%-20s %-8s %7lld  %-9s %s\n", text(service, "name"),
	       text(service, "state"), number(service, "pid"),
	       !number(service, "pid") ? "-" :
	       json_is_true(json_object_get(service, "resumed")) ?
	       "resumed" : "afresh", text(service, "session"));
	json_array_foreach(json_object_get(service, "memfds"), i, memfd)
		printf("  %-18s %-8s %12.1f MiB, %.1f MiB allocated\n",
		       text(memfd, "name"), text(memfd, "kind"),
		       number(memfd, "size") / MIB,
		       number(memfd, "allocated") / MIB);
}

/* Show it, as a table or as JSON. */
int status_show(const struct options *opt)
{
	json_t *status, *service;
	size_t i;

	if (access(opt->run_dir, R_OK | X_OK)) {
		pr_err("cannot look into %s: has \"lukeep run\" been started, and are you root?",
		       opt->run_dir);
		return EXIT_FAILURE;
	}
	status = collect(opt);
	if (opt->json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("kernel %s, agent %s\n\n", text(status, "kernel"),
		       text(json_object_get(status, "agent"), "state"));
		printf("%-20s %-8s %7s  %-9s %s\n", "SERVICE", "STATE", "PID",
		       "STARTED", "SESSION");
		json_array_foreach(json_object_get(status, "services"), i,
				   service)
			show_service(service);
	}
	json_decref(status);
	return EXIT_SUCCESS;
}
