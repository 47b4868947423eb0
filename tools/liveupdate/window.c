// SPDX-License-Identifier: GPL-2.0
/*
 * The windows of TCP connections that CRIU restores. A restored socket scales its
 * window as a new one would, unless CRIU tells it what was negotiated; and CRIU does
 * so only if the peer scales windows as well. Any other peer would be offered a few
 * bytes, and send them one persist timer after the other.
 *
 * So sockets do not scale by themselves as long as such a connection is restored.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "window.h"

#define SYSCTL		"/proc/sys/net/ipv4/tcp_window_scaling"

/* An image of a connection: two magic numbers, a size, and a message of protobuf. */
#define HEADER		12
#define FIELD_OPTIONS	5
#define IMAGE_MAX	256

/* The next number of a message; 0 at its end. */
static uint64_t next_number(const uint8_t **c, const uint8_t *end)
{
	uint64_t number = 0;
	int shift = 0;

	while (*c < end && shift < 64) {
		number |= (uint64_t)(**c & 0x7f) << shift;
		shift += 7;
		if (!(*(*c)++ & 0x80))
			return number;
	}
	return 0;
}

/* Does the connection in this image scale its windows? So it may if that is not known. */
static bool scales(int dir, const char *name)
{
	uint8_t image[IMAGE_MAX];
	const uint8_t *c = image + HEADER, *end;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, image, sizeof(image));
	uint64_t key, value;

	if (fd >= 0)
		close(fd);
	end = image + n;
	while (c < end) {
		key = next_number(&c, end);
		if (key & 7)
			break;	/* numbers come first */
		value = next_number(&c, end);
		if (key >> 3 == FIELD_OPTIONS)
			return value & TCPI_OPT_WSCALE;
	}
	return true;
}

static bool all_scale(int folder, const char *dump)
{
	int fd = openat(folder, dump, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool all = true;

	while (dir && all && (entry = readdir(dir)))
		all = strncmp(entry->d_name, "tcp-stream-", strlen("tcp-stream-")) ||
		      scales(fd, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return all;
}

static bool set_scaling(char value)
{
	int fd = open(SYSCTL, O_RDWR | O_CLOEXEC);
	char was = 0;
	bool changed = fd >= 0 && read(fd, &was, 1) == 1 && was != value &&
		       pwrite(fd, &value, 1, 0) == 1;

	if (fd >= 0)
		close(fd);
	return changed;
}

/* Before a restore; returns whether there is something to undo after it. */
bool window_begin(int dir, const char *dump)
{
	return !all_scale(dir, dump) && set_scaling('0');
}

void window_end(bool begun)
{
	if (begun)
		set_scaling('1');
}
