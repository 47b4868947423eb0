// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's state: QEMU writes it, as for a migration, through a pipe into a memfd,
 * and reads it back from there.
 *
 * QEMU loads it with the guest stopped. The memfd is emptied when QEMU has taken
 * all of it, and just before the guest goes on: from then on RAM is another than it
 * was. So no guest is lost while QEMU may refuse it, and none runs twice.
 *
 * It is QEMU that stops the guest to save it, and has it run on when saving fails,
 * even when that is because we were killed.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "guest.h"
#include "message.h"

#define POLL_PAUSE	10	/* milliseconds */

/* While it starts and loads, QEMU has more time to answer: it reads ROMs and images. */
#ifndef LOAD_LIMIT
#define LOAD_LIMIT	300	/* seconds */
#endif

/* The pipe's name in QEMU. */
#define CHANNEL		"lukeep"

/*
 * Follows QEMU's state if the guest did not run when it was saved. QEMU loads with
 * the guest stopped in any case, and does not tell what it was before.
 */
#define PAUSED		"\nlukeep: paused\n"

/* For messages. */
#define SAVED		"the state that QEMU saves"
#define LOADED		"the state that QEMU loads"

/**
 * struct saved - what is in the memfd
 * @data:   all of it
 * @size:   all of it
 * @len:    QEMU's part
 * @paused: the guest did not run
 */
struct saved {
	char *data;
	size_t size;
	size_t len;
	bool paused;
};

/* The reason is told if this fails. */
static int write_all(int to, const char *data, size_t len, const char *what)
{
	ssize_t n;

	for (; len; len -= n, data += n) {
		n = write(to, data, len);
		if (n <= 0) {
			pr_err("cannot write %s: %s", what, strerror(errno));
			return -1;
		}
	}
	return 0;
}

/* Copy all there is into @state. It takes as long as QEMU does, see save-timeout. */
static int copy_state(int channel, int state)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(channel, buf, sizeof(buf))) > 0) {
		if (write_all(state, buf, n, SAVED))
			return -1;
	}
	if (n < 0)
		pr_err("cannot read " SAVED ": %s", strerror(errno));
	return n < 0 ? -1 : 0;
}

/* Shall a migration leave out memory that others can have, too? */
static int set_ignore_shared(struct qmp *qmp, bool on)
{
	return qmp_do(qmp, "migrate-set-capabilities",
		      json_pack("{s[{ss sb}]}", "capabilities", "capability",
				"x-ignore-shared", "state", on));
}

/*
 * Has QEMU written, or loaded, all of the state? 1 when it is still at it, -1 when
 * it has failed.
 */
static int migrated(struct qmp *qmp)
{
	const char *status = "", *reason = "it does not say why; see what it logged";
	json_t *value = qmp_execute(qmp, "query-migrate", NULL);
	int ret = 1;

	if (!value)
		return -1;
	json_unpack(value, "{s?s s?s}", "status", &status, "error-desc", &reason);
	if (!strcmp(status, "completed")) {
		ret = 0;
	} else if (!strcmp(status, "failed") || !strcmp(status, "cancelled")) {
		pr_err("QEMU cannot save or load the guest: %s", reason);
		ret = -1;
	}
	json_decref(value);
	return ret;
}

/* All that QEMU has to write or to read is through the channel. */
static int wait_migrated(struct qmp *qmp)
{
	double deadline = clock_now() + qmp->limit;
	int ret;

	while ((ret = migrated(qmp)) > 0 && clock_now() < deadline)
		poll(NULL, 0, POLL_PAUSE);
	if (ret > 0)
		pr_err("QEMU does not finish the guest's state within %d s: see what it logged",
		       qmp->limit);
	return ret ? -1 : 0;
}

/* Give QEMU one end of a pipe, 0 to read or 1 to write, and return the other. */
static int open_channel(struct qmp *qmp, int end)
{
	int pipefd[2], err;

	if (pipe2(pipefd, O_CLOEXEC)) {
		pr_err("cannot create a pipe: %s: raise the limit on open files",
		       strerror(errno));
		return -1;
	}
	err = qmp_pass_fd(qmp, CHANNEL, pipefd[end]);
	close(pipefd[end]);
	if (!err)
		return pipefd[!end];
	close(pipefd[!end]);
	return -1;
}

/* Have QEMU do @what through the channel. Memory that others can have is left out. */
static int migrate(struct qmp *qmp, const char *what)
{
	if (set_ignore_shared(qmp, true))
		return -1;
	return qmp_do(qmp, what, json_pack("{ss}", "uri", "fd:" CHANNEL));
}

