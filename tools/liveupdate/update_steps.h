/* SPDX-License-Identifier: GPL-2.0 */
/* The steps of an update. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_UPDATE_STEPS_H
#define _LUKEEP_UPDATE_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

#include "links.h"
#include "request.h"
#include "update.h"

/**
 * struct update - an update under way
 * @updater: who has it made
 * @links:   the services
 * @request: what was asked for
 * @step:    index into update_steps[]
 * @start:   when that began
 * @deadline: when the services have been away for as long as they may, 0 for never
 * @order:   services of a lower order have been told to save
 * @loading: the next kernel is being loaded
 * @loaded:  there is a next kernel
 * @touched: services have been told to save
 * @gone:    the keeper of one has ended since then
 * @handed_over: systemd is, or has been, asked to shut the system down
 * @waits:   systemd does, and has not said yet that it has stopped the rest
 * @over:    the late services have saved
 * @failed:  it is over; the services are being brought back to work
 * @status:  what the client exits with
 * @guard:   until when the keepers have to answer
 * @limit:   until when the services have to be back
 * @stepped: is told that the step under way is done, or has failed
 */
struct update {
	const struct updater *updater;
	struct links links;
	struct request request;
	size_t step;
	double start;
	double deadline;
	int order;
	bool loading;
	bool loaded;
	bool touched;
	bool gone;
	bool handed_over;
	bool waits;
	bool over;
	bool failed;
	int status;
	sd_event_source *guard;
	sd_event_source *limit;
	void (*stepped)(struct update *u, bool ok);
};

/**
 * enum step_result - what has come of a step that was run
 * @STEP_FAILED: the update has failed with it
 * @STEP_EMPTY:  there was nothing to do
 * @STEP_BEGUN:  it ends when all keepers that were asked have answered, or by
 *		 @stepped of &struct update
 */
enum step_result {
	STEP_FAILED,
	STEP_EMPTY,
	STEP_BEGUN,
};

/**
 * struct step - a step of an update
 * @name: for messages
 * @verb: keepers are asked for this, and for nothing else; NULL if not asked
 * @run:  begins it
 * @go_on: goes on with it once all have answered that were asked; false if they were
 *	  all, as they are where it is NULL
 */
struct step {
	const char *name;
	const char *verb;
	enum step_result (*run)(struct update *u);
	bool (*go_on)(struct update *u);
};

extern const struct step update_steps[];

int update_check_late(const struct update *u);

#endif /* _LUKEEP_UPDATE_STEPS_H */
