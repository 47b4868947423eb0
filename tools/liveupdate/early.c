// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep early: resume services in the initramfs, before the host's root file system is
 * mounted and before systemd starts.
 *
 * It starts keepers, and does not wait for them: the host boots beside their services.
 * When it is run again, as there are more devices, what could not resume tries again.
 * What cannot resume here the host resumes, as it does with all others.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adoption.h"
#include "bridge.h"
#include "client.h"
#include "early.h"
#include "kexec_cmdline.h"
#include "kmsg.h"
#include "lacking.h"
#include "links.h"
#include "message.h"
#include "packet.h"
#include "session.h"
#include "spawn_order.h"
#include "util.h"

/* A keeper that is busy does not keep the boot waiting. */
#define STATUS_TIMEOUT	200	/* ms */

/* A keeper is there since the first time: does its service work? If not, try again. */
static void try_again(const struct options *opt, struct link *link)
{
	const char *state = "running";
	json_t *status = NULL;

	if (!client_ask_keeper(opt, link, "status"))
		status = packet_wait(link->fd, STATUS_TIMEOUT);
	json_unpack(status, "{ss}", "state", &state);
	if (!strcmp(state, "saved"))
		packet_send(link->fd, json_pack("{ss}", "verb", "reload"));
	json_decref(status);
}

/* Is all there that it takes to resume it? What lacks is said. */
static bool is_complete(const struct service *svc, const char *conf_dir)
{
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s/%s" CONFIG_SUFFIX, conf_dir, svc->name);
	return !lacking_program(file, "resume", svc->resume) &&
	       !lacking_program(file, "ready-command", svc->ready_command);
}

/* Leave it to the host unless it is to resume here, and can. */
static void look_at(const struct options *opt, struct link *link)
{
	link->without = true;
	if (!link->svc || !link->svc->early)
		return;
	bridge_loopback();
	if (link->svc->bridge)
		bridge_set_up(link->svc->bridge);
	if (adoption_is_expected(link->name, opt->run_dir))
		try_again(opt, link);
	else if (is_complete(link->svc, opt->conf_dir))
		link->without = false;
	else
		pr_err("%s: it is not resumed in the initramfs, but by the host: make the initramfs anew",
		       link->name);
	close_fd(&link->fd);
}

/* Resume services that are declared so, if there was an update. Always succeeds. */
int early_run(const struct options *opt)
{
	struct links links = {
		.conf_dir = opt->conf_dir,
		.run_dir = opt->run_dir,
	};
	char release[RELEASE_MAX];
	struct link *link;

	/* There is nothing to resume at an ordinary boot. */
	if (!kexec_left(release))
		return EXIT_SUCCESS;
	kmsg_take_output();
	if (session_check_device() || access(opt->conf_dir, F_OK) ||
	    packet_folder(opt->run_dir) || links_find(&links))
		return EXIT_SUCCESS;
	for (link = links.first; link; link = link->next)
		look_at(opt, link);
	spawn_in_order(&links, true);
	links_free(&links);
	return EXIT_SUCCESS;
}
