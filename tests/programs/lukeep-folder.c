// SPDX-License-Identifier: GPL-2.0
/*
 * The folder of the machine that lukeep-machine.c feigns: its files, the log of
 * calls, and the calls that are made to fail.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lukeep-machine.h"
#include "lukeep-parts.h"

const char *folder;

void fatal(const char *what)
{
	fprintf(stderr, "lukeep-machine: %s: %s\n", what, strerror(errno));
	exit(1);
}

FILE *open_file(const char *name, const char *mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, mode);
}

/* Write a file as a whole, or remove it, with @text NULL. */
void set_file(const char *name, const char *text)
{
	char path[PATH_MAX], written[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!text) {
		unlink(path);
		return;
	}
	f = open_file("written", "we");
	if (!f)
		fatal(name);
	fprintf(f, "%s\n", text);
	fclose(f);
	snprintf(written, sizeof(written), "%s/written", folder);
	if (rename(written, path))
		fatal(name);
}

/* @err is negative when the call hangs. */
void log_call(int kernel, enum machine_call call, const char *name, int err)
{
	FILE *f = open_file("calls", "ae");

	if (!f)
		fatal("calls");
	fprintf(f, "%d %s %s %s\n", kernel, call_names[call],
		*name ? name : "-", !err ? "ok" : err < 0 ? "hangs" : strerrorname_np(err));
	fclose(f);
}

static int errno_of(const char *name)
{
	int err;

	for (err = 1; err < 200; err++) {
		if (strerrorname_np(err) && !strcmp(strerrorname_np(err), name))
			return err;
	}
	errno = EINVAL;
	fatal(name);
	return 0;
}

/* Returns an errno, 0 for no fault, and -1 when there is no such file. */
static int fault_in(const char *file, bool *hangs)
{
	char name[32] = "", text[64];
	int skip = 0, count = INT_MAX;
	FILE *f = open_file(file, "re");

	if (!f)
		return -1;
	if (fscanf(f, "%31s %d %d", name, &skip, &count) < 1)
		*name = '\0';
	fclose(f);
	*hangs = !strcmp(name, "hang") && !skip;
	if (*hangs || !*name || (!skip && !count))
		return 0;
	/* One that stays is left alone: the test may remove it just now. */
	if (skip || count != INT_MAX) {
		snprintf(text, sizeof(text), "%s %d %d", name, skip ? skip - 1 : 0,
			 skip || count == INT_MAX ? count : count - 1);
		set_file(file, text);
	}
	return skip ? 0 : errno_of(name);
}

int fault(enum machine_call call, const char *session, bool *hangs)
{
	char file[128];
	int err = -1;

	*hangs = false;
	if (*session) {
		snprintf(file, sizeof(file), "fault.%s.%s", call_names[call],
			 session);
		err = fault_in(file, hangs);
	}
	if (err < 0) {
		snprintf(file, sizeof(file), "fault.%s", call_names[call]);
		err = fault_in(file, hangs);
	}
	return err < 0 ? 0 : err;
}
