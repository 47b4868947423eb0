// SPDX-License-Identifier: GPL-2.0
/*
 * What a keeper can be asked for over its socket.
 *
 * The steps of an update belong to the connection that asked for the first one.
 * When that closes, because the agent was killed, say, the update is called off.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "early_root.h"
#include "folder.h"
#include "keeper_verbs.h"
#include "memory.h"
#include "message.h"
#include "packet.h"
#include "prepare.h"
#include "save.h"
#include "service.h"
#include "states.h"
#include "transfer.h"
#include "util.h"

/* Of a status, in bytes: there is no more room for what a service was started with. */
#define STARTED_MAX	16384

/* The agent's end is waited for. */
#define END_TIMEOUT	5	/* seconds */

/* The connection whose update is under way, and a pidfd of the agent; -1 for none. */
static int owner = -1;
static int agent = -1;

static void tell_owner(const char *text)
{
	packet_send(owner, json_pack("{ss}", "message", text));
}

static void set_owner(struct keeper *k, int fd)
{
	owner = fd;
	close_fd(&agent);
	if (fd >= 0)
		agent = packet_peer(fd);
	k->owned = fd >= 0;
	message_forward(fd >= 0 ? tell_owner : NULL);
}

/*
 * Answer to what the update's owner asked for. The agent compares what is declared with
 * what the service was started on.
 */
static void answer(struct keeper *k, const char *verb, bool ok)
{
	json_t *packet;

	if (owner < 0)
		return;
	packet = json_pack("{ss sb}", "verb", verb, "ok", ok);
	if (!strcmp(verb, "check"))
		json_object_set_new(packet, "declaration",
				    declaration_pack(k->svc));
	packet_send(owner, packet);
	if (!strcmp(verb, "revert"))
		set_owner(k, -1);
}

/* Who asks for something that is done at once, and gets its messages. */
static int asker = -1;

static void tell_asker(const char *text)
{
	packet_send(asker, json_pack("{ss}", "message", text));
}

/* Only one update at a time: who asks for another one is told so. */
static bool own(struct keeper *k, int fd, const char *verb)
{
	bool nothing = !strcmp(verb, "revert");	/* there is nothing to revert */

	if (owner < 0)
		set_owner(k, fd);
	if (owner == fd)
		return true;
	asker = fd;
	message_forward(tell_asker);
	if (!nothing)
		pr_warn("an update of another agent is under way: wait until it has ended, or call it off");
	message_forward(tell_owner);
	packet_send(fd, json_pack("{ss sb}", "verb", verb, "ok", nothing));
	return false;
}

/* What it was started with; NULL if that would make a packet too large. */
static json_t *started_with(const struct keeper *k)
{
	json_t *declaration = declaration_pack(k->svc);

	if (json_dumpb(declaration, NULL, 0, JSON_COMPACT) < STARTED_MAX)
		return declaration;
	json_decref(declaration);
	return NULL;
}

/* The seconds until it is tried again to start it; NULL if it is not. */
static json_t *next_try(const struct keeper *k)
{
	uint64_t at, now;

	if ((k->state != SERVICE_DOWN && k->state != SERVICE_SAVED &&
	     k->state != SERVICE_HELD) || !k->timer ||
	    sd_event_source_get_time(k->timer, &at) < 0 ||
	    sd_event_now(k->event, CLOCK_MONOTONIC, &now) < 0)
		return NULL;
	return json_integer(at > now ? (at - now) / USEC_PER_SEC : 0);
}

static void do_status(void *user, int fd, json_t *request, int *passed)
{
	const struct keeper *k = user;
	json_t *status;

	(void)request;
	(void)passed;
	status = json_pack("{s:s, s:s, s:f, s:i, s:i, s:b, s:s*, s:f, s:o, s:s*, s:s, s:b}",
			   "name", k->svc->name,
			   "state", service_state(k),
			   "since", k->since,
			   "pid", (int)k->pid,
			   "keeper", (int)getpid(),
			   "resumed", k->resumed,
			   "from", *k->from ? k->from : NULL,
			   "pause", k->pause,
			   "memfds", memory_describe(k->svc),
			   "session", k->session >= 0 ? k->svc->name : NULL,
			   "error", message_last_error(),
			   "unit", k->unit);
	json_object_set_new(status, "started-with", started_with(k));
	json_object_set_new(status, "next-try", next_try(k));
	json_object_set_new(status, "tmpfs", tmpfs_describe(&k->svc->tmpfs));
	packet_send(fd, status);
}

