/* SPDX-License-Identifier: GPL-2.0 */
/*
 * corrupt.c: where it is in its plan, and how it tells.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef CORRUPT_STATE_H
#define CORRUPT_STATE_H

#include <stdarg.h>
#include <sys/reboot.h>

#include "../../tools/testing/selftests/liveupdate/luo_util.h"

#define MAX_PLAN	(1 << 20)

/* Handed from kernel to kernel on the command line. */
static struct {
	int stage;	/* kernels before this one */
	int line;	/* of the plan that is next */
	int prepared;	/* the kernel before this one made sessions */
} state;

static int kmsg;

__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	char text[960];
	va_list args;
	int len;

	len = snprintf(text, sizeof(text), "<5>corrupt: stage=%d ", state.stage);
	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
	if (write(kmsg, text, strlen(text)) < 0)
		abort();
}

/* For scripts/vm/vm; without -reboot, QEMU ends then. */
static void finish(const char *result)
{
	int tty = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);

	dprintf(tty, "VM-RESULT: %s\n", result);
	fsync(tty);
	close(tty);
	reboot(RB_AUTOBOOT);
	abort();
}

static int must(int ret, const char *what)
{
	if (ret < 0) {
		say("broken=%s: %s", what, strerror(errno));
		finish("FAIL the harness is broken");
	}
	return ret;
}

static void write_text(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY), path);

	must(write(fd, text, strlen(text)), path);
	close(fd);
}

/* The text in a file, to be freed. */
static char *read_text(const char *path)
{
	int fd = must(open(path, O_RDONLY), path);
	char *text = calloc(1, MAX_PLAN + 1);

	must(text ? read(fd, text, MAX_PLAN) : -1, path);
	close(fd);
	return text;
}

#endif /* CORRUPT_STATE_H */
