/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions of /dev/liveupdate. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SESSION_H
#define _LUKEEP_SESSION_H

#include <linux/types.h>

#define LIVEUPDATE_DEVICE	"/dev/liveupdate"

/* Tokens in the session: the keeper's own state, then memfd by memfd. */
#define TOKEN_STATE		0
#define TOKEN_MEMFD(i)		((i) + 1)

int session_create(const char *name);
int session_retrieve(const char *name);
int session_preserve(int session, int fd, __u64 token, const char *what);
int session_retrieve_fd(int session, __u64 token, const char *what);
int session_finish(int session);

#endif /* _LUKEEP_SESSION_H */
