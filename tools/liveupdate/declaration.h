/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations of services: what is in them, and how they are read.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_DECLARATION_H
#define _LUKEEP_DECLARATION_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <linux/types.h>

#include "pages.h"
#include "tmpfs.h"

#define CONFIG_SUFFIX		".conf"

/* Sessions are named for their services: a name and its NUL take 64 bytes. */
#define NAME_MAX_LEN		63

/* Of the session with the service's tmpfs, after the name of the service, which has no colon. */
#define TMPFS_SESSION		":tmpfs"

/* More than any service needs; a declaration beyond it is refused. */
#define LUKEEP_MAX_MEMFDS	16

/* The variable of a memfd is this and its name, with _ for . and -. */
#define VARIABLE_PREFIX		"LUKEEP_FD_"
#define VARIABLE_SIZE		(sizeof(VARIABLE_PREFIX) + NAME_MAX_LEN)

/**
 * enum memfd_kind - when a service sees a memfd, and when it is preserved
 * @MEMFD_MEMORY: The memory the service works in. It is always there, and its
 *		  size is settled once the service runs, so that it can be
 *		  preserved before the service stops.
 * @MEMFD_SAVE:	  What the service writes when it is told to save. It is
 *		  preserved after that, and the service finds it when it resumes.
 */
enum memfd_kind {
	MEMFD_MEMORY,
	MEMFD_SAVE,
};

/**
 * struct memfd - a memfd that a service works on
 * @kind:  see enum memfd_kind
 * @name:  name in the declaration, by which the next kernel's keeper finds it
 * @path:  symbolic link under which the service opens it, or NULL
 * @size:  its size when the service starts afresh
 * @huge:  bytes of the huge pages that it is made of then, or 0
 * @thp:   it is allocated then, in transparent huge pages
 * @fd:    the memfd, the same number in the keeper and in the service
 * @token: its token in the session that came in, 0 when it is not there
 */
struct memfd {
	enum memfd_kind kind;
	char name[NAME_MAX_LEN + 1];
	char *path;
	__u64 size;
	__u64 huge;
	bool thp;
	int fd;
	__u64 token;
};

/**
 * struct processes - how the processes of a service go on, by CRIU
 * @container: container of podman that they are in, or NULL
 * @images:   folder of their images, NULL if they do not
 * @pipes:    their memory is not in there, but in pipes
 * @predumps: how often at most their memory is dumped while they run
 * @lazy:     they are restored before all of their memory is
 * @start_if_failed: start the service afresh when they cannot be restored
 * @program:  the command that starts it, as it is declared
 * @ready:    the command that tells whether it is ready, as it is declared
 * @check:    command that finds out whether the next kernel will have their files
 * @predump:  command that dumps their memory while they run, or NULL
 */
struct processes {
	char *container;
	char *images;
	bool pipes;
	int predumps;
	bool lazy;
	bool start_if_failed;
	char *program;
	char *ready;
	char *check;
	char *predump;
};

/**
 * struct service - what the declaration says, and the service's memfds
 * @name:	  name of the service and of its session
 * @start:	  command that starts it afresh
 * @resume:	  command that starts it on what it saved
 * @save_command: has it save and exit, or NULL
 * @save_signal:  tells it to save and exit, without @save_command
 * @save_timeout: seconds it may take to do so
 * @stop_command: has it exit for good, or NULL
 * @stop_timeout: seconds it may take to do so
 * @ready_command: succeeds as soon as it is ready, or NULL
 * @order:	  it saves when those with a lower one have
 * @late:	  it saves when systemd has stopped the rest of the host
 * @early:	  it resumes in the initramfs
 * @early_files: what else it needs there, or NULL
 * @bridge:	  the bridge of its network and the cards that are in it, or NULL
 * @restart:	  start it afresh when it exits unasked
 * @retry:	  what it saved is there until it has resumed, and no longer
 * @if_lost_hold: do not start it when what it had is lost
 * @clock:	  resume it only when the system clock has passed its stop
 * @memfd:	  what it works on
 * @nr_memfds:	  number of entries in @memfd
 * @processes:	  how its processes go on
 * @pages:	  the memory of these when they were dumped
 * @tmpfs:	  where it has its files, without a path if it has none
 */
struct service {
	char name[NAME_MAX_LEN + 1];
	char *start;
	char *resume;
	char *save_command;
	int save_signal;
	int save_timeout;
	char *stop_command;
	int stop_timeout;
	char *ready_command;
	int order;
	bool late;
	bool early;
	char *early_files;
	char *bridge;
	bool restart;
	bool retry;
	bool if_lost_hold;
	bool clock;
	struct memfd memfd[LUKEEP_MAX_MEMFDS];
	int nr_memfds;
	struct tmpfs tmpfs;
	struct processes processes;
	struct pages pages;
};

/* declaration.c */
struct service *declaration_read(const char *dir, const char *name);
void declaration_free(struct service *svc);
bool declaration_name_valid(const char *name);
void declaration_variable(char variable[VARIABLE_SIZE], const char *name);

/* declaration_json.c */
json_t *declaration_pack(const struct service *svc);
int declaration_compare(const struct service *declared, const json_t *was,
			char *what, size_t len);

#endif /* _LUKEEP_DECLARATION_H */
