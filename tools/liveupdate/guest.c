// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of a QEMU: what it is doing, whether it has been loaded, and how it is
 * shut down.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "guest.h"
#include "message.h"

#define READY_PAUSE	100	/* milliseconds */

/* What the guest is doing, in QEMU's words; false if that cannot be had. */
bool guest_status(struct qmp *qmp, char *status)
{
	json_t *value = qmp_execute(qmp, "query-status", NULL);
	const char *word;
	bool known;

	known = !json_unpack(value, "{ss}", "status", &word);
	if (known)
		snprintf(status, STATUS_MAX, "%s", word);
	else if (value)
		pr_err("QEMU does not tell the guest's status");
	json_decref(value);
	return known;
}

/* A guest that has suspended itself wakes up by itself. */
bool guest_runs(const char *status)
{
	return !strcmp(status, "running") || !strcmp(status, "suspended");
}

/*
 * Press the guest's power button. 0 when QEMU has ended, 1 when the guest is off,
 * -1 when it has not shut down.
 */
static int shut_down(struct qmp *qmp, int seconds)
{
	char status[STATUS_MAX];
	int ret;

	if (!guest_status(qmp, status))
		return -1;
	/* With -no-shutdown QEMU stays. */
	if (!strcmp(status, "shutdown"))
		return 1;
	if (!guest_runs(status)) {
		pr_err("the guest cannot shut down, since it does not run: QEMU calls it \"%s\"",
		       status);
		return -1;
	}
	if (qmp_do(qmp, "system_powerdown", NULL))
		return -1;
	ret = qmp_wait(qmp, "SHUTDOWN", seconds);
	if (ret < 0)
		pr_err("the guest has not shut down within %d s: it needs ACPI, and must heed its power button",
		       seconds);
	return ret;
}

/* Have the guest shut down, or QEMU end without that. */
int guest_stop(const char *path, int seconds)
{
	struct qmp qmp;
	int down;

	if (qmp_connect(&qmp, path, QMP_LIMIT))
		return -1;
	down = shut_down(&qmp, seconds);
	if (down < 0)
		pr_info("QEMU is told to quit: for the guest it is a power failure");
	if (down && qmp_quit(&qmp)) {
		pr_err("QEMU has not ended within %d s: kill it", qmp.limit);
		down = -1;
	}
	qmp_close(&qmp);
	return down < 0 ? -1 : 0;
}

/*
 * QEMU has saved, and stays: who had it save was killed just before the end. As
 * long as we are connected, nobody else does. The guest changes its RAM when it
 * goes on, so what was saved is emptied before.
 */
static bool go_on(struct qmp *qmp, int state)
{
	if (state >= 0 && ftruncate(state, 0)) {
		pr_err("cannot empty the memfd \"state\": %s", strerror(errno));
		return false;
	}
	if (qmp_do(qmp, "cont", NULL))
		return false;
	pr_info("a save that was killed had left the guest paused: it runs on");
	return true;
}

/* Is the guest loaded? 1 when it is not, -1 if QEMU cannot be asked. */
static int ask(const char *path, int state)
{
	char status[STATUS_MAX];
	struct stat st = { };
	struct qmp qmp;
	bool known, left;
	int there;

	there = qmp_is_there(path);
	if (there != 1)
		return there ? -1 : 1;
	if (qmp_connect(&qmp, path, QMP_LIMIT))
		return -1;
	known = guest_status(&qmp, status);
	left = known && !strcmp(status, "postmigrate");
	if (left)
		known = go_on(&qmp, state);
	qmp_close(&qmp);
	if (!known)
		return -1;
	if (left)
		return 0;
	/* Loaded, it is paused until the memfd has been emptied. */
	if (state >= 0 && !fstat(state, &st) && st.st_size)
		return 1;
	return !strcmp(status, "inmigrate") || !strcmp(status, "finish-migrate");
}

/*
 * Wait until the guest is loaded, if it is to be. QEMU serves one client at a time,
 * so do not keep away the one that loads it.
 */
int guest_ready(const char *path, int state)
{
	double deadline = clock_now() + QMP_LIMIT;
	int ret;

	while ((ret = ask(path, state)) > 0 && clock_now() < deadline)
		poll(NULL, 0, READY_PAUSE);
	if (ret > 0)
		pr_err("the guest is not ready after %d s: see what QEMU logged",
		       QMP_LIMIT);
	return ret ? -1 : 0;
}
