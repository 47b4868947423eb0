/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the machine that lukeep-machine.c feigns.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_PARTS_H
#define _LUKEEP_PARTS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/types.h>

#include "lukeep-machine.h"

struct session;

/* lukeep-folder.c */
extern const char *folder;
void fatal(const char *what);
FILE *open_file(const char *name, const char *mode);
void set_file(const char *name, const char *text);
void log_call(int kernel, enum machine_call call, const char *name, int err);
int fault(enum machine_call call, const char *session, bool *hangs);

/* lukeep-processes.c */
void end_processes(pid_t command);

/* lukeep-mounts.c */
bool is_tmpfs(int file);
int copy_mount(int file);
void drop_mounts(void);

/* lukeep-sessions.c, whose functions return 0 or an errno */
int session_create(const char *name, struct session **session);
int session_retrieve(const char *name, struct session **session);
int session_preserve(struct session *session, __u64 token, int file);
int session_retrieve_fd(struct session *session, __u64 token, int *file);
int session_finish(struct session *session);
int session_thaw(int file);
const char *session_name(const struct session *session);
void session_close(struct session *session);

void sessions_hand_over(void);
void sessions_drop(void);

#endif /* _LUKEEP_PARTS_H */
