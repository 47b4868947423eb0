// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c: parameters, reports, and what there has to be before it can begin.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"

static int report_fd = -1;

void report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(report_fd, format, args);
	va_end(args);
}

void end(void)
{
	/* Not all kernels have what it takes to power off. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

void fail(const char *what)
{
	report("VM-RESULT: FAIL %s: %s\n", what, strerror(errno));
	end();
	abort();
}

long checked(long result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

unsigned long long clock_read(void)
{
	_mm_lfence();
	return __rdtsc();
}

void step(const char *name, long long count)
{
	report("# %s %lld\n", name, count);
}

/* The value of a word NAME=VALUE of the command line, or "". */
const char *param(const char *name)
{
	static char line[4096], value[256];
	size_t len = strlen(name);
	char *word;
	FILE *file = fopen("/proc/cmdline", "r");

	if (!file || !fgets(line, sizeof(line), file))
		fail("/proc/cmdline");
	fclose(file);
	value[0] = 0;
	for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		if (!strncmp(word, name, len) && word[len] == '=')
			snprintf(value, sizeof(value), "%s", word + len + 1);
	return value;
}

size_t number_param(const char *name, size_t otherwise)
{
	const char *value = param(name);

	return *value ? strtoul(value, NULL, 10) : otherwise;
}

void write_file(const char *path, const char *text)
{
	int fd = checked(open(path, O_WRONLY), path);

	checked(write(fd, text, strlen(text)), path);
	close(fd);
}

void set_up(void)
{
	struct rlimit files = { 4096, 4096 };

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	report_fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	setrlimit(RLIMIT_NOFILE, &files);
}
