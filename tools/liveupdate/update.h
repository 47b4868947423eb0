/* SPDX-License-Identifier: GPL-2.0 */
/* The live update of all services. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_UPDATE_H
#define _LUKEEP_UPDATE_H

#include <stdbool.h>

#include <jansson.h>
#include <systemd/sd-event.h>

/* What "lukeep update" exits with; stable, see lukeep(8). */
enum {
	UPDATE_DONE = 0,
	UPDATE_REFUSED = 1,	/* the services were not touched */
	UPDATE_REVERTED = 3,	/* they were stopped, and are back at work */
	UPDATE_NOT_BACK = 4,	/* not all of them are */
};

/**
 * struct updater - who has updates made
 * @event:    event loop
 * @conf_dir: folder of the declarations
 * @run_dir:  folder of the sockets
 * @ended:    is told that an update has ended here: it failed, or was a dry run
 * @user:     for @ended
 */
struct updater {
	sd_event *event;
	const char *conf_dir;
	const char *run_dir;
	void (*ended)(void *user, int status, const char *step);
	void *user;
};

struct update;

struct update *update_begin(const struct updater *updater, json_t *request);
void update_go(struct update *u);
bool update_has_late(const struct update *u);
bool update_waits(const struct update *u);
void update_save_late(struct update *u);
void update_cancel(struct update *u);
void update_free(struct update *u);
bool update_is_with_systemd(const struct update *u);
const char *update_step(const struct update *u);

#endif /* _LUKEEP_UPDATE_H */
