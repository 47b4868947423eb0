// SPDX-License-Identifier: GPL-2.0
/*
 * What a keeper is started with, and has not the right to get by itself: the
 * socket that it listens on, and the session that came in for its service.
 *
 * Under systemd "lukeep arrive NAME" is a step before the keeper, with root's
 * rights; it puts all into the unit's file descriptor store, out of which the
 * keeper gets it. Else the process that becomes the keeper does this first.
 *
 * Nothing that came in is lost here. What cannot be had now is waited for.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "adoption.h"
#include "arrive.h"
#include "begun.h"
#include "clock.h"
#include "declaration.h"
#include "folder.h"
#include "kexec_cmdline.h"
#include "memory.h"
#include "message.h"
#include "packet.h"
#include "session.h"
#include "state.h"
#include "tmpfs_arrive.h"
#include "util.h"

#define ARRIVED_SUFFIX	".arrived"
#define BARRIER_USEC	5000000
#define FOR_EVER	UINT64_MAX

#define CANNOT_PREPARE \
	"cannot prepare its keeper: %s: free some memory, or raise the limit on open files"

/* The file descriptors by their names. */
enum {
	LISTENER,
	SESSION,
	STATE,
	LEFT,
	DIED,
	HOLD,
	HOST,
	ADOPTED,
	NR_FDS,
};

static const char * const fd_names[NR_FDS] = {
	[LISTENER] = "listener",
	[SESSION] = "session",
	[STATE] = "state",
	[LEFT] = "left",
	[DIED] = "died",
	[HOLD] = "hold",
	[HOST] = "host",
	[ADOPTED] = "adopted",
};

/* There as long as what came in is waited for: nobody can answer then. */
static char waiting[PATH_MAX];

static void make_mark(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}

static void set_waiting(bool on)
{
	if (on)
		make_mark(waiting);
	else
		unlink(waiting);
}

static void wait_longer(int *failures)
{
	int seconds = clock_backoff((*failures)++);

	set_waiting(true);
	pr_warn("nothing is lost by this: tried again in %d s", seconds);
	poll(NULL, 0, seconds * 1000);
}

static bool is_marked(const char *run_dir, const char *name, const char *suffix)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s", run_dir, name, suffix);
	return !access(path, F_OK);
}

static void mark(const char *run_dir, const char *name, const char *suffix)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s", run_dir, name, suffix);
	make_mark(path);
}

/*
 * Who retrieves a session and ends gives up what is in it: so a keeper has to be
 * able to go on.
 */
static bool can_be_kept(const char *name, const char *conf_dir)
{
	struct service *svc = declaration_read(conf_dir, name);

	declaration_free(svc);
	if (svc)
		return true;
	pr_err("what came in for it, if anything did, stays where it is until its declaration can be used");
	return false;
}

/* The session is open: systemd's store has it, or another program. */
static void say_retrieved(bool first)
{
	if (first)
		pr_err("another program has retrieved its session already: stop it and see what it did");
	else
		pr_info("its last keeper did not take what came in: systemd has kept it");
}

/* Get the session, as soon as it can be had; false when nothing came in. */
static bool get_session(const char *name, bool first, int *fds)
{
	int failures = 0;

	while ((fds[SESSION] = session_retrieve(name)) < 0) {
		if (fds[SESSION] == -EINVAL) {
			say_retrieved(first);
			return true;
		}
		if (fds[SESSION] == -ENOENT || fds[SESSION] == -EIO)
			return false;
		wait_longer(&failures);
	}
	return true;
}

/* Part of what came in is lost, and so all of it is. */
static void give_up_session(int *fds)
{
	session_finish(fds[SESSION]);
	close_fd(&fds[SESSION]);
	close_fd(&fds[STATE]);
}

/*
 * Get what the keeper in the previous kernel has to say; false when it is lost. A
 * session without it is not ours: it stays open, and its files are left alone.
 */
static bool get_state(int *fds)
{
	int failures = 0, err;

	while ((fds[STATE] = session_retrieve_fd(fds[SESSION], TOKEN_STATE,
						 "memfd", "lukeep.state")) < 0) {
		err = fds[STATE];
		if (err == -ENOENT)
			err = begun_check(fds[SESSION]);
		if (err == -ENOENT)
			return true;
		if (err == -EIO) {
			give_up_session(fds);
			return false;
		}
		wait_longer(&failures);
	}
	return true;
}

/* For a service that looks at the clock. */
static void set_clock(const char *name, const char *conf_dir,
		      const struct state *state)
{
	struct service *svc = declaration_read(conf_dir, name);
	int failures = 0;

	if (svc && svc->clock)
		while (clock_go_on(state->stopped))
			wait_longer(&failures);
	declaration_free(svc);
}

