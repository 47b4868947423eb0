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
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lukeep.h"

#define DEVICE		"/dev/liveupdate"

/* For what a keeper does at once, and on top of the time that services have. */
#define ANSWER_TIMEOUT	30	/* seconds */

/**
 * struct update - an update under way
 * @client:  who asked for it
 * @next:    the next kernel
 * @dry_run: end it when the next kernel is loaded
 * @now:     do not have systemd shut the system down
 * @step:    index into steps[]
 * @start:   when that began
 * @loaded:  there is a next kernel
 * @replaced: there was another one, which somebody else had loaded
 * @handed_over: systemd has been asked to shut the system down
 * @failed:  it is over; the services are being brought back to work
 * @status:  what the client exits with
 * @guard:   until when the keepers have to answer
 */
struct update {
	int client;
	struct next_kernel next;
	bool dry_run;
	bool now;
	size_t step;
	double start;
	bool loaded;
	bool replaced;
	bool handed_over;
	bool failed;
	int status;
	sd_event_source *guard;
};

static int load(struct agent *agent);
static int jump(struct agent *agent);

/* Either all keepers do it, or we do it ourselves. */
static const struct {
	const char *name;
	const char *verb;
	int (*run)(struct agent *agent);
} steps[] = {
	{ "check the services", "check", NULL },
	{ "load the next kernel", NULL, load },
	{ "preserve the memory", "preserve", NULL },
	{ "save and stop the services", "save", NULL },
	{ "preserve what they saved", "seal", NULL },
	{ "jump into the next kernel", NULL, jump },
};

/* Tell the client how it went. */
static void end(struct agent *agent)
{
	struct update *u = agent->update;

	message_client = -1;
	packet_send(u->client, json_pack("{si}", "exit", u->status));
	close(u->client);
	sd_event_source_disable_unref(u->guard);
	next_kernel_free(&u->next);
	free(u);
	agent->update = NULL;
	if (agent->stopping)
		agent_stop(agent);
}

static int on_guard(sd_event_source *source, uint64_t usec, void *user)
{
	struct agent *agent = user;
	struct link *link;

	(void)source;
	(void)usec;
	for (link = agent->links; link; link = link->next) {
		if (link->pending)
			pr_err("%s: its keeper does not answer: is it stopped?",
			       link->name);
		link->pending = false;
	}
	if (agent->update->failed)
		end(agent);
	else
		update_fail(agent);
	return 0;
}

static void ask(struct agent *agent, const char *verb)
{
	struct update *u = agent->update;
	int seconds = 0;
	struct link *link;

	for (link = agent->links; link; link = link->next) {
		if (link->svc && link->svc->save_timeout > seconds)
			seconds = link->svc->save_timeout;
	}
	u->guard = sd_event_source_disable_unref(u->guard);
	sd_event_add_time_relative(agent->event, &u->guard, CLOCK_MONOTONIC,
				   (seconds + ANSWER_TIMEOUT) * USEC_PER_SEC, 0,
				   on_guard, agent);
	agent_ask(agent, verb);
}

static void unload(const struct update *u)
{
	kexec_unload();
	if (u->replaced)
		pr_info("update: the kernel that was loaded before is not loaded any more: load it again");
}

static void revert(struct agent *agent)
{
	struct update *u = agent->update;

	if (u->loaded)
		unload(u);
	ask(agent, "revert");
	if (!agent_pending(agent))
		end(agent);
}

/* Call the update off: the services go back to work. */
void update_fail(struct agent *agent)
{
	struct update *u = agent->update;

	if (u->failed)
		return;
	u->failed = true;
	pr_err("update: failed at the step \"%s\"", steps[u->step].name);
	kexec_load_cancel();
	revert(agent);
}

/*
 * Is the rest up to systemd? There is no way back then but for the whole system:
 * with the next kernel unloaded it would be entered by way of the firmware.
 */
bool update_is_with_systemd(const struct agent *agent)
{
	const struct update *u = agent->update;

	return u->handed_over && !u->failed;
}

static void begin_step(struct agent *agent)
{
	struct update *u = agent->update;

	u->start = clock_now();
	if (steps[u->step].verb) {
		ask(agent, steps[u->step].verb);
		return;
	}
	u->guard = sd_event_source_disable_unref(u->guard);
	if (steps[u->step].run(agent))
		update_fail(agent);
}

static void end_step(struct agent *agent)
{
	struct update *u = agent->update;

	pr_info("update: %s: %.3f s", steps[u->step].name, clock_now() - u->start);
	if (u->dry_run && u->loaded) {
		pr_info("update: all is ready: the next kernel can be loaded, and fits; the command line would be: %s",
			u->next.cmdline);
		u->status = EXIT_SUCCESS;
		u->failed = true;
		revert(agent);
		return;
	}
	u->step++;
	begin_step(agent);
}

