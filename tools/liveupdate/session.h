/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions of /dev/liveupdate. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_SESSION_H
#define _LUKEEP_SESSION_H

#include <stdbool.h>

#include <linux/types.h>

#include "device.h"

/* What is said where there is none. */
#define NO_LIVEUPDATE \
	"this kernel cannot keep memory over an update: there is no " \
	LIVEUPDATE_DEVICE \
	"; boot a kernel with CONFIG_LIVEUPDATE, with kho=on liveupdate=on"

/* What is said where there is one, but it does not take a tmpfs. */
#define NO_LIVEUPDATE_TMPFS \
	"this kernel cannot preserve a tmpfs: boot one with CONFIG_LIVEUPDATE_TMPFS"

/* What is said where there is one, but it does not take a pipe. */
#define NO_LIVEUPDATE_PIPE \
	"this kernel cannot preserve a pipe: boot one with CONFIG_LIVEUPDATE_PIPE, or declare pages = files"

/*
 * Tokens in the session: the keeper's own state, which is the last to be preserved; memfd
 * by memfd; what is preserved first, and says that the session is ours; pipe by pipe.
 */
#define TOKEN_STATE		0
#define TOKEN_MEMFD(i)		((i) + 1)
#define TOKEN_BEGUN		1000
#define TOKEN_PAGES(i)		((i) + 1001)

/* In that of the tmpfs. */
#define TOKEN_TMPFS		0

bool session_is_possible(void);
int session_check_device(void);
int session_create(const char *name);
int session_retrieve(const char *name);
int session_preserve(int session, int fd, __u64 token, const char *kind,
		     const char *name);
int session_try(int fd, const char *kind);
int session_retrieve_fd(int session, __u64 token, const char *kind,
			const char *name);
int session_finish(int session);

#endif /* _LUKEEP_SESSION_H */
