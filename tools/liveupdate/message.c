// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: to standard error, and to the client whose request is served.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdarg.h>
#include <stdio.h>

#include "lukeep.h"

/* The service that the messages are about. */
const char *message_name;
int message_client = -1;

static void message(const char *fmt, va_list ap)
{
	char line[1024];
	int n = 0;

	if (message_name)
		n = snprintf(line, sizeof(line) / 4, "%s: ", message_name);
	if (n < 0 || n >= (int)sizeof(line) / 4)
		n = 0;
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);

	fprintf(stderr, "lukeep: %s\n", line);
	/* A client that went away misses the rest: the update does not stop. */
	if (message_client >= 0)
		packet_send(message_client, json_pack("{ss}", "message", line));
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