/* Nothing came in, and there should have: tell from which kernel. */
static int open_left(void)
{
	char release[RELEASE_MAX];
	int fd;

	if (!kexec_left(release))
		return -1;
	fd = memory_memfd("lukeep.left");
	if (fd < 0)		/* then without the release */
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	dprintf(fd, "%s", release);
	return fd;
}

/* Has the previous kernel's keeper had a tmpfs? */
static bool had_tmpfs(int fd)
{
	struct state state;
	bool had;

	if (fd < 0 || state_read(&state, fd))
		return false;
	had = json_object_get(state.declaration, "tmpfs");
	state_free(&state);
	return had;
}

/*
 * Have the tmpfs mounted; what came in for the service is held until it can be. Returns
 * -1 if nothing did, and it cannot.
 */
static int get_tmpfs(const char *name, const char *conf_dir,
		     const char *run_dir, bool *came, int *fds)
{
	enum tmpfs_arrival arrival;
	int failures = 0, session = -1;

	while ((arrival = tmpfs_arrive(name, conf_dir, run_dir,
				       &session)) >= TMPFS_WAITS) {
		if (arrival == TMPFS_FAILS && !*came)
			return -1;
		wait_longer(&failures);
	}
	if (arrival == TMPFS_NEW && had_tmpfs(fds[STATE])) {
		pr_err("its tmpfs did not come in");
		give_up_session(fds);
		*came = false;
	}
	return 0;
}

/* Returns -1 if the keeper cannot have what it needs, which is said. */
static int collect(const char *name, const char *conf_dir, const char *run_dir,
		   int *fds)
{
	bool first = !is_marked(run_dir, name, ARRIVED_SUFFIX), came = false;
	struct state state;
	int i, err;

	snprintf(waiting, sizeof(waiting), "%s/%s" WAITING_SUFFIX, run_dir,
		 name);
	for (i = SESSION; i < NR_FDS; i++)
		fds[i] = -1;
	if (get_session(name, first, fds)) {
		came = fds[SESSION] < 0 || get_state(fds);
		if (fds[STATE] >= 0 && !state_read(&state, fds[STATE])) {
			set_clock(name, conf_dir, &state);
			state_free(&state);
		}
	}
	err = get_tmpfs(name, conf_dir, run_dir, &came, fds);
	set_waiting(false);
	if (came || err)
		return err;
	/* Nothing having come in after an update matters to the first only. */
	if (first)
		fds[LEFT] = open_left();
	else if (is_marked(run_dir, name, HELD_SUFFIX))
		fds[DIED] = open_left();
	return 0;
}

