/* SPDX-License-Identifier: GPL-2.0 */
/* Starting keepers. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SPAWN_H
#define _LUKEEP_SPAWN_H

#include <stdbool.h>

/**
 * struct turn - the place of a service among those that are started together
 * @wait: a pipe that ends when those that are more urgent are at work, or cannot be; -1
 *	  for none
 * @hold: open as long as those that are less urgent have to wait for this one
 */
struct turn {
	int wait;
	int hold;
};

int spawn_keeper(const char *name, const char *conf_dir, const char *run_dir,
		 const struct turn *turn, bool early);

#endif /* _LUKEEP_SPAWN_H */
