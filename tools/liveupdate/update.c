// SPDX-License-Identifier: GPL-2.0
/*
 * The live update of all services, which happens whole or not at all.
 *
 * It goes step by step, the keepers of all services doing a step at the same
 * time. When one of them fails, or anything else, all are told to bring their
 * services back to work.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "hooks.h"
#include "loaded.h"
#include "message.h"
#include "services.h"
#include "session.h"
#include "tmpfs_update.h"
#include "update.h"
#include "update_steps.h"

/* For what a keeper does at once, and on top of the time that services have. */
#define ANSWER_TIMEOUT	30	/* seconds */

/* The step that is under way. */
const char *update_step(const struct update *u)
{
	return update_steps[u->step].name;
}

/* Leave it as it is; the keepers call it off by themselves. */
void update_free(struct update *u)
{
	struct link *link;

	if (!u)
		return;
	sd_event_source_disable_unref(u->guard);
	sd_event_source_disable_unref(u->limit);
	for (link = u->links.first; link; link = link->next)
		tmpfs_update_revert(link);
	links_free(&u->links);
	request_free(&u->request);
	free(u);
}

static void end(struct update *u)
{
	const struct updater *updater = u->updater;
	const char *step = update_step(u);
	int status = u->status;

	update_free(u);
	updater->ended(updater->user, status, step);
}

static void unload(struct update *u)
{
	u->loaded = false;
	loaded_end();
}

/*
 * Is the rest up to systemd? There is no way back then but for the whole system:
 * with the next kernel unloaded it would be entered by way of the firmware.
 */
bool update_is_with_systemd(const struct update *u)
{
	return u->handed_over && !u->failed;
}

/*
 * Failing.
 */

static void fail(struct update *u);
static void answered(struct update *u);

/*
 * There is no way back any more, and a late service could not be saved. The others do
 * not have to suffer from that: the update goes on without it.
 */
static void give_up(struct link *link)
{
	if (link->without || link->sealed)
		return;
	pr_event(MESSAGE_LOST,
		 "%s: it has not saved, and systemd is about to enter the next kernel: what it had is lost; without late = yes the update would have been called off",
		 link->name);
	link->without = true;
	link_end_session(link);
}

/* Of services that are left out, too: they cannot prevent the update. */
static int on_guard(sd_event_source *source, uint64_t usec, void *user)
{
	struct update *u = user;
	bool all_left = true;
	struct link *link;

	(void)source;
	(void)usec;
	for (link = u->links.first; link; link = link->next) {
		if (!link->pending)
			continue;
		pr_err("%s: its keeper does not answer: is it stopped?",
		       link->name);
		link->pending = false;
		/* It may still save: what becomes of it the next kernel tells. */
		if (update_is_with_systemd(u)) {
			link->without = true;
			link_end_session(link);
		}
		all_left &= link->without;
		if (u->failed && u->touched)
			u->status = UPDATE_NOT_BACK;
	}
	if (u->failed || all_left)
		answered(u);
	else
		fail(u);
	return 0;
}

static void set_guard(struct update *u)
{
	int seconds = services_time(&u->links) + ANSWER_TIMEOUT;

	u->guard = sd_event_source_disable_unref(u->guard);
	sd_event_add_time_relative(u->updater->event, &u->guard,
				   CLOCK_MONOTONIC, seconds * USEC_PER_SEC, 0,
				   on_guard, u);
}

static void revert(struct update *u)
{
	struct link *link;

	if (u->loaded)
		unload(u);
	set_guard(u);
	for (link = u->links.first; link; link = link->next) {
		tmpfs_update_revert(link);
		link_end_session(link);
		if (!link->without || u->touched)
			link_ask(link, json_pack("{ss}", "verb", "revert"), -1);
	}
	if (!links_pending(&u->links))
		end(u);
}

/* Call the update off: the services go back to work. */
static void fail(struct update *u)
{
	if (u->failed)
		return;
	u->failed = true;
	u->status = !u->touched ? UPDATE_REFUSED : u->gone ? UPDATE_NOT_BACK :
							     UPDATE_REVERTED;
	u->limit = sd_event_source_disable_unref(u->limit);
	pr_event(MESSAGE_UPDATE_FAILED, "update: failed at the step \"%s\"",
		 update_step(u));
	if (u->loading)
		loaded_done(false);
	hooks_cancel();
	revert(u);
}

/* Call the update off, unless it is with systemd by now. */
void update_cancel(struct update *u)
{
	if (u->handed_over)
		return;
	if (!u->failed)
		pr_info("update: it is called off as you asked");
	fail(u);
}

/* Stopped in its own manner, a late service has its time for that. */
static void lose(struct update *u, struct link *link)
{
	give_up(link);
	link_ask(link, json_pack("{ss}", "verb", "leave"), -1);
	set_guard(u);
}

/*
 * Going on.
 */

static enum step_result run_step(struct update *u)
{
	u->start = clock_now();
	u->guard = sd_event_source_disable_unref(u->guard);
	if (update_steps[u->step].verb)
		set_guard(u);
	return update_steps[u->step].run(u);
}

