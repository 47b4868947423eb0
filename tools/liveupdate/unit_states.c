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
#include "message.h"
#include "declaration.h"
#include "unit_states.h"

/* The session that came in and what the last keeper has to say, see given.c. */
#define STORED_OF_HELD	2

/* More than a keeper says, and than systemctl shows of a unit. */
#define ERROR_MAX	1024
#define SHOWN_MAX	(2 * ERROR_MAX)

/* systemd may be busy; then the status goes without what it knows. */
#define SHOW_TIMEOUT	2000	/* ms */

/**
 * struct unit - what systemd tells of a unit
 * @active: its ActiveState, "" if not known
 * @result: its Result, the same
 * @stored: its NFileDescriptorStore, the same
 * @job:    the number of its Job, the same: systemd is to start it, or to stop it, when
 *	    other units have been
 * @status: what its processes have said last
 */
struct unit {
	char active[16];
	char result[32];
	char stored[16];
	char job[16];
	char status[ERROR_MAX];
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
	char id[NAME_MAX_LEN + sizeof("lukeep@.service")], said[SHOWN_MAX], *line;
	char *const argv[] = {
		"systemctl", "show",
		"--property=ActiveState,Result,NFileDescriptorStore,Job,StatusText",
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
		take(line, "Job=", unit->job, sizeof(unit->job));
		take(line, "StatusText=", unit->status, sizeof(unit->status));
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

/* What it says as it ends is an error, and has its name in front. */
static bool says_why(const struct unit *unit, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(unit->status, name, len) && unit->status[len] == ':';
}

static void set_error(json_t *service, const struct unit *unit)
{
	const char *name = text(service, "name");
	const char *held = "";
	char error[256];

	if (is_held(unit))
		held = ", and systemd has what it had, for which \"lukeep reload\" starts it again";
	if (says_why(unit, name) && !is_held(unit)) {
		json_object_set_new(service, "error",
				    json_string(unit->status));
	} else if (!strcmp(unit->active, "failed")) {
		snprintf(error, sizeof(error),
			 "%s: its unit has failed (%s)%s: see \"systemctl status lukeep@%s\"",
			 name, unit->result, held, name);
		json_object_set_new(service, "error", json_string(error));
	}
}

/* Is it to be started, but has to wait for other units? Nothing stops what has ended. */
static bool is_queued(const struct unit *unit)
{
	return atoi(unit->job) > 0 && (!strcmp(unit->active, "inactive") ||
				       !strcmp(unit->active, "failed"));
}

static void set_state(json_t *service, const struct unit *unit)
{
	const char *now = text(service, "state"), *state = NULL;
	bool is_silent = !strcmp(now, "silent");

	if (!strcmp(unit->active, "activating") || is_queued(unit))
		state = "starting";
	else if (!strcmp(unit->active, "deactivating"))
		state = "stopping";
	else if (is_silent)
		return;
	else if (!strcmp(unit->active, "active") && !strcmp(now, "gone"))
		state = "stopping";	/* its keeper has closed its socket */
	else if (!strcmp(unit->active, "inactive"))
		state = "stopped";
	else if (!strcmp(unit->active, "failed"))
		state = is_held(unit) ? "held" :
			was_killed(unit) ? "gone" : "down";
	if (!state)
		return;
	json_object_set_new(service, "state", json_string(state));
	set_error(service, unit);
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

/*
 * Will systemd have late services save? A unit that is masked does not run its commands. When
 * systemd does not say, it will.
 */
bool unit_states_late_is_active(void)
{
	char *const argv[] = {
		"systemctl", "show", "--property=LoadState,ActiveState", "--",
		LATE_UNIT, NULL,
	};
	char said[SHOWN_MAX];

	if (child_output(argv, said, sizeof(said), SHOW_TIMEOUT) || !*said) {
		pr_warn("systemd does not say whether %s is active, by which late services save: it is taken to be",
			LATE_UNIT);
		return true;
	}
	return strstr(said, "LoadState=loaded\n") &&
	       strstr(said, "ActiveState=active\n");
}
