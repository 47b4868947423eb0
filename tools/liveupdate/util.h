/* SPDX-License-Identifier: GPL-2.0 */
/* Small things. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_UTIL_H
#define _LUKEEP_UTIL_H

#include <unistd.h>

/* Room for a kernel's release. */
#define RELEASE_MAX	65

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Close a file descriptor if there is one, and forget it. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#endif /* _LUKEEP_UTIL_H */
