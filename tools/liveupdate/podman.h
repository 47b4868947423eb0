/* SPDX-License-Identifier: GPL-2.0 */
/* Containers of podman. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PODMAN_H
#define _LUKEEP_PODMAN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Podman has its checkpoint there, in the folder of the container, and a pre-dump. */
#define PODMAN_CHECKPOINT	"checkpoint"
#define PODMAN_PREDUMP		"pre-checkpoint"
#define PODMAN_FAILED		"checkpoint.failed"

#define PODMAN_OUTPUT		16384

/**
 * struct container - what podman says of a container
 * @name:     its name
 * @output:   what podman has said, in lines, which are:
 * @runtime:  the program that runs it
 * @restarts: when podman starts it again by itself
 * @pids:     whose PIDs it has: "private" is its own
 * @addresses: those that it has in networks of podman's, between blanks
 * @ports:    those that are published, as PORT/PROTOCOL:PORT-OF-HOST:ADDRESS-OF-HOST,
 *            between blanks; without an address, or with one of only zeros, for all
 * @removed:  it is removed when it ends
 * @network:  which kind of network it has
 * @on_host:  that of the host
 * @running:  it runs
 * @dumped:   it does not, since it has been dumped
 * @pid:      its first process then
 * @status:   what it has exited with
 * @folder:   where podman keeps what belongs to it
 * @sources:  the host's files and folders that it has mounted, a line each
 */
struct container {
	const char *name;
	char output[PODMAN_OUTPUT];
	const char *runtime;
	const char *restarts;
	const char *pids;
	const char *addresses;
	const char *ports;
	bool removed;
	const char *network;
	bool on_host;
	bool running;
	bool dumped;
	pid_t pid;
	int status;
	const char *folder;
	char *sources;
};

int podman_find(struct container *c, const char *name);
bool podman_has_removed(const char *name);
int podman_check(struct container *c);
int podman_run(const struct container *c, int dir, const char *verb,
	       char *const argv[]);
int podman_predump(const struct container *c, int dir);
int podman_checkpoint(const struct container *c, int dir, bool ends, bool rest);
int podman_restore(const struct container *c, int dir);

#endif /* _LUKEEP_PODMAN_H */
