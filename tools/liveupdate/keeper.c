// SPDX-License-Identifier: GPL-2.0
/*
 * A keeper: the process that holds a service's memfds and its session, and does
 * what it is asked to over its socket.
 *
 * The steps of an update belong to the connection that asked for the first one.
 * When that closes, because the agent was killed, say, the update is called off.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "lukeep.h"

/* The listening socket, which the agent made. */
#define LISTENER	SD_LISTEN_FDS_START

static void set_owner(struct keeper *k, int fd)
{
	k->owner = fd;
	message_client = fd;
}

/* Answer to what the update's owner asked for. */
void keeper_answer(struct keeper *k, const char *verb, bool ok)
{
	if (k->owner < 0)
		return;
	packet_send(k->owner, json_pack("{ss sb}", "verb", verb, "ok", ok));
	if (!strcmp(verb, "revert"))
		set_owner(k, -1);
}

static void do_check(struct keeper *k)
{
	if (k->state != SERVICE_RUNNING)
		pr_err("it is not running: see what it logged; \"lukeep reload\" starts it again");
	else if (k->told_to_save)
		pr_err("it was late the last time, and is still saving: wait until it has started again");
	keeper_answer(k, "check",
		      k->state == SERVICE_RUNNING && !k->told_to_save);
}

static void do_preserve(struct keeper *k)
{
	k->session = session_create(k->svc->name);
	keeper_answer(k, "preserve", k->session >= 0 &&
		      !transfer_out(k->svc, k->session, MEMFD_MEMORY));
}

static void do_seal(struct keeper *k)
{
	__u64 bytes = memory_bytes(k->svc);
	bool ok;

	ok = k->state == SERVICE_SAVED && k->session >= 0 &&
	     !transfer_out(k->svc, k->session, MEMFD_SAVE) &&
	     !transfer_out_state(k->svc, k->session, k->stopped);
	if (ok)
		pr_info("%.1f MiB in %llu pages are preserved", bytes / MIB,
			bytes / sysconf(_SC_PAGESIZE));
	keeper_answer(k, "seal", ok);
}

static const struct {
	const char *verb;
	void (*run)(struct keeper *k);
} update_verbs[] = {
	{ "check", do_check },
	{ "preserve", do_preserve },
	{ "save", service_save },
	{ "seal", do_seal },
	{ "revert", service_revert },
};

static json_t *describe(const struct keeper *k)
{
	static const char * const states[] = {
		[SERVICE_RUNNING] = "running",
		[SERVICE_SAVING] = "saving",
		[SERVICE_SAVED] = "saved",
		[SERVICE_STOPPING] = "stopping",
		[SERVICE_DOWN] = "down",
		[SERVICE_LOST] = "lost",
	};
	bool late = k->state == SERVICE_RUNNING && k->told_to_save;

	return json_pack("{s:s, s:s, s:i, s:i, s:b, s:s?, s:o}", "name", k->svc->name,
			 "state", late ? "late" : states[k->state], "pid", (int)k->pid,
			 "keeper", (int)getpid(), "resumed", k->resumed,
			 "session", k->session >= 0 ? k->svc->name : NULL,
			 "memfds", memory_describe(k->svc));
}

static void serve(struct keeper *k, int fd, const char *verb)
{
	size_t i;

	if (!strcmp(verb, "status")) {
		packet_send(fd, describe(k));
		return;
	}
	if (!strcmp(verb, "stop")) {
		service_stop(k);
		return;
	}
	if (!strcmp(verb, "start")) {
		if (k->owner < 0 && !k->pid)
			service_start(k);
		return;
	}
	if (k->owner >= 0 && k->owner != fd)
		return;
	for (i = 0; i < ARRAY_SIZE(update_verbs); i++) {
		if (!strcmp(verb, update_verbs[i].verb)) {
			set_owner(k, fd);
			update_verbs[i].run(k);
		}
	}
}

static int on_request(sd_event_source *source, int fd, uint32_t events,
		      void *user)
{
	struct keeper *k = user;
	const char *verb;
	json_t *request;

	(void)events;
	request = packet_receive(fd);
	if (!json_unpack(request, "{ss}", "verb", &verb)) {
		serve(k, fd, verb);
		json_decref(request);
		return 0;
	}

	json_decref(request);
	sd_event_source_disable_unref(source);
	if (k->owner == fd) {
		set_owner(k, -1);
		pr_info("the agent is gone: the update is called off");
		service_revert(k);
	}
	close(fd);
	return 0;
}

static int on_connection(sd_event_source *source, int listener,
			 uint32_t events, void *user)
{
	struct keeper *k = user;
	int fd;

	(void)source;
	(void)events;
	fd = packet_accept(listener);
	if (fd >= 0 &&
	    sd_event_add_io(k->event, &source, fd, EPOLLIN, on_request, k) < 0)
		close(fd);
	return 0;
}

static int on_signal(sd_event_source *source,
		     const struct signalfd_siginfo *si, void *user)
{
	(void)source;
	(void)si;
	service_stop(user);
	return 0;
}

/* Blocks the signals that we live by. */
static int prepare_events(struct keeper *k)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	if (sd_event_new(&k->event) < 0 ||
	    sd_event_add_io(k->event, NULL, LISTENER, EPOLLIN, on_connection,
			    k) < 0 ||
	    sd_event_add_signal(k->event, NULL, SIGTERM, on_signal, k) < 0) {
		pr_err("cannot prepare the event loop: the kernel needs CONFIG_EPOLL, CONFIG_SIGNALFD and CONFIG_TIMERFD");
		return -1;
	}
	return 0;
}

/* Keep a service until it is stopped. */
int keeper_run(const struct options *opt)
{
	struct keeper k = {
		.state = SERVICE_DOWN,
		.session = -1,
		.owner = -1,
	};

	message_name = opt->name;
	if (sd_listen_fds(1) != 1) {
		pr_err("a keeper is started by \"lukeep run\" only");
		return EXIT_FAILURE;
	}
	k.svc = config_read(opt->conf_dir, opt->name);
	if (!k.svc || prepare_events(&k))
		return EXIT_FAILURE;
	service_arrive(&k, opt->arrive);
	return sd_event_loop(k.event) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
