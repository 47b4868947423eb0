/* SPDX-License-Identifier: GPL-2.0 */
/* A keeper and its service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_KEEPER_H
#define _LUKEEP_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include <systemd/sd-event.h>

#include "declaration.h"
#include "state.h"

/**
 * enum service_state - what a service is doing
 * @SERVICE_DOWN:      it has exited, or could not be started
 * @SERVICE_STARTING:  it has been started, and is not ready yet
 * @SERVICE_RUNNING:   it works
 * @SERVICE_SAVING:    it was told to save, and has not exited yet
 * @SERVICE_REVERTING: the same, and it goes back to work as soon as it has
 * @SERVICE_LATE:      it has not saved in time, and may still be at it
 * @SERVICE_SAVED:     it has saved and exited, and can resume
 * @SERVICE_HELD:      what came in is there, but cannot be had yet
 * @SERVICE_LOST:      what it had is lost, and so it was not started
 * @SERVICE_LEAVING:   it was told to exit, as an update goes on without it
 * @SERVICE_STOPPING:  it was told to exit, and the keeper goes with it
 */
enum service_state {
	SERVICE_DOWN,
	SERVICE_STARTING,
	SERVICE_RUNNING,
	SERVICE_SAVING,
	SERVICE_REVERTING,
	SERVICE_LATE,
	SERVICE_SAVED,
	SERVICE_HELD,
	SERVICE_LOST,
	SERVICE_LEAVING,
	SERVICE_STOPPING,
};

/**
 * struct arrival - what a keeper finds when it is started
 * @session: the session that came in, -1 if none did
 * @state:   memfd with what the keeper before has to say, -1 without @session, or
 *	     if that is another program's
 * @left:    there was an update just now, so that something should have come in
 * @died:    it did, and was lost with the keeper before
 */
struct arrival {
	int session;
	int state;
	bool left;
	bool died;
};

/**
 * struct keeper - a keeper, and the service that it keeps
 * @event:	its event loop
 * @name:	the service's name
 * @svc:	the service's declaration, and its memfds
 * @unit:	systemd has started the keeper, and decides about its end
 * @conf_dir:	folder of the declarations
 * @run_dir:	folder of the sockets
 * @state:	what the service is doing
 * @since:	wall-clock time since when
 * @pid:	the service, 0 when it is not running
 * @save_pid:	its save command, 0 when it is not running
 * @prepare_pid: what is run beside it before it is told to save, the same
 * @prepare_verb: what that was asked for by
 * @ready_pid:	its ready command, the same
 * @stop_pid:	its stop command, the same
 * @timer:	until when the service has to exit, or when it is started again
 * @ready_timer: when it is asked again whether it is ready, or is asked no longer
 * @failures:	how often in a row it has exited unasked
 * @stopped:	wall-clock second at or before which it exited
 * @told:	wall-clock time when it was told to save; 0 when it is at work
 * @pause:	how long it was away the last time, 0 if it never was
 * @overdue:	when its save command was killed, as it took too long; 0 if not
 * @was_told:	it has been told to save since it was started
 * @asked_again: it is asked whether it is ready since it has not saved, but works on
 * @exited_well: it exited with status 0
 * @never_ran:	in the initramfs its program could not be run
 * @crashed:	it was killed by another signal than the one that tells it to save
 * @save_succeeded: its save command did
 * @by_update:	it is down for an update, and starts when that is called off
 * @resumed:	it was started on what it saved
 * @from:	kernel that what it has came from, "" if from this one
 * @session:	where its memfds are preserved, -1 when no update is under way
 * @arrival:	what came in, until all of it has been taken
 * @insisted:	the operator wants it back by the declaration as it is
 * @owned:	an update is under way
 * @host:	the host's mount namespace as long as it has not been adopted from the
 *		initramfs, else -1
 * @adopted:	the keeper that has been, in a process that only tells systemd so; else 0
 * @done:	is told how what was asked for went
 */
struct keeper {
	sd_event *event;
	const char *name;
	struct service *svc;
	bool unit;
	const char *conf_dir;
	const char *run_dir;
	enum service_state state;
	double since;
	pid_t pid;
	pid_t save_pid;
	pid_t prepare_pid;
	const char *prepare_verb;
	pid_t ready_pid;
	pid_t stop_pid;
	sd_event_source *timer;
	sd_event_source *ready_timer;
	int failures;
	time_t stopped;
	double told;
	double pause;
	double overdue;
	bool was_told;
	bool asked_again;
	bool exited_well;
	bool never_ran;
	bool crashed;
	bool save_succeeded;
	bool by_update;
	bool resumed;
	char from[RELEASE_MAX];
	int session;
	struct arrival arrival;
	bool insisted;
	bool owned;
	int host;
	pid_t adopted;
	void (*done)(struct keeper *k, const char *verb, bool ok);
};

#endif /* _LUKEEP_KEEPER_H */
