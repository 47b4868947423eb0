// SPDX-License-Identifier: GPL-2.0
/*
 * A keeper as a process, which holds a service's memfds and its session: how it
 * starts, which signals it knows, and how it ends.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "adoption.h"
#include "arrival.h"
#include "arrive.h"
#include "child.h"
#include "given.h"
#include "keep.h"
#include "keeper.h"
#include "keeper_verbs.h"
#include "memory.h"
#include "message.h"
#include "packet.h"
#include "server.h"
#include "service.h"
#include "states.h"
#include "util.h"

/* How often a declaration that cannot be used is read again. */
#define READ_AGAIN	10	/* seconds */

#define BARRIER_USEC	60000000

static int on_term(sd_event_source *source, const struct signalfd_siginfo *si,
		   void *user)
{
	(void)source;
	(void)si;
	service_stop(user);
	return 0;
}

static int on_hup(sd_event_source *source, const struct signalfd_siginfo *si,
		  void *user)
{
	(void)source;
	(void)si;
	keeper_reload(user);
	return 0;
}

/* Returns the server, or NULL. */
static struct server *set_up(struct keeper *k, int listener)
{
	struct server *server = NULL;

	if (sd_event_new(&k->event) >= 0)
		server = keeper_serve(k, listener);
	if (server &&
	    sd_event_add_signal(k->event, NULL, SIGTERM, on_term, k) >= 0 &&
	    sd_event_add_signal(k->event, NULL, SIGHUP, on_hup, k) >= 0)
		return server;
	server_free(server);
	pr_err("cannot prepare the event loop: the kernel needs CONFIG_EPOLL, CONFIG_SIGNALFD and CONFIG_TIMERFD");
	return NULL;
}

/* Nothing ends a keeper but being told to. */
static void prepare_signals(void)
{
	static const int blocked[] = { SIGCHLD, SIGTERM, SIGHUP, 0 };
	static const int ignored[] = {
		SIGPIPE, SIGINT, SIGUSR1, SIGUSR2, 0
	};

	child_parent_signals(blocked, ignored);
}

/* Wait for this time; true when the keeper is told to end meanwhile. */
static bool ends_within(int seconds)
{
	struct pollfd pfd = { .events = POLLIN };
	sigset_t mask;
	bool ends;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	pfd.fd = signalfd(-1, &mask, SFD_CLOEXEC);
	ends = poll(&pfd, 1, seconds * 1000) > 0;
	if (pfd.fd >= 0)
		close(pfd.fd);
	return ends;
}

/*
 * Without its declaration there is nothing to do, unless something came in: that
 * would be lost.
 */
static struct service *read_declaration(struct keeper *k)
{
	struct service *svc;

	while (!(svc = declaration_read(k->conf_dir, k->name)) &&
	       k->arrival.session >= 0) {
		pr_err("what it had is still there, and waits for its declaration: mend that; to give it up, stop the service");
		service_wait_no_more();
		if (ends_within(READ_AGAIN)) {
			arrival_give_up(k);
			break;
		}
	}
	return svc;
}

static void release(struct keeper *k)
{
	sd_event_source_disable_unref(k->timer);
	sd_event_source_disable_unref(k->ready_timer);
	close_fd(&k->session);
	close_fd(&k->arrival.session);
	close_fd(&k->arrival.state);
	if (k->svc)
		memory_discard(k->svc);
	declaration_free(k->svc);
	sd_event_unref(k->event);
}

/*
 * The keeper began in the initramfs, and is in our unit. It says the rest itself. The
 * message has to arrive before systemd sees our end.
 */
static int hand_over(const struct keeper *k)
{
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=adopted");
	sd_notifyf(0, "MAINPID=%d\nREADY=1", k->adopted);
	if (sd_notify_barrier(0, BARRIER_USEC) >= 0)
		return EXIT_SUCCESS;
	pr_err("systemd does not take keeper %d: start the unit again",
	       k->adopted);
	return EXIT_FAILURE;
}

/* Keep the service @name until it is stopped. */
int keeper_run(const char *name, const char *conf_dir, const char *run_dir)
{
	struct keeper k = {
		.name = name,
		.unit = getenv("NOTIFY_SOCKET"),
		.conf_dir = conf_dir,
		.run_dir = run_dir,
		.session = -1,
		.arrival = { .session = -1, .state = -1 },
		.host = -1,
	};
	struct server *server = NULL;
	int listener, ret = -1;
	bool came;

	message_open(name);
	listener = given_receive(&k);
	if (k.adopted)
		return hand_over(&k);
	if (listener < 0)
		return EXIT_FAILURE;
	if (k.host >= 0 &&
	    arrive_in_keeper(name, conf_dir, run_dir, &k.arrival)) {
		packet_unlisten(run_dir, name);
		adoption_forget(name, run_dir);
		return EXIT_FAILURE;
	}
	came = k.arrival.session >= 0;
	prepare_signals();
	k.svc = read_declaration(&k);
	if (k.svc)
		server = set_up(&k, listener);
	if (server) {
		service_arrive(&k);
		ret = sd_event_loop(k.event);
	} else if (!k.svc && came) {
		ret = 0;	/* it was stopped before it was anything */
	}
	if (!ret && !k.unit)
		packet_unlisten(run_dir, name);	/* it has been stopped */
	if (k.state != SERVICE_STOPPING)
		message_tell_systemd();
	server_free(server);
	release(&k);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
