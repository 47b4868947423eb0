/* SPDX-License-Identifier: GPL-2.0 */
/* The command line. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_OPTIONS_H
#define _LUKEEP_OPTIONS_H

#include <stdbool.h>

#include <jansson.h>

/**
 * struct options - the command line
 * @conf_dir:  folder of the declarations
 * @run_dir:   folder of the sockets
 * @state_dir: folder of what outlives the kernel
 * @update:    update: what is sent to the agent
 * @json:      status, history: as JSON
 * @check:     status: by the exit status
 * @arguments:  services, and a NULL
 */
struct options {
	const char *conf_dir;
	const char *run_dir;
	const char *state_dir;
	json_t *update;
	bool json;
	bool check;
	char **arguments;
};

#endif /* _LUKEEP_OPTIONS_H */
