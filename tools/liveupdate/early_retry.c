// SPDX-License-Identifier: GPL-2.0
/*
 * Services that resume in the initramfs, where more may be missing than on the host.
 * The memory on which one works there is the only copy. So what it has is lost when it
 * exits, unless it is known that it has not changed anything: when its program could
 * not be run, or when the service tells, by what it saved (retry = yes).
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "early_retry.h"
#include "message.h"

/* Warn of a service, of this @file, that may lose what it has. Returns -1 for that. */
int early_retry_check(const struct service *svc, const char *file)
{
	if (!svc->early || svc->retry)
		return 0;
	pr_warn("%s: early without retry: what it has is lost if it exits in the initramfs: see that all that it opens is there, and add retry = yes if it is a service that can resume once more",
		file);
	return -1;
}

/* It has exited there. @from is the kernel where it had what is lost. */
void early_retry_say_lost(const char *from)
{
	pr_event(MESSAGE_LOST,
		 "what it had in kernel %s is lost: it exited in the initramfs, and may have changed it: see what it logged, and mend that, or leave early out",
		 *from ? from : "unknown");
}