static void do_check(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;
	const char *why = service_why_not_ready(k);
	const char *command = k->svc->processes.check;

	(void)request;
	(void)passed;
	if (!own(k, fd, "check"))
		return;
	if (why)
		pr_err("%s", why);
	if (why || save_check(k))
		answer(k, "check", false);
	else if (!command)
		answer(k, "check", true);
	else if (prepare_begin(k, "check", command))
		answer(k, "check", false);
}

/* Its memory is dumped while it works. */
static void do_prepare(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;
	const char *command = k->svc->processes.predump;

	(void)request;
	(void)passed;
	if (!own(k, fd, "prepare"))
		return;
	if (!command)
		answer(k, "prepare", true);
	else if (prepare_begin(k, "prepare", command))
		answer(k, "prepare", false);
}

/* The session comes from the agent: a keeper may not be permitted to create it. */
static void do_preserve(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;

	(void)request;
	if (!own(k, fd, "preserve"))
		return;
	close_fd(&k->session);
	k->session = *passed;
	*passed = -1;
	answer(k, "preserve", k->session >= 0 &&
	       !transfer_out(k->svc, k->session, MEMFD_MEMORY));
}

static void do_save(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;

	(void)request;
	(void)passed;
	if (own(k, fd, "save"))
		service_save(k);
}

static void do_seal(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;
	__u64 bytes = memory_bytes(k->svc);
	bool ok;

	(void)request;
	(void)passed;
	if (!own(k, fd, "seal"))
		return;
	ok = k->state == SERVICE_SAVED && k->session >= 0 &&
	     !transfer_out(k->svc, k->session, MEMFD_SAVE) &&
	     !transfer_out_pages(k->svc, k->session) &&
	     !transfer_out_state(k->svc, k->run_dir, k->session, k->stopped,
				 k->told);
	if (ok && k->svc->nr_memfds)
		pr_info("%.1f MiB in %llu pages are preserved", bytes / MIB,
			bytes / sysconf(_SC_PAGESIZE));
	answer(k, "seal", ok);
}

static void do_leave(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;

	(void)request;
	(void)passed;
	if (own(k, fd, "leave"))
		service_leave(k);
}

static void do_revert(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;

	(void)request;
	(void)passed;
	if (own(k, fd, "revert"))
		service_revert(k);
}

/* Is the service about to exit, by what was declared when it was told to? */
static const char *why_no_reload(const struct keeper *k)
{
	if (owner >= 0)
		return "an update is under way: wait until it has ended";
	switch (k->state) {
	case SERVICE_REVERTING:
	case SERVICE_LEAVING:
		return "an update is being called off: wait until the service is back";
	case SERVICE_STOPPING:
		return "it is being stopped: wait until it has ended";
	default:
		return NULL;
	}
}

/* Read the declaration again, and have the service run by it. */
int keeper_reload(struct keeper *k)
{
	const char *why = why_no_reload(k);
	struct service *declared;

	if (why) {
		pr_err("%s", why);
		return -1;
	}
	declared = declaration_read(k->conf_dir, k->svc->name);
	if (!declared)
		return -1;
	return service_reload(k, declared);
}

static void end(int fd, int err)
{
	packet_send(fd, json_pack("{si}", "exit",
				  err ? EXIT_FAILURE : EXIT_SUCCESS));
}

static void do_reload(void *user, int fd, json_t *request, int *passed)
{
	int err;

	(void)request;
	(void)passed;
	asker = fd;
	if (owner < 0)
		message_forward(tell_asker);
	err = keeper_reload(user);
	if (owner < 0)
		message_forward(NULL);
	else
		tell_asker(message_last_error());
	end(fd, err);
}

/* The connection closes when it has stopped. */
static void do_stop(void *user, int fd, json_t *request, int *passed)
{
	struct keeper *k = user;

	(void)request;
	(void)passed;
	if (owner >= 0) {
		pr_err("an update is under way: \"lukeep cancel\" calls it off");
		asker = fd;
		tell_asker(message_last_error());
		end(fd, -1);
		return;
	}
	service_stop(k);
}

