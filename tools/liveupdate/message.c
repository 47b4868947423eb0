// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: to the journal with fields where standard error is the journal, else
 * to standard error as text, and to whoever else is to have them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "message.h"

#define LINE_LEN	1024

/* The service that the messages are about, and where else they go. */
static const char *message_name;
static void (*message_forward_to)(const char *text);
static bool journal;
static char last_error[LINE_LEN];

/* The length of the character at @c; 0 when it is none, or controls a terminal. */
static int length(const unsigned char *c)
{
	int len = *c < 0x80 ? 1 : *c < 0xc2 ? 0 : *c < 0xe0 ? 2 :
		  *c < 0xf0 ? 3 : *c < 0xf5 ? 4 : 0;
	int i;

	for (i = 1; i < len; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	if (*c < 0x20 || *c == 0x7f ||
	    (*c == 0xc2 && c[1] < 0xa0) ||	/* controls as well */
	    (*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] >= 0xa0) ||
	    (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] >= 0x90))
		return 0;
	return len;
}

/* Have a text be a line of UTF-8 that a terminal shows, and no more than that. */
static void clean(char *text)
{
	char *c = text;
	int len;

	while (*c) {
		len = length((unsigned char *)c);
		if (!len)
			*c = '?';
		c += len ?: 1;
	}
}

/* What somebody else says, as it can be shown; it is there until some more is. */
const char *message_shown(const char *text)
{
	static char shown[4][LINE_LEN];
	static unsigned int next;
	char *copy = shown[next++ % 4];

	snprintf(copy, LINE_LEN, "%s", text);
	clean(copy);
	return copy;
}

/* Is standard error a stream that systemd has connected with the journal? */
bool message_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%lu:%lu", &dev, &ino) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == dev &&
	       st.st_ino == ino;
}

/* Messages are about this service from now on; about none with NULL. */
void message_open(const char *name)
{
	message_name = name;
	journal = message_to_journal();
}

/* A client whose request is served has the messages as well; none with NULL. */
void message_forward(void (*forward)(const char *text))
{
	message_forward_to = forward;
}

static void log_to_journal(int level, const char *id, const char *line)
{
	char service[128], message_id[64];

	snprintf(service, sizeof(service), "LUKEEP_SERVICE=%s",
		 message_name ?: "");
	snprintf(message_id, sizeof(message_id), "MESSAGE_ID=%s", id ?: "");
	sd_journal_send("MESSAGE=%s", line, "PRIORITY=%i", level,
			"SYSLOG_IDENTIFIER=lukeep", "%s", service,
			id ? "%s" : NULL, message_id, NULL);
}

static void message(int level, const char *id, const char *fmt, va_list ap)
{
	char line[LINE_LEN];
	int n = 0;

	if (message_name)
		n = snprintf(line, sizeof(line) / 4, "%s: ", message_name);
	if (n < 0 || n >= (int)sizeof(line) / 4)
		n = 0;
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	clean(line);
	if (level <= LOG_ERR)
		memcpy(last_error, line, sizeof(line));

	if (journal)
		log_to_journal(level, id, line);
	else
		fprintf(stderr, "lukeep: %s\n", line);
	if (message_forward_to)
		message_forward_to(line);
}

/* Say what is going on. */
void pr_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(LOG_INFO, NULL, fmt, ap);
	va_end(ap);
}

/* Say what may need somebody's attention. */
void pr_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(LOG_WARNING, NULL, fmt, ap);
	va_end(ap);
}

/* Say why something failed, and what can be done about it. */
void pr_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(LOG_ERR, NULL, fmt, ap);
	va_end(ap);
}

/* Say that one of the events of message.h took place. */
void pr_event(const char *id, const char *fmt, ...)
{
	bool bad = strcmp(id, MESSAGE_RESUMED);
	va_list ap;

	va_start(ap, fmt);
	message(bad ? LOG_ERR : LOG_NOTICE, id, fmt, ap);
	va_end(ap);
}

/* The last of pr_err(), "" if there was none, or if it is mended. */
const char *message_last_error(void)
{
	return last_error;
}

/* The unit that this process is of ends: have systemd show the last error with it. */
void message_tell_systemd(void)
{
	if (*last_error)
		sd_notifyf(0, "STATUS=%s", last_error);
}

/* What went wrong is mended. */
void message_forget_error(void)
{
	*last_error = '\0';
}

/* Pass on to a client what somebody else has said, and logged. */
void message_repeat(const char *text)
{
	if (message_forward_to)
		message_forward_to(text);
}
