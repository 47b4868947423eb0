// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of an update: what each begins. How the update goes on from there is
 * in update.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "clock.h"
#include "early_files.h"
#include "early_retry.h"
#include "hooks.h"
#include "kexec.h"
#include "loaded.h"
#include "message.h"
#include "services.h"
#include "tmpfs_update.h"
#include "unit_states.h"
#include "update_steps.h"

static enum step_result ask(struct update *u)
{
	const char *verb = update_steps[u->step].verb;
	bool leave = !strcmp(verb, "leave");
	struct link *link;

	for (link = u->links.first; link; link = link->next) {
		if (link->without == leave)
			link_ask(link, json_pack("{ss}", "verb", verb), -1);
	}
	return STEP_BEGUN;
}

static void on_hooks(void *user, bool ok)
{
	struct update *u = user;

	if (!u->failed)
		u->stepped(u, ok);
}

/*
 * What may go wrong in the initramfs that is loaded. What it is that the declaration lacks
 * only a dry run says: it is the same each time.
 */
static void check_early(const struct update *u)
{
	const struct link *link;
	char file[PATH_MAX];

	for (link = u->links.first; link; link = link->next) {
		if (link->without)
			continue;
		snprintf(file, sizeof(file), "%s/%s" CONFIG_SUFFIX,
			 u->updater->conf_dir, link->name);
		if (u->request.dry_run)
			early_retry_check(link->svc, file);
		if (u->request.next.initrd)
			early_files_are_newer(link->svc, file,
					      u->request.next.initrd);
	}
}

static enum step_result run_hooks(struct update *u)
{
	int ret;

	check_early(u);
	if (u->request.dry_run) {
		hooks_check(u->updater->conf_dir);
		return STEP_EMPTY;
	}
	ret = hooks_run(u->updater->event, u->updater->conf_dir,
			"before-update.d", "update", on_hooks, u);
	if (ret < 0)
		return STEP_FAILED;
	return ret ? STEP_EMPTY : STEP_BEGUN;
}

static void on_loaded(void *user, bool loaded)
{
	struct update *u = user;

	u->loading = false;
	u->loaded = loaded;
	loaded_done(loaded);
	u->stepped(u, loaded);
}

static enum step_result load(struct update *u)
{
	loaded_begin(u->updater->run_dir);
	u->loading = true;
	if (kexec_load(u->updater->event, &u->request.next, KEXEC_LOAD_SECONDS,
		       on_loaded, u))
		return STEP_FAILED;
	return STEP_BEGUN;
}

static enum step_result preserve(struct update *u)
{
	struct link *link;

	if (services_create_sessions(&u->links))
		return STEP_FAILED;
	for (link = u->links.first; link; link = link->next) {
		if (!link->without)
			link_ask(link, json_pack("{ss}", "verb", "preserve"),
				 link->session);
	}
	return STEP_BEGUN;
}

/* Does systemd stop the rest of the host before the next kernel is entered? */
static bool is_by_systemd(const struct update *u)
{
	return !u->request.now && sd_booted() > 0;
}

/* Late services would not be told to save else, and nobody would say that they are lost. */
int update_check_late(const struct update *u)
{
	const struct link *link;

	for (link = u->links.first; link && is_by_systemd(u); link = link->next) {
		if (link->without || !link->svc->late)
			continue;
		if (unit_states_late_is_active())
			return 0;
		pr_err("update: %s is late, and %s, by which it saves, is not active: \"systemctl start %s\", or update without it (--without)",
		       link->name, LATE_UNIT, LATE_UNIT);
		return -1;
	}
	return 0;
}

/* Is it a service's turn to save: before systemd stops the rest, or after that? */
static bool has_turn(const struct update *u, const struct link *link)
{
	return !link->without &&
	       (link->svc->late && is_by_systemd(u)) == u->handed_over;
}

static enum step_result ask_who_has_turn(struct update *u)
{
	struct link *link;

	for (link = u->links.first; link; link = link->next) {
		if (has_turn(u, link))
			link_ask(link, json_pack("{ss}", "verb",
						 update_steps[u->step].verb), -1);
	}
	return STEP_BEGUN;
}

/* All with a tmpfs have stopped by now: none of them is late. */
static enum step_result seal(struct update *u)
{
	return tmpfs_update_preserve(&u->links) ? STEP_FAILED :
						  ask_who_has_turn(u);
}