/* A keeper has answered, or it will never, with @verb NULL. */
void update_answer(struct link *link, const char *verb, bool ok)
{
	struct agent *agent = link->agent;
	struct update *u = agent->update;
	const char *expected;

	if (!u || !link->pending)
		return;
	expected = u->failed ? "revert" : steps[u->step].verb;
	if (verb && strcmp(verb, expected))
		return;		/* too late */
	link->pending = false;
	if (!ok && u->failed) {
		pr_err("%s: it is not back at work", link->name);
	} else if (!ok) {
		pr_err("update: %s failed", link->name);
		update_fail(agent);
		return;
	}
	if (agent_pending(agent))
		return;
	if (u->failed)
		end(agent);
	else
		end_step(agent);
}

/*
 * The steps that are our own.
 */

static void on_loaded(void *user, bool loaded)
{
	struct agent *agent = user;

	agent->update->loaded = loaded;
	if (loaded)
		end_step(agent);
	else
		update_fail(agent);
}

static int load(struct agent *agent)
{
	struct update *u = agent->update;

	u->replaced = kexec_is_loaded();
	if (u->replaced)
		pr_info("update: a kernel was loaded before: the next one takes its place");
	return kexec_load(agent->event, &u->next, KEXEC_LOAD_SECONDS, on_loaded,
			  agent);
}

static int jump(struct agent *agent)
{
	struct update *u = agent->update;

	pr_info("update: the kernel is replaced now");
	if (kexec_jump(u->now))
		return -1;
	u->handed_over = true;
	/* Should the system not go down, the services still wait for us. */
	pr_info("update: systemd shuts the system down, and enters the next kernel");
	packet_send(u->client, json_pack("{si}", "exit", EXIT_SUCCESS));
	return 0;
}

/*
 * The beginning.
 */

static int check_readable(const char *path, const char *what)
{
	if (!path || !access(path, R_OK))
		return 0;
	pr_err("cannot read the %s %s: %s", what, path, strerror(errno));
	return -1;
}

/* Each service must be found by the next kernel's agent, too. */
static int check_services(const struct agent *agent)
{
	const struct link *link;
	struct service *svc;

	if (!agent->links) {
		pr_err("no service is declared: there is nothing to keep");
		return -1;
	}
	for (link = agent->links; link; link = link->next) {
		svc = config_read(agent->opt->conf_dir, link->name);
		if (!svc) {
			pr_err("update: %s: its declaration cannot be used",
			       link->name);
			return -1;
		}
		config_free(svc);
		if (link->fd < 0) {
			pr_err("update: %s: nobody keeps it: \"lukeep reload\" starts it",
			       link->name);
			return -1;
		}
	}
	return 0;
}

static int read_request(struct update *u, json_t *request)
{
	const char *kernel, *initrd = NULL, *append = NULL;
	int reuse = 0, dry_run = 0, now = 0;

	if (json_unpack(request, "{ss s?s s?s s?b s?b s?b}", "kernel", &kernel,
			"initrd", &initrd, "append", &append, "reuse", &reuse,
			"dry-run", &dry_run, "now", &now)) {
		pr_err("use the same lukeep for both sides");
		return -1;
	}
	u->dry_run = dry_run;
	u->now = now;
	u->next.kernel = strdup(kernel);
	u->next.initrd = initrd ? strdup(initrd) : NULL;
	u->next.cmdline = kexec_cmdline(reuse, append);
	return u->next.kernel && u->next.cmdline &&
	       (u->next.initrd || !initrd) ? 0 : -1;
}

static int check(const struct agent *agent)
{
	const struct update *u = agent->update;

	if (check_readable(u->next.kernel, "kernel") ||
	    check_readable(u->next.initrd, "initramfs"))
		return -1;
	if (access(DEVICE, R_OK | W_OK)) {
		pr_err("cannot use %s: %s: boot a kernel with CONFIG_LIVEUPDATE, with kho=on liveupdate=on",
		       DEVICE, strerror(errno));
		return -1;
	}
	return check_services(agent);
}

/* Begin an update; @client is told how it goes, and how it ends. */
void update_begin(struct agent *agent, json_t *request, int client)
{
	struct update *u = calloc(1, sizeof(*u));

	if (!u) {
		close(client);
		return;
	}
	*u = (struct update){
		.client = client,
		.status = EXIT_FAILURE,
	};
	message_client = client;
	agent->update = u;
	if (read_request(u, request) || check(agent)) {
		pr_err("update: failed at the step \"%s\"", steps[0].name);
		end(agent);
		return;
	}
	begin_step(agent);
}
