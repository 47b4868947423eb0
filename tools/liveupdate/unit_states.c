// SPDX-License-Identifier: GPL-2.0
/*
 * What systemd does with the units of services whose keepers do not answer: it
 * starts or stops them, or they have failed.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "declaration.h"
#include "unit_states.h"

/* The session that came in and what the last keeper has to say, see given.c. */
#define STORED_OF_HELD	2

/* systemd may be busy; then the status goes without what it knows. */
#define SHOW_TIMEOUT	2000	/* ms */

/**
 * struct unit - what systemd tells of a unit
 * @active: its ActiveState, "" if not known
 * @result: its Result, the same
 * @stored: its NFileDescriptorStore, the same
 */
struct unit {
	char active[16];
	char result[32];
	char stored[16];
};

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* Does nobody answer for it? */
static bool is_asked(const json_t *service)
{
	const char *state = text(service, "state");

	return declaration_name_valid(text(service, "name")) &&
	       (!strcmp(state, "gone") || !strcmp(state, "stopped") ||
		!strcmp(state, "silent"));
}

static void take(const char *line, const char *key, char *value, size_t size)
{
	if (!strncmp(line, key, strlen(key)))
		snprintf(value, size, "%s", line + strlen(key));
}

static int ask(struct unit *unit, const char *name)
{
	char id[NAME_MAX_LEN + sizeof("lukeep@.service")], said[256], *line;
	char *const argv[] = {
		"systemctl", "show", "--property=ActiveState,Result,NFileDescriptorStore",
		"--", id, NULL,
	};
	char *rest = said;

	snprintf(id, sizeof(id), "lukeep@%s.service", name);
	if (child_output(argv, said, sizeof(said), SHOW_TIMEOUT))
		return -1;
	*unit = (struct unit){ };
	while ((line = strsep(&rest, "\n"))) {
		take(line, "ActiveState=", unit->active, sizeof(unit->active));
		take(line, "Result=", unit->result, sizeof(unit->result));
		take(line, "NFileDescriptorStore=", unit->stored,
		     sizeof(unit->stored));
	}
	return 0;
}

/* Was its main process killed? Else it has exited. */
static bool was_killed(const struct unit *unit)
{
	return !strcmp(unit->result, "signal") ||
	       !strcmp(unit->result, "core-dump") ||
	       !strcmp(unit->result, "oom-kill");
}

/* Has systemd kept what came in, though its keeper has ended? Others are too old. */
static bool is_held(const struct unit *unit)
{
	return atoi(unit->stored) >= STORED_OF_HELD;
}

static void set_failed(json_t *service, const struct unit *unit)
{
	const char *state = is_held(unit) ? "held" :
			    was_killed(unit) ? "gone" : "down";
	char error[256];

	json_object_set_new(service, "state", json_string(state));
	snprintf(error, sizeof(error),
		 "its unit has failed (%s)%s: see \"systemctl status lukeep@%s\"",
		 unit->result, is_held(unit) ?
		 ", and systemd has what it had, for which \"lukeep reload\" starts it again" :
		 "", text(service, "name"));
	json_object_set_new(service, "error", json_string(error));
}

static void set_state(json_t *service, const struct unit *unit)
{
	bool is_silent = !strcmp(text(service, "state"), "silent");
	const char *state = NULL;

	if (!strcmp(unit->active, "activating"))
		state = "starting";
	else if (!strcmp(unit->active, "deactivating"))
		state = "stopping";
	else if (!strcmp(unit->active, "inactive") && !is_silent)
		state = "stopped";
	else if (!strcmp(unit->active, "failed") && !is_silent)
		set_failed(service, unit);
	if (state)
		json_object_set_new(service, "state", json_string(state));
}

/* Add what systemd knows of the @services that could not tell their state. */
void unit_states_add(json_t *services)
{
	json_t *service;
	struct unit unit;
	size_t i;

	json_array_foreach(services, i, service) {
		if (!is_asked(service))
			continue;
		if (ask(&unit, text(service, "name")))
			return;
		set_state(service, &unit);
	}
}