static void tell_limit(const struct update *u)
{
	pr_err("update: the services have been away for %d s, which is the limit that you gave",
	       u->request.max_pause);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
	struct update *u = user;

	(void)source;
	(void)usec;
	tell_limit(u);
	u->stepped(u, false);
	return 0;
}

/* While the services work, so it takes nothing from the time that they are away for. */
static enum step_result prepare(struct update *u)
{
	enum step_result result = STEP_EMPTY;
	struct link *link;

	for (link = u->links.first; link; link = link->next) {
		if (link->without || !link->svc->processes.images)
			continue;
		link_ask(link, json_pack("{ss}", "verb", "prepare"), -1);
		result = STEP_BEGUN;
	}
	return result;
}

/* In its own manner, and the others do not wait for it. */
static enum step_result leave(struct update *u)
{
	if (!services_leave_any(&u->links))
		return STEP_EMPTY;
	u->touched = true;
	return ask(u);
}

/* Those of the lowest order that have not saved yet; false if all have. */
static bool save_some(struct update *u)
{
	struct link *link;
	int order = -1;

	for (link = u->links.first; link; link = link->next) {
		if (has_turn(u, link) && link->svc->order >= u->order &&
		    (order < 0 || link->svc->order < order))
			order = link->svc->order;
	}
	for (link = u->links.first; link; link = link->next) {
		if (has_turn(u, link) && link->svc->order == order)
			link_ask(link, json_pack("{ss}", "verb", "save"), -1);
	}
	u->order = order + 1;
	return order >= 0;
}

static enum step_result save(struct update *u)
{
	u->touched = true;
	u->order = 0;
	if (u->request.max_pause) {
		u->deadline = clock_now() + u->request.max_pause;
		sd_event_add_time_relative(u->updater->event, &u->limit,
					   CLOCK_MONOTONIC,
					   u->request.max_pause * USEC_PER_SEC,
					   0, on_limit, u);
	}
	save_some(u);
	return STEP_BEGUN;
}

static enum step_result save_late(struct update *u)
{
	u->order = 0;
	return save_some(u) ? STEP_BEGUN : STEP_EMPTY;
}

/* Systemd has been asked to enter the next kernel, or could not be. */
static void on_asked(void *user, bool asked)
{
	struct update *u = user;

	if (!asked) {
		u->handed_over = false;
		u->stepped(u, false);
		return;
	}
	/* Should the system not go down, the services still wait for us. */
	pr_info("update: systemd shuts the system down, and enters the next kernel");
	u->waits = true;
	u->updater->ended(u->updater->user, UPDATE_DONE, NULL);
}

static enum step_result jump(struct update *u)
{
	/* Once more: while the others saved, it may have been stopped. This takes a moment. */
	if (update_check_late(u))
		return STEP_FAILED;
	if (u->deadline && clock_now() > u->deadline) {
		tell_limit(u);
		return STEP_FAILED;
	}
	u->limit = sd_event_source_disable_unref(u->limit);
	pr_info("update: the kernel is replaced now");
	/* From here on it may be too late. */
	u->handed_over = true;
	if (!kexec_jump(u->updater->event, u->request.now, on_asked, u))
		return STEP_BEGUN;
	u->handed_over = false;
	return STEP_FAILED;
}

/* Systemd waits for this. */
static enum step_result go_on(struct update *u)
{
	u->over = true;
	u->updater->ended(u->updater->user, UPDATE_DONE, NULL);
	return STEP_BEGUN;
}

const struct step update_steps[] = {
	{ "check the services", "check", ask, NULL },
	{ "run the hooks", NULL, run_hooks, NULL },
	{ "load the next kernel", NULL, load, NULL },
	{ "preserve the memory", "preserve", preserve, NULL },
	{ "stop what is left out", "leave", leave, NULL },
	{ "dump memory while it is used", "prepare", prepare, NULL },
	{ "save and stop the services", "save", save, save_some },
	{ "preserve what they saved", "seal", seal, NULL },
	{ "jump into the next kernel", NULL, jump, NULL },
	/* Systemd has stopped the rest of the host. */
	{ "save and stop the late services", "save", save_late, save_some },
	{ "preserve what they saved", "seal", ask_who_has_turn, NULL },
	{ "have systemd go on", NULL, go_on, NULL },
};
