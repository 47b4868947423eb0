/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private declarations of lukeep, grouped under the file that defines them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_H
#define _LUKEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include <linux/types.h>

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/* More than any service needs; a declaration beyond it is refused. */
#define LUKEEP_MAX_MEMFDS	16

#define LUKEEP_RUN_DIR		"/run/lukeep"

/* Tokens in the session: the agent's own state, then memfd by memfd. */
#define TOKEN_STATE		0
#define TOKEN_MEMFD(i)		((i) + 1)

/* Room for a kernel's release. */
#define STATE_RELEASE_MAX	65

/**
 * enum memfd_kind - when a service sees a memfd, and when it is preserved
 * @MEMFD_MEMORY: The memory the service works in. Its path is always there, and
 *		  its size is settled once the service runs, so that it can be
 *		  preserved before the service stops.
 * @MEMFD_SAVE:	  What the service writes when it is told to stop. Its path is
 *		  there from the stop until the service has read it again, and
 *		  it is preserved after the stop.
 */
enum memfd_kind {
	MEMFD_MEMORY,
	MEMFD_SAVE,
};

/**
 * struct memfd - a memfd that a service works on
 * @kind:  see enum memfd_kind
 * @name:  name in the declaration, by which the next kernel's agent finds it
 * @path:  symbolic link under which the service opens it
 * @fd:    the memfd, the same number in the agent and in the service
 * @token: its token in the session that came in, 0 when it is not there
 */
struct memfd {
	enum memfd_kind kind;
	const char *name;
	const char *path;
	int fd;
	__u64 token;
};

/**
 * struct service - a service and what is kept for it
 * @name:	 name of the service, its session and its control socket
 * @run_dir:	 directory of the control socket
 * @argv:	 the command, NULL-terminated
 * @save_signal: tells the service to save its state and exit
 * @timeout:	 seconds the service may take to do so
 * @memfd:	 what it works on
 * @nr_memfds:	 number of entries in @memfd
 * @pid:	 the running service, 0 when it is not running
 * @status:	 wait status, once it has exited
 * @stopped:	 wall-clock second at or before which it exited
 * @restart:	 start it again when it exits: a failed update asked it to stop
 */
struct service {
	const char *name;
	const char *run_dir;
	char **argv;
	int save_signal;
	int timeout;
	struct memfd memfd[LUKEEP_MAX_MEMFDS];
	int nr_memfds;
	pid_t pid;
	int status;
	time_t stopped;
	bool restart;
};

/* control.c */
int control_listen(const struct service *svc);
void control_serve(int listener, struct service *svc);
int control_request(const struct service *svc, const char *verb);

/* memory.c */
int memory_memfd(const char *name);
int memory_create(struct service *svc);
int memory_link(struct service *svc, enum memfd_kind kind);
int memory_unlink(struct service *svc, enum memfd_kind kind);
int memory_clear_saved(struct service *svc);
bool memory_is_saved(const struct service *svc);
__u64 memory_bytes(const struct service *svc);

/* message.c */
extern const char *message_name;
extern int message_client;
void pr_info(const char *fmt, ...);
void pr_err(const char *fmt, ...);

/* service.c */
int service_init_signals(void);
int service_start(struct service *svc);
int service_save(struct service *svc);
bool service_reap(struct service *svc);
int service_run(struct service *svc, int listener);

/* session.c */
int session_create(const char *name);
int session_retrieve(const char *name, int *session);
int session_preserve(int session, int fd, __u64 token, const char *what);
int session_retrieve_fd(int session, __u64 token, const char *what);
int session_finish(int session);

/* state.c */
int state_write(const struct service *svc);
int state_read(struct service *svc, int fd, char release[STATE_RELEASE_MAX]);

/* update.c */
int update_leave(struct service *svc);
int update_arrive(struct service *svc);

#endif /* _LUKEEP_H */
