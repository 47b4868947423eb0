// SPDX-License-Identifier: GPL-2.0
/*
 * The updates that there were: a file with a JSON object a line, the newest last.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "history.h"
#include "message.h"

#define HISTORY_FILE	"history"

/* Of the JSON; a reader may rely on what lukeep(8) says of it. */
#define HISTORY_VERSION	1

static void history_path(char *path, size_t len, const char *state_dir)
{
	snprintf(path, len, "%s/" HISTORY_FILE, state_dir);
}

/* Make a folder, with those that it is in. */
static void make_folder(const char *dir)
{
	char path[PATH_MAX], *slash;

	snprintf(path, sizeof(path), "%s/", dir);
	for (slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

/* Add an entry, with the time, and drop it. A history that is lacking is no failure. */
void history_add(const char *state_dir, json_t *entry)
{
	char path[PATH_MAX], *text;
	int fd;

	json_object_set_new(entry, "time", json_integer(clock_wall()));
	text = json_dumps(entry, JSON_COMPACT);
	json_decref(entry);
	history_path(path, sizeof(path), state_dir);
	make_folder(state_dir);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || !text || dprintf(fd, "%s\n", text) < 0)
		pr_warn("cannot write to %s: %s: this update is not in the history",
			path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(text);
}

static const char *text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return message_shown(text ?: "-");
}

static void show_entry(const json_t *entry)
{
	time_t when = json_integer_value(json_object_get(entry, "time"));
	json_t *service;
	char date[32];
	size_t i;

	strftime(date, sizeof(date), "%F %T", localtime(&when));
	printf("%s  %-8s  %s -> %s", date, text(entry, "result"),
	       text(entry, "from"), text(entry, "kernel"));
	if (json_object_get(entry, "step"))
		printf("  (%s%s)", json_is_true(json_object_get(entry, "cancelled")) ?
		       "called off: " : "", text(entry, "step"));
	if (json_object_get(entry, "next"))
		printf("  for %s", text(entry, "next"));
	putchar('\n');
	json_array_foreach(json_object_get(entry, "services"), i, service)
		printf("  %-20s %-8s %10.3f s\n", text(service, "name"),
		       text(service, "state"),
		       json_number_value(json_object_get(service, "pause")));
}

/* Show all of it, the oldest first, as a table or as JSON. Returns an exit status. */
int history_show(const char *state_dir, bool json)
{
	json_t *entries = json_array(), *entry;
	char path[PATH_MAX], *line = NULL;
	size_t len = 0, i;
	FILE *f;

	history_path(path, sizeof(path), state_dir);
	f = fopen(path, "re");
	if (!f && errno != ENOENT) {
		pr_err("cannot read %s: %s", path, strerror(errno));
		json_decref(entries);
		return EXIT_FAILURE;
	}
	while (f && getline(&line, &len, f) > 0) {
		entry = json_loads(line, 0, NULL);
		if (entry)	/* else it was cut short */
			json_array_append_new(entries, entry);
	}
	if (f)
		fclose(f);
	free(line);
	if (json) {
		entries = json_pack("{s:i, s:o}", "version", HISTORY_VERSION,
				    "updates", entries);
		json_dumpf(entries, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		if (!json_array_size(entries))
			pr_info("there was no update yet");
		json_array_foreach(entries, i, entry)
			show_entry(entry);
	}
	json_decref(entries);
	return EXIT_SUCCESS;
}
