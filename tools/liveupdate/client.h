/* SPDX-License-Identifier: GPL-2.0 */
/* Asking agent and keepers. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CLIENT_H
#define _LUKEEP_CLIENT_H

#include <jansson.h>

#include "links.h"
#include "options.h"

/* For what is done at once, and on top of the time that services have; in ms. */
#define CLIENT_TIMEOUT		30000
#define CLIENT_STATUS_TIMEOUT	2000

#define CLIENT_NO_ANSWER	(-1)

const char *client_how_to_start(void);
int client_ask_agent(const struct options *opt, json_t *request);
json_t *client_names(const struct options *opt);
void client_say_silent(const char *name);
int client_ask_keeper(const struct options *opt, struct link *link,
		      const char *verb);
int client_keeper_status(struct link *link, int timeout);
int client_for_each(const struct options *opt, const struct links *links,
		    int (*ask)(const struct options *opt, struct link *link));
void client_find_conf_dir(struct options *opt);
int client_update(const struct options *opt, json_t *request);
int client_cancel(const struct options *opt);
int client_stop(const struct options *opt);
int client_late(const struct options *opt);

#endif /* _LUKEEP_CLIENT_H */