/* Begin a step; those for which there is nothing to do are passed over. */
static void begin_step(struct update *u)
{
	enum step_result result;

	while ((result = run_step(u)) == STEP_EMPTY)
		u->step++;
	if (result == STEP_FAILED)
		fail(u);
	else if (update_steps[u->step].verb)
		answered(u);
}

static void end_step(struct update *u)
{
	pr_info("update: %s: %.3f s", update_step(u), clock_now() - u->start);
	if (u->request.dry_run && u->loaded) {
		pr_info("update: all is ready: the next kernel can be loaded, and fits; the command line would be: %s",
			u->request.next.cmdline);
		u->status = UPDATE_DONE;
		u->failed = true;
		revert(u);
		return;
	}
	u->step++;
	begin_step(u);
}

/* What a step has begun beside the keepers has ended. */
static void stepped(struct update *u, bool ok)
{
	if (ok)
		end_step(u);
	else
		fail(u);
}

/* All keepers that were asked have answered. */
static void answered(struct update *u)
{
	if (links_pending(&u->links))
		return;
	if (u->failed) {
		end(u);
	} else if (update_steps[u->step].verb) {
		if (update_steps[u->step].go_on && update_steps[u->step].go_on(u)) {
			set_guard(u);
			answered(u);	/* those that could not be asked */
		} else {
			end_step(u);
		}
	}
}

static void on_answer(struct update *u, struct link *link, const char *verb,
		      bool ok, const json_t *packet)
{
	const char *expected = u->failed ? "revert" : update_steps[u->step].verb ?: "";

	if (link->without && update_is_with_systemd(u))
		expected = "leave";

	if (!link->pending || strcmp(verb, expected))
		return;		/* too late */
	link->pending = false;
	ok |= link->without && !u->failed;
	link->sealed |= ok && !strcmp(verb, "seal");
	if (ok && !strcmp(verb, "check"))
		ok = services_is_as_declared(link, json_object_get(packet,
								   "declaration"));
	if (ok) {
		answered(u);
	} else if (u->failed) {
		pr_err("%s: it is not back at work", link->name);
		if (u->touched)
			u->status = UPDATE_NOT_BACK;
		answered(u);
	} else if (update_is_with_systemd(u)) {
		lose(u, link);
		answered(u);	/* if it is not there to be asked */
	} else {
		pr_err("update: %s failed", link->name);
		fail(u);
	}
}

static void on_keeper_gone(struct update *u, struct link *link)
{
	bool pending = link->pending;

	link->pending = false;
	if (link->without && !pending)
		return;
	pr_err("%s: its keeper has ended", link->name);
	u->gone = true;
	if (update_is_with_systemd(u)) {
		give_up(link);
		if (pending)
			answered(u);
		return;
	}
	if (u->failed && u->touched)
		u->status = UPDATE_NOT_BACK;
	if (!u->failed && !link->without)
		fail(u);
	else if (pending)
		answered(u);
}

static void on_packet(void *user, struct link *link, json_t *packet)
{
	struct update *u = user;
	const char *verb, *text;
	int ok;

	if (!packet)
		on_keeper_gone(u, link);
	else if (!json_unpack(packet, "{ss sb}", "verb", &verb, "ok", &ok))
		on_answer(u, link, verb, ok, packet);
	else if (!json_unpack(packet, "{ss}", "message", &text))
		message_repeat(text);	/* logged by the keeper already */
}

/*
 * The beginning.
 */

/* Begin an update; messages tell how it goes. NULL when it has failed already. */
struct update *update_begin(const struct updater *updater, json_t *request)
{
	struct update *u = calloc(1, sizeof(*u));

	if (!u) {
		pr_err("out of memory");
		return NULL;
	}
	*u = (struct update){
		.updater = updater,
		.status = UPDATE_REFUSED,
		.stepped = stepped,
		.links = {
			.event = updater->event,
			.conf_dir = updater->conf_dir,
			.run_dir = updater->run_dir,
			.packet = on_packet,
			.user = u,
		},
	};
	if (session_check_device() || request_read(&u->request, request) ||
	    services_check(&u->links, &u->request) || update_check_late(u) ||
	    tmpfs_update_check(&u->links)) {
		pr_event(MESSAGE_UPDATE_FAILED,
			 "update: failed at the step \"%s\"", update_steps[0].name);
		update_free(u);
		return NULL;
	}
	return u;
}

/* Go on to its first step; from here on it can end at any time. */
void update_go(struct update *u)
{
	begin_step(u);
}

/* Is there something that systemd is to wait for before it enters the next kernel? */
bool update_has_late(const struct update *u)
{
	return update_is_with_systemd(u) && !u->over;
}

/* Is it waiting for systemd to have stopped the rest of the host? */
bool update_waits(const struct update *u)
{
	return update_is_with_systemd(u) && u->waits;
}

/* It has, so the late services save. It waits until @ended is told so. */
void update_save_late(struct update *u)
{
	u->waits = false;
	u->step++;
	begin_step(u);
}