static int store(const char *name, int fd)
{
	char text[64];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	return sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

/*
 * Systemd gives each command of a unit that has paths of its own another view of the
 * file systems, also with "+". What we mount is for the whole host.
 */
static void see_host(void)
{
	int namespace = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

	if (namespace < 0 || setns(namespace, CLONE_NEWNS))
		pr_warn("cannot leave the unit's view of the file systems: %s: a tmpfs that is mounted is seen by nobody else",
			strerror(errno));
	close_fd(&namespace);
}

/*
 * Is there a keeper already, which began in the initramfs? Then it is part of this unit
 * now, and the process that is to become the keeper is told so. Returns -1 if it cannot be
 * had, which is said.
 */
static int adopt(const char *name, const char *run_dir, bool *adopted)
{
	pid_t pid = adoption_by_unit(name, run_dir);
	int fd, ret;

	*adopted = pid > 0;
	if (pid <= 0)
		return pid;
	fd = memory_memfd("lukeep.adopted");
	if (fd < 0)
		return -1;
	dprintf(fd, "%d", pid);
	ret = store(fd_names[ADOPTED], fd);
	close(fd);
	/* The keeper is in the unit: should we fail, systemd would kill it. */
	if (ret >= 0)
		ret = sd_notify_barrier(0, FOR_EVER);
	if (ret < 0)
		pr_err("systemd does not take which keeper it is: %s",
		       strerror(-ret));
	return ret < 0 ? -1 : 0;
}

/* Collect all for a keeper, and have systemd pass it on. Returns an exit status. */
int arrive_for_systemd(const char *name, const char *conf_dir,
		       const char *run_dir)
{
	int fds[NR_FDS], i, ret = 0;
	bool adopted;

	if (!getenv("NOTIFY_SOCKET")) {
		pr_err("this is a step of lukeep@.service: \"lukeep reload\" starts a service");
		return EXIT_FAILURE;
	}
	message_open(name);
	see_host();
	if (adopt(name, run_dir, &adopted))
		return EXIT_FAILURE;
	if (adopted)
		return EXIT_SUCCESS;
	if (!can_be_kept(name, conf_dir))
		return EXIT_FAILURE;
	fds[LISTENER] = packet_listen_keeper(run_dir, name);
	if (fds[LISTENER] < 0)
		return EXIT_FAILURE;
	if (collect(name, conf_dir, run_dir, fds))
		return EXIT_FAILURE;
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=listener");
	/* It is the last kernel's then: newer versions of systemd preserve it. */
	if (fds[SESSION] != -EINVAL)
		sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=state");
	for (i = 0; i < NR_FDS && ret >= 0; i++) {
		if (fds[i] >= 0)
			ret = store(fd_names[i], fds[i]);
	}
	if (ret >= 0)
		ret = sd_notify_barrier(0, BARRIER_USEC);
	if (ret >= 0) {
		/* Only now: one that was stopped before has told nothing. */
		mark(run_dir, name, ARRIVED_SUFFIX);
		return EXIT_SUCCESS;
	}
	pr_err("systemd does not take what the keeper needs: %s: does the unit have FileDescriptorStoreMax=8 and NotifyAccess=exec?",
	       strerror(-ret));
	return EXIT_FAILURE;
}

/* What came in has been had. If something did, nobody but the keeper holds it then. */
static void mark_taken(const char *name, const char *run_dir, bool held)
{
	mark(run_dir, name, ARRIVED_SUFFIX);
	if (held)
		mark(run_dir, name, HELD_SUFFIX);
}

/* Place all where the keeper that this process is about to become looks for it. */
static int place(const int *fds)
{
	int moved[NR_FDS], i, nr = 0;
	char names[64] = "", number[12];

	for (i = 0; i < NR_FDS; i++) {
		if (fds[i] < 0)
			continue;
		moved[nr] = fcntl(fds[i], F_DUPFD_CLOEXEC,
				  SD_LISTEN_FDS_START + NR_FDS);
		if (moved[nr++] < 0)
			return -1;
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
			 "%s%s", *names ? ":" : "", fd_names[i]);
	}
	for (i = 0; i < nr; i++) {
		if (dup2(moved[i], SD_LISTEN_FDS_START + i) < 0)
			return -1;
	}
	snprintf(number, sizeof(number), "%d", nr);
	if (setenv("LISTEN_FDS", number, 1) ||
	    setenv("LISTEN_FDNAMES", names, 1))
		return -1;
	snprintf(number, sizeof(number), "%d", getpid());
	return setenv("LISTEN_PID", number, 1);
}

/*
 * Collect all for the keeper that this process is about to become by exec. @listener
 * is its socket, and @hold has other services wait for its own.
 */
int arrive_for_exec(const char *name, const char *conf_dir,
		    const char *run_dir, int listener, int hold)
{
	int fds[NR_FDS];

	if (collect(name, conf_dir, run_dir, fds))
		return -1;
	fds[LISTENER] = listener;
	fds[HOLD] = hold;
	mark_taken(name, run_dir, fds[SESSION] >= 0 || fds[DIED] >= 0);
	if (!place(fds))
		return 0;
	pr_err(CANNOT_PREPARE, strerror(errno));
	return -1;
}

/*
 * The same in the initramfs, whose mount namespace @host is. Nothing is taken yet: the
 * files of the initramfs may be deleted meanwhile, and so the keeper not be loaded.
 */
int arrive_for_early(int listener, int hold, int host)
{
	int fds[NR_FDS], i;

	for (i = 0; i < NR_FDS; i++)
		fds[i] = -1;
	fds[LISTENER] = listener;
	fds[HOLD] = hold;
	fds[HOST] = host;
	if (!place(fds))
		return 0;
	pr_err(CANNOT_PREPARE, strerror(errno));
	return -1;
}

/*
 * In that keeper: get what came in. Nothing is waited for: when this returns -1, that is
 * still there, and the host gets it.
 */
int arrive_in_keeper(const char *name, const char *conf_dir,
		     const char *run_dir, struct arrival *arrival)
{
	struct state state;
	int fds[NR_FDS];

	fds[SESSION] = session_retrieve(name);
	fds[STATE] = -1;
	if (fds[SESSION] < 0) {
		if (fds[SESSION] != -ENOENT)
			pr_err("it is not resumed in the initramfs, but by the host");
		return -1;
	}
	snprintf(waiting, sizeof(waiting), "%s/%s" WAITING_SUFFIX, run_dir,
		 name);
	if (!get_state(fds))
		return -1;
	if (fds[STATE] >= 0 && !state_read(&state, fds[STATE])) {
		/* Here systemd does not see to it. */
		folder_give(name, run_dir, state.folder);
		set_clock(name, conf_dir, &state);
		state_free(&state);
	}
	set_waiting(false);
	mark_taken(name, run_dir, true);
	arrival->session = fds[SESSION];
	arrival->state = fds[STATE];
	return 0;
}
