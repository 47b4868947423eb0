// SPDX-License-Identifier: GPL-2.0
/*
 * The mark in a session that it is ours.
 *
 * The next kernel gets a session as it is at the kexec. What a keeper preserves last is
 * its state. By this mark, which is the first, one that its keeper did not finish is told
 * from another program's of the same name: it has died, or did not answer.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "begun.h"
#include "memory.h"
#include "message.h"
#include "session.h"
#include "util.h"

#define MARK	"lukeep.begun"

/* Another program may have a file by its token. */
#define TEXT	"lukeep has begun to preserve this service\n"

int begun_mark(int session)
{
	int fd = memory_memfd(MARK);
	int ret = -1;

	if (fd < 0 || dprintf(fd, TEXT) < 0)
		pr_err("cannot write to a memfd: %s: free some memory and try again",
		       strerror(errno));
	else
		ret = session_preserve(session, fd, TOKEN_BEGUN, "memfd", MARK);
	close_fd(&fd);
	return ret;
}

/*
 * What is a session without a state? -EIO: one of ours, and the previous kernel was left
 * before it was finished; -ENOENT: another program's; else that cannot be told now.
 */
int begun_check(int session)
{
	int fd = session_retrieve_fd(session, TOKEN_BEGUN, "memfd", MARK);
	char text[sizeof(TEXT)] = "";

	if (fd < 0)
		return fd;
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		*text = '\0';
	close(fd);
	if (strcmp(text, TEXT))
		return -ENOENT;
	pr_err("the previous kernel was left before it had saved: its keeper had ended, or did not answer");
	return -EIO;
}
