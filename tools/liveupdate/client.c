// SPDX-License-Identifier: GPL-2.0
/*
 * Asking the agent for something, and telling what it answers.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lukeep.h"

/* Send @request, and drop it. Returns the exit status. */
int client_request(const struct options *opt, json_t *request)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	bool leaves = verb && !strcmp(verb, "stop");
	const char *text;
	json_t *packet;
	int fd, status;

	fd = packet_connect(opt->run_dir, AGENT_SOCKET);
	if (fd < 0) {
		pr_err("cannot reach the agent in %s: is \"lukeep run\" alive, and are you root?",
		       opt->run_dir);
		json_decref(request);
		return EXIT_FAILURE;
	}
	packet_send(fd, request);
	while ((packet = packet_receive(fd))) {
		if (!json_unpack(packet, "{si}", "exit", &status)) {
			json_decref(packet);
			close(fd);
			return status;
		}
		if (!json_unpack(packet, "{ss}", "message", &text))
			fprintf(stderr, "lukeep: %s\n", text);
		json_decref(packet);
	}
	close(fd);
	if (leaves)
		return EXIT_SUCCESS;
	pr_err("the agent went away: the services work on; see what it logged");
	return EXIT_FAILURE;
}