/* Have QEMU write the state into @state, and note if the guest is @paused. */
static int save_state(struct qmp *qmp, int state, bool paused)
{
	int channel = open_channel(qmp, 1), copied, ret;

	if (channel < 0)
		return -1;
	if (migrate(qmp, "migrate")) {
		close(channel);
		return -1;
	}
	copied = copy_state(channel, state);
	if (!copied && paused)
		copied = write_all(state, PAUSED, strlen(PAUSED), SAVED);
	/* Not read to its end it fails in QEMU, too. */
	close(channel);
	ret = wait_migrated(qmp);
	return copied ? copied : ret;
}

/* Have the QEMU that is connected save, and end. */
static int save(struct qmp *qmp, int state)
{
	char status[STATUS_MAX];
	bool left, runs;

	if (!guest_status(qmp, status))
		return -1;
	/* A save that was killed at its very end leaves a guest that stands still. */
	left = !strcmp(status, "postmigrate");
	if (left && qmp_do(qmp, "cont", NULL))
		return -1;
	runs = left || guest_runs(status);
	if (!save_state(qmp, state, !runs)) {
		/* It is all there: whatever QEMU does now is no failure. */
		qmp_quit(qmp);
		return 0;
	}
	if (runs && !qmp_do(qmp, "cont", NULL))
		pr_info("the guest runs on");
	set_ignore_shared(qmp, false);
	return -1;
}

/* Have QEMU write the guest's state into @state, and end. */
int guest_save(const char *path, int state)
{
	struct qmp qmp;
	int ret;

	if (qmp_connect(&qmp, path, QMP_LIMIT))
		return -1;
	ret = save(&qmp, state);
	qmp_close(&qmp);
	return ret;
}

/* Read all that is in @state. */
static int read_saved(int state, struct saved *saved)
{
	const size_t trailer = strlen(PAUSED);
	struct stat st;

	if (fstat(state, &st) || !st.st_size) {
		pr_err("there is nothing to load");
		return -1;
	}
	saved->size = st.st_size;
	saved->data = malloc(saved->size);
	if (!saved->data) {
		pr_err("cannot read " LOADED ": free some memory");
		return -1;
	}
	if (pread(state, saved->data, saved->size, 0) != st.st_size) {
		pr_err("cannot read " LOADED ": %s", strerror(errno));
		return -1;
	}
	saved->paused = saved->size > trailer &&
			!memcmp(saved->data + saved->size - trailer, PAUSED, trailer);
	saved->len = saved->size - (saved->paused ? trailer : 0);
	return 0;
}

/* Have QEMU read the state: the guest is stopped then. */
static int load_state(struct qmp *qmp, const struct saved *saved)
{
	int channel = open_channel(qmp, 0), ret;

	if (channel < 0)
		return -1;
	ret = migrate(qmp, "migrate-incoming");
	if (!ret)
		ret = write_all(channel, saved->data, saved->len, LOADED);
	close(channel);
	return ret ?: wait_migrated(qmp);
}

/* QEMU refuses to let the guest go on: the state is still that of the guest. */
static int put_back(int state, const struct saved *saved)
{
	if (pwrite(state, saved->data, saved->size, 0) == (ssize_t)saved->size)
		return -1;
	pr_err("the memfd \"state\" cannot be written again: %s: QEMU keeps the guest, paused; use its monitor",
	       strerror(errno));
	if (ftruncate(state, 0))
		pr_err("the memfd \"state\" cannot be emptied: stop the service before it is started again");
	return 0;
}

/*
 * Let the guest go on if it ran. It changes its RAM then, so @state must be empty
 * before. Returns -1 if @state can be loaded again.
 */
static int go_on(struct qmp *qmp, int state, const struct saved *saved)
{
	char status[STATUS_MAX];

	if (!guest_status(qmp, status))
		return -1;
	if (ftruncate(state, 0)) {
		pr_err("cannot empty the memfd \"state\": %s", strerror(errno));
		return -1;
	}
	/* Other words than "paused" are of guests that crashed, or wait for a disk. */
	if (saved->paused || strcmp(status, "paused") || !qmp_do(qmp, "cont", NULL))
		return 0;
	/* If QEMU does not answer any more, the guest may have gone on. */
	if (!guest_status(qmp, status) || strcmp(status, "paused"))
		return 0;
	return put_back(state, saved);
}

/* Have QEMU load @state; if this fails, the guest has not run. */
int guest_load(const char *path, int state)
{
	struct saved saved = { };
	double start = clock_now();
	struct qmp qmp;
	int ret = -1;

	if (qmp_connect(&qmp, path, LOAD_LIMIT))
		return -1;
	if (!read_saved(state, &saved) && !load_state(&qmp, &saved))
		ret = go_on(&qmp, state, &saved);
	free(saved.data);
	if (!ret) {
		pr_info("update: load the guest: %.3f s", clock_now() - start);
		/* Who migrates it to another host has other wishes. */
		set_ignore_shared(&qmp, false);
	}
	qmp_close(&qmp);
	return ret;
}
