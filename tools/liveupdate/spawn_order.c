// SPDX-License-Identifier: GPL-2.0
/*
 * Starting the keepers that are missing, those of services that are more urgent first.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "spawn.h"
#include "spawn_order.h"
#include "util.h"

static void spawn(const struct link *link, const struct turn *turn, bool early)
{
	const struct links *links = link->links;

	if (link->stuck)
		pr_err("%s: its keeper does not answer: is it stopped?",
		       link->name);
	else
		spawn_keeper(link->name, links->conf_dir, links->run_dir,
			     turn, early);
}

static bool is_missing(const struct link *link)
{
	return link->svc && link->fd < 0 && !link->without;
}

/* The highest order of those that are missing, below @order; -1 if there is none. */
static int next_order(const struct links *links, int order)
{
	const struct link *link;
	int next = -1;

	for (link = links->first; link; link = link->next) {
		if (is_missing(link) && link->svc->order < order &&
		    link->svc->order > next)
			next = link->svc->order;
	}
	return next;
}

/*
 * Start the keepers that are missing, in the initramfs if it is @early. Those of the
 * highest order come first; the others wait until they are at work.
 */
void spawn_in_order(const struct links *links, bool early)
{
	struct turn turn = { .wait = -1 };
	struct link *link;
	int ends[2], order = INT_MAX;

	while ((order = next_order(links, order)) >= 0) {
		if (pipe2(ends, O_CLOEXEC)) {
			pr_warn("services are not started in their order: %s: raise the limit on open files",
				strerror(errno));
			ends[0] = -1;
			ends[1] = -1;
		}
		turn.hold = ends[1];
		for (link = links->first; link; link = link->next) {
			if (is_missing(link) && link->svc->order == order)
				spawn(link, &turn, early);
		}
		close_fd(&turn.hold);
		close_fd(&turn.wait);
		turn.wait = ends[0];
	}
	close_fd(&turn.wait);
}