/* Give the service, and ourselves, what is there instead of the initramfs. */
static void leave_initramfs(struct keeper *k)
{
	if (k->host < 0)
		return;
	if (early_root_leave(k->host))
		pr_err("the service does not see the host's files: %s: what it has open it keeps; for more, have it exit and start again",
		       strerror(errno));
	close_fd(&k->host);
}

/* As lukeep@.service has it: root does not need that. */
static void lock_memory(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &all))
		pr_warn("cannot raise the limit on locked memory: %s",
			strerror(errno));
}

/* Without root's rights we are as any keeper of that user. */
static int become_user(uid_t uid, gid_t gid)
{
	struct passwd *user = getpwuid(uid);

	lock_memory();
	if ((user ? initgroups(user->pw_name, gid) : setgroups(1, &gid)) ||
	    setgid(gid) || setuid(uid))
		return -1;
	return prctl(PR_SET_DUMPABLE, 1);
}

/*
 * The service does not run: it is started as its unit would. Systemd has given its folder
 * to the user of the unit.
 */
static int become_user_of_unit(const struct keeper *k)
{
	struct stat st;

	if (!folder_stat(k->name, k->run_dir, &st) &&
	    (!st.st_uid || !become_user(st.st_uid, st.st_gid)))
		return 0;
	pr_err("cannot become the user of its unit: %s: it is not started; \"lukeep reload\" starts it with root's rights",
	       strerror(errno));
	return -1;
}

/*
 * The host is up. What could not be had in the initramfs may be there now. The answer
 * comes first: nobody else waits for the service.
 */
static void do_adopt(void *user, int fd, json_t *request, int *passed)
{
	const char *notify = NULL, *stream = NULL;
	struct keeper *k = user;

	json_unpack(request, "{s?s s?s}", "notify", &notify, "stream", &stream);
	leave_initramfs(k);
	if (*passed >= 0 && dup2(*passed, STDOUT_FILENO) >= 0)
		dup2(*passed, STDERR_FILENO);
	if (stream && !setenv("JOURNAL_STREAM", stream, 1))
		message_open(k->name);
	k->unit = notify && !setenv("NOTIFY_SOCKET", notify, 1);
	packet_send(fd, json_pack("{ss si}", "verb", "adopt", "pid",
				  (int)getpid()));
	if (k->pid || (k->unit && become_user_of_unit(k)))
		return;
	/* What is lost is held until somebody says so, see if-lost. */
	if (owner < 0 && k->state != SERVICE_LOST)
		keeper_reload(k);
}

static const struct verb verbs[] = {
	{ "status", do_status },
	{ "check", do_check },
	{ "preserve", do_preserve },
	{ "prepare", do_prepare },
	{ "save", do_save },
	{ "seal", do_seal },
	{ "leave", do_leave },
	{ "revert", do_revert },
	{ "reload", do_reload },
	{ "stop", do_stop },
	{ "adopt", do_adopt },
};

/*
 * An agent that was killed may have closed its connection, and not yet its copy of
 * the session: until it has, the next kernel would get that. So until then the
 * memory of a service that was told to save has to be what was saved.
 */
static void wait_for_agents_end(const struct keeper *k)
{
	struct pollfd pfd = { .fd = agent, .events = POLLIN };

	if (k->told && agent >= 0 && poll(&pfd, 1, END_TIMEOUT * 1000) == 0)
		pr_warn("the agent has not ended within %d s", END_TIMEOUT);
	close_fd(&agent);
}

static void on_closed(void *user, int fd)
{
	struct keeper *k = user;

	if (owner != fd)
		return;
	/* Until it is back at work it is no other's. */
	message_forward(NULL);
	owner = -1;
	pr_warn("the agent is gone: the update is called off");
	wait_for_agents_end(k);
	service_revert(k);
	k->owned = false;
}

/* Serve what is asked for over the socket @listener. NULL if that cannot be. */
struct server *keeper_serve(struct keeper *k, int listener)
{
	k->done = answer;
	return server_new(k->event, listener, verbs, ARRAY_SIZE(verbs),
			  on_closed, k);
}
