/* SPDX-License-Identifier: GPL-2.0 */
/* File descriptors in messages. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_RIGHTS_H
#define _LUKEEP_RIGHTS_H

#include <sys/socket.h>

/* As many file descriptors as the kernel puts into one message, SCM_MAX_FD */
#define RIGHTS_MAX	253

int rights_get(struct msghdr *msg, int *fd, int max);
int rights_receive(int socket, int flags, int *fd, int max);

#endif /* _LUKEEP_RIGHTS_H */
