// SPDX-License-Identifier: GPL-2.0
/*
 * The windows of TCP connections that CRIU restores. A restored socket scales its
 * window as a new one would, unless CRIU tells it what was negotiated; and CRIU does
 * so only if the peer scales windows as well. Any other peer would be offered a few
 * bytes, and send them one persist timer after the other.
 *
 * So the image of such a connection is made to say that both scale, by 0 bits.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "util.h"
#include "window.h"

/* An image of a connection: two magic numbers, a size, a message of protobuf, and data. */
#define HEADER		12
#define FIELD_OPTIONS	5
#define FIELD_OUR_BITS	8

static const uint8_t no_bits[] = { FIELD_OUR_BITS << 3, 0 };

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

/* A whole image, with room for what is added to it; NULL if it cannot be read. */
static uint8_t *read_image(int dir, const char *name, size_t *size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	uint8_t *image = NULL;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > HEADER) {
		*size = st.st_size;
		image = malloc(*size + sizeof(no_bits));
		if (image && read(fd, image, *size) != (ssize_t)*size) {
			free(image);
			image = NULL;
		}
	}
	close_fd(&fd);
	return image;
}

/*
 * As a whole or not at all, also if the power fails: it may be all that there is of the
 * service.
 */
static int write_image(int dir, const char *name, const uint8_t *image,
		       size_t size)
{
	int fd = openat(dir, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err = fd < 0 || write(fd, image, size) != (ssize_t)size ||
		  fsync(fd) || renameat(dir, "new", dir, name) ? -1 : 0;

	close_fd(&fd);
	return err;
}

/* Where the options are in a message; NULL if it scales windows, or if that is not known. */
static uint8_t *find_options(const uint8_t *message, const uint8_t *end)
{
	const uint8_t *c = message, *number;
	uint64_t key, value;

	while (c < end) {
		key = next_number(&c, end);
		number = c;
		if (key & 7)
			break;	/* numbers come first */
		value = next_number(&c, end);
		if (key >> 3 == FIELD_OPTIONS)
			return value & TCPI_OPT_WSCALE ? NULL : (uint8_t *)number;
	}
	return NULL;
}

/* The option is in the first byte of its number, and our bits are a field more. */
static int mend(int dir, const char *name)
{
	uint8_t *image, *options = NULL, *end;
	uint32_t length;
	size_t size;
	int err = 0;

	image = read_image(dir, name, &size);
	if (!image)
		return -1;
	memcpy(&length, image + HEADER - sizeof(length), sizeof(length));
	end = image + HEADER + length;
	if (length <= size - HEADER)
		options = find_options(image + HEADER, end);
	if (options) {
		*options |= TCPI_OPT_WSCALE;
		memmove(end + sizeof(no_bits), end, image + size - end);
		memcpy(end, no_bits, sizeof(no_bits));
		length += sizeof(no_bits);
		memcpy(image + HEADER - sizeof(length), &length, sizeof(length));
		err = write_image(dir, name, image, size + sizeof(no_bits));
	}
	free(image);
	return err;
}

/* Before a restore from the images @dump in the folder @dir */
void window_mend(int dir, const char *dump)
{
	int fd = openat(dir, dump, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *images = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (images && (entry = readdir(images))) {
		if (!strncmp(entry->d_name, "tcp-stream-", strlen("tcp-stream-")) &&
		    mend(fd, entry->d_name))
			pr_warn("cannot read or write %s/%s: %s: its connection may be slow",
				dump, entry->d_name, strerror(errno));
	}
	if (images)
		closedir(images);
	else if (fd >= 0)
		close(fd);
}
