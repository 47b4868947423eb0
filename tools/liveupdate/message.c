// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: to standard error, and to the client whose request is served.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lukeep.h"

const char *message_name;
int message_client = -1;

static void message(const char *fmt, va_list ap)
{
	char line[1024];
	int n = 0, len;

	if (message_name)
		n = snprintf(line, sizeof(line) / 4, "%s: ", message_name);
	if (n < 0 || n >= (int)sizeof(line) / 4)
		n = 0;
	len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (len < 0)
		return;
	len += n;
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	line[len] = '\0';

	fprintf(stderr, "lukeep: %s", line);
	/* A client that went away misses the rest: the update does not stop. */
	if (message_client >= 0)
		send(message_client, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Say what is going on. */
void pr_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

/* Say why something failed, and what can be done about it. */
void pr_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}
