// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel logs while it does something for us, and what we log there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"
#include "message.h"
#include "util.h"

#define KMSG		"/dev/kmsg"

/* A record is not longer than this. */
#define RECORD_MAX	8192

#define LEVEL_MASK	7
#define LEVEL_WARNING	4

/* Begin to listen; -1 where that is not possible. */
int kmsg_open(void)
{
	int fd = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* The text of a record, if the record warns of something that concerns us. */
static const char *concerns_us(char *record)
{
	static const char * const subsystems[] = {
		"KHO: ", "luo: ", "kexec",
	};
	char *text = strchr(record, ';');
	size_t i;

	if (!text || (strtoul(record, NULL, 10) & LEVEL_MASK) > LEVEL_WARNING)
		return NULL;
	text++;
	text[strcspn(text, "\n")] = '\0';
	for (i = 0; i < ARRAY_SIZE(subsystems); i++) {
		if (!strncmp(text, subsystems[i], strlen(subsystems[i])))
			return text;
	}
	return NULL;
}

/* Repeat the kernel's warnings since kmsg_open(): they say what to do. */
void kmsg_report(int fd)
{
	char record[RECORD_MAX + 1];
	const char *text;
	ssize_t n;

	while (fd >= 0) {
		n = read(fd, record, RECORD_MAX);
		if (n < 0 && (errno == EINTR || errno == EPIPE))
			continue;	/* EPIPE: some have been overwritten */
		if (n <= 0)
			return;
		record[n] = '\0';
		text = concerns_us(record);
		if (text)
			pr_err("kernel: %s", text);
	}
}

/*
 * Where there is no journal yet: what we print goes to the kernel's log. The kernel limits how
 * much that is for each open file.
 */
void kmsg_take_output(void)
{
	int fd = open(KMSG, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
		dup2(fd, STDERR_FILENO);
	close_fd(&fd);
}
