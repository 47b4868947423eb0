/* SPDX-License-Identifier: GPL-2.0 */
/* The memfds of a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_MEMORY_H
#define _LUKEEP_MEMORY_H

#include <stdbool.h>

#include <jansson.h>
#include <linux/types.h>

#include "declaration.h"

#define MIB	(1024.0 * 1024.0)

/* A service has its memfds from here on, in the order of its declaration. */
#define MEMORY_FIRST_FD	3

void memory_drop_execute(int fd, const char *name);
int memory_memfd(const char *name);
int memory_create(struct service *svc);
bool memory_has_thp(const struct service *svc);
void memory_fill(const struct service *svc);
int memory_clear_saved(struct service *svc);
int memory_check_seals(const struct service *svc);
void memory_seal(const struct memfd *m);
void memory_discard(struct service *svc);
int memory_link(struct service *svc, enum memfd_kind kind);
int memory_unlink(struct service *svc, enum memfd_kind kind);
bool memory_has_kind(const struct service *svc, enum memfd_kind kind);
bool memory_is_saved(const struct service *svc);
__u64 memory_bytes(const struct service *svc);
json_t *memory_describe(const struct service *svc);

#endif /* _LUKEEP_MEMORY_H */
