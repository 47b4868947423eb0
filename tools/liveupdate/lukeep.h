/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private declarations of lukeep, grouped under the file that defines them.
 *
 * The agent ("lukeep run") looks after all services and brings them through an
 * update together. Each service has a keeper, a process of its own, which is the
 * service's parent and holds its memfds and its session. A keeper does not depend
 * on the agent: when the agent goes away it keeps on, and calls off the update it
 * may be in.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_H
#define _LUKEEP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include <jansson.h>
#include <linux/types.h>
#include <systemd/sd-event.h>

#include "declaration.h"
#include "kexec.h"
#include "kexec_cmdline.h"
#include "kmsg.h"

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define USEC_PER_SEC		1000000ULL
#define MIB			(1024.0 * 1024.0)

/* A process so named is spared when systemd kills all others at the end. */
#define SURVIVOR_NAME		"@lukeep"

/* Files in the folders. */
#define KEEPER_SUFFIX		".keeper"
#define AGENT_SOCKET		"agent.sock"

/* Tokens in the session: the keeper's own state, then memfd by memfd. */
#define TOKEN_STATE		0
#define TOKEN_MEMFD(i)		((i) + 1)

/**
 * enum service_state - what a service is doing
 * @SERVICE_RUNNING:  it works
 * @SERVICE_SAVING:   it was told to save, and has not exited yet
 * @SERVICE_SAVED:    it has saved and exited, and can resume
 * @SERVICE_STOPPING: it was told to exit, and the keeper goes with it
 * @SERVICE_DOWN:     it has exited, or could not be started
 * @SERVICE_LOST:     what it had is lost, and so it was not started
 */
enum service_state {
	SERVICE_RUNNING,
	SERVICE_SAVING,
	SERVICE_SAVED,
	SERVICE_STOPPING,
	SERVICE_DOWN,
	SERVICE_LOST,
};

/**
 * struct keeper - a keeper, and the service that it keeps
 * @event:	its event loop
 * @svc:	the service's declaration, and its memfds
 * @state:	what the service is doing
 * @pid:	the service, 0 when it is not running
 * @save_pid:	its save command, 0 when it is not running
 * @timer:	until when the service has to exit, or when it is started again
 * @stopped:	wall-clock second at or before which it exited
 * @exited_well: it exited with status 0
 * @save_succeeded: its save command did
 * @told_to_save: its exit is not its own idea; it goes back to work after it.
 *		 Running, it is late
 * @called_off:	it goes back to work as soon as it has saved
 * @resumed:	it was started on what it saved
 * @session:	where its memfds are preserved, -1 when no update is under way
 * @owner:	the connection whose update it is, -1 when there is none
 */
struct keeper {
	sd_event *event;
	struct service *svc;
	enum service_state state;
	pid_t pid;
	pid_t save_pid;
	sd_event_source *timer;
	time_t stopped;
	bool exited_well;
	bool save_succeeded;
	bool told_to_save;
	bool called_off;
	bool resumed;
	int session;
	int owner;
};

/**
 * struct options - the command line
 * @conf_dir: folder of the declarations
 * @run_dir:  folder of the sockets
 * @name:     keep: the service
 * @arrive:   keep: it has not run in this kernel yet
 * @update:   update: what is sent to the agent
 * @json:     status: as JSON
 * @arguments: check: files, or names of services, with a NULL at the end
 */
struct options {
	const char *conf_dir;
	const char *run_dir;
	const char *name;
	bool arrive;
	json_t *update;
	bool json;
	char **arguments;
};

/**
 * struct link - a service as the agent sees it
 * @agent:   the agent
 * @next:    the next one
 * @name:    its name
 * @svc:     its declaration, NULL when that cannot be read; the keeper has read
 *	     it for itself
 * @fd:	     connection to its keeper, -1 when there is none
 * @source:  event source of @fd
 * @pending: the keeper has not answered yet
 * @listed:  there is a declaration of it
 */
struct link {
	struct agent *agent;
	struct link *next;
	char name[NAME_MAX_LEN + 1];
	struct service *svc;
	int fd;
	sd_event_source *source;
	bool pending;
	bool listed;
};

/**
 * struct agent - the agent
 * @opt:      its command line
 * @event:    its event loop
 * @links:    the services
 * @stopping: it stops the services, and then ends
 * @update:   the update under way, or NULL
 */
struct agent {
	const struct options *opt;
	sd_event *event;
	struct link *links;
	bool stopping;
	struct update *update;
};

/* agent.c */
int agent_run(const struct options *opt);
void agent_ask(struct agent *agent, const char *verb);
bool agent_pending(const struct agent *agent);
void agent_stop(struct agent *agent);
void agent_stop_if_alone(struct agent *agent);

/* check.c */
int check_run(const struct options *opt);

/* client.c */
int client_request(const struct options *opt, json_t *request);

/* clock.c */
double clock_now(void);
void clock_go_on(time_t stopped);

/* command.c */
pid_t command_start(const char *command, const struct service *svc);
const char *command_status(const siginfo_t *si);
bool command_succeeded(const siginfo_t *si);

/* declaration.c, by the names that the agent and the keepers use */
#define config_read		declaration_read
#define config_free		declaration_free

/* keeper.c */
int keeper_run(const struct options *opt);
void keeper_answer(struct keeper *k, const char *verb, bool ok);

/* memory.c */
void memory_drop_execute(int fd, const char *name);
int memory_memfd(const char *name);
int memory_create(struct service *svc);
void memory_discard(struct service *svc);
int memory_link(struct service *svc, enum memfd_kind kind);
int memory_unlink(struct service *svc, enum memfd_kind kind);
int memory_clear_saved(struct service *svc);
bool memory_is_saved(const struct service *svc);
__u64 memory_bytes(const struct service *svc);
json_t *memory_describe(const struct service *svc);

/* message.c */
extern const char *message_name;
extern int message_client;
void pr_info(const char *fmt, ...);
void pr_err(const char *fmt, ...);

/* packet.c */
int packet_listen(const char *dir, const char *name, bool *first);
int packet_connect(const char *dir, const char *name);
int packet_accept(int listener);
int packet_send(int fd, json_t *packet);
json_t *packet_receive(int fd);

/* service.c */
void service_arrive(struct keeper *k, bool first);
int service_start(struct keeper *k);
void service_save(struct keeper *k);
void service_revert(struct keeper *k);
void service_stop(struct keeper *k);

/* session.c */
int session_create(const char *name);
int session_retrieve(const char *name, int *session);
int session_preserve(int session, int fd, __u64 token, const char *what);
int session_retrieve_fd(int session, __u64 token, const char *what);
int session_finish(int session);

/* state.c */
int state_write(const struct service *svc, time_t stopped);
int state_read(struct service *svc, int fd, char release[RELEASE_MAX],
	       time_t *stopped);

/* status.c */
int status_show(const struct options *opt);

/* transfer.c */
int transfer_out(const struct service *svc, int session, enum memfd_kind kind);
int transfer_out_state(const struct service *svc, int session, time_t stopped);
int transfer_in(struct service *svc, int session, time_t *stopped);

/* update.c */
void update_begin(struct agent *agent, json_t *request, int client);
void update_answer(struct link *link, const char *verb, bool ok);
void update_fail(struct agent *agent);
bool update_is_with_systemd(const struct agent *agent);

#endif /* _LUKEEP_H */
