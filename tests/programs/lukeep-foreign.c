// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep-foreign NAME TOKEN...: another program than lukeep, which makes a session of this
 * name, and preserves a memfd by each token. It says "ready", and holds the session.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/liveupdate.h>

static void give(int session, const char *token)
{
	struct liveupdate_session_preserve_fd preserve = {
		.size = sizeof(preserve),
		.fd = memfd_create("theirs", MFD_CLOEXEC | MFD_ALLOW_SEALING),
		.token = strtoul(token, NULL, 0),
	};

	if (preserve.fd >= 0 && write(preserve.fd, token, strlen(token)) > 0 &&
	    !ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &preserve))
		return;
	perror("preserve");
	exit(1);
}

int main(int argc, char **argv)
{
	struct liveupdate_ioctl_create_session create = { .size = sizeof(create) };
	int i, dev = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

	snprintf((char *)create.name, sizeof(create.name), "%s", argv[1]);
	if (dev < 0 || ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, &create)) {
		perror("create");
		return 1;
	}
	close(dev);
	for (i = 2; i < argc; i++)
		give(create.fd, argv[i]);
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
