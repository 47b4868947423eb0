// SPDX-License-Identifier: GPL-2.0
/*
 * The folder of a service's images: what CRIU writes of it, and what there is to be
 * known about it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "images.h"
#include "message.h"

#define READY_TRIES	500
#define READY_PAUSE	100000	/* us */

/* How long it takes at most until what CRIU has streamed is there */
#define STREAM_TRIES	500
#define STREAM_PAUSE	10000	/* us */

/* The folder, made if it is not there yet; -1 when it cannot be had, which is said. */
static int open_folder(const char *path)
{
	int dir;

	/* All that the service has in memory will be in there. */
	if (mkdir(path, 0700) && errno != EEXIST) {
		pr_err("cannot create %s: %s: is the folder above it there?",
		       path, strerror(errno));
		return -1;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		pr_err("cannot open %s: %s", path, strerror(errno));
	return dir;
}

bool images_has(int dir, const char *name)
{
	return !faccessat(dir, name, F_OK, 0);
}

/* A file with this text, which is there as a whole or not at all. */
int images_write(int dir, const char *name, const char *text)
{
	int fd = openat(dir, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);
	ssize_t len = strlen(text);
	int ret = -1;

	if (fd >= 0 && write(fd, text, len) == len &&
	    !renameat(dir, "new", dir, name))
		ret = 0;
	if (ret)
		pr_err("cannot write to the folder of the images: %s: is there room?",
		       strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

int images_read(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

/* Remove a file, or a folder of files, if it is there. */
int images_remove(int dir, const char *name)
{
	struct dirent *entry;
	DIR *folder;
	int fd;

	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	folder = fd < 0 ? NULL : fdopendir(fd);
	while (folder && (entry = readdir(folder)))
		unlinkat(fd, entry->d_name, 0);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	return unlinkat(dir, name, AT_REMOVEDIR);
}

/* Remove all images of a service that goes on, or starts afresh; what failed stays. */
int images_clear(int dir)
{
	char name[16];
	int i, ret;

	ret = images_remove(dir, IMAGES_SAVED) |
	      images_remove(dir, IMAGES_DUMPING) |
	      images_remove(dir, IMAGES_LAZY) |
	      images_remove(dir, IMAGES_DUMP) |
	      images_remove(dir, IMAGES_CONNECTIONS) |
	      images_remove(dir, IMAGES_PREDUMPED) |
	      images_remove(dir, IMAGES_ERROR);
	for (i = 1; ; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (!images_has(dir, name))
			break;
		ret |= images_remove(dir, name);
	}
	if (ret)
		pr_err("cannot remove images: %s", strerror(errno));
	return ret;
}

/* How many bytes of memory the folder @name of images has. */
long long images_pages(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	long long bytes = 0;
	struct dirent *entry;
	struct stat st;

	while (folder && (entry = readdir(folder))) {
		if (!strncmp(entry->d_name, "pages-", strlen("pages-")) &&
		    !fstatat(fd, entry->d_name, &st, 0))
			bytes += st.st_size;
	}
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	return bytes;
}

/* What each command begins with. Returns -1 when the folder cannot be had, which is said. */
int images_begin(struct folder *f, const char *name, const char *path)
{
	/* Who reads our messages may go away. */
	signal(SIGPIPE, SIG_IGN);
	message_open(name);
	*f = (struct folder){
		.name = name, .path = path, .dir = open_folder(path),
	};
	if (f->dir < 0)
		return -1;
	images_remove(f->dir, IMAGES_ERROR);
	return 0;
}

/* Whoever wants to know what runs, and where its output goes, finds that in a file. */
int images_announce(const struct folder *f, pid_t pid, int output)
{
	char text[64];
	struct stat st;

	if (fstat(output, &st))
		return -1;
	snprintf(text, sizeof(text), "%d %lu\n", pid, (unsigned long)st.st_ino);
	return images_write(f->dir, IMAGES_SERVICE, text);
}

/* What runs, and the inode of the pipe that its output goes to. */
int images_find(const struct folder *f, pid_t *pid, unsigned long *output)
{
	char text[64];

	if (!images_read(f->dir, IMAGES_SERVICE, text, sizeof(text)) &&
	    sscanf(text, "%d %lu", pid, output) == 2)
		return 0;
	pr_err("it does not run: there is no %s/" IMAGES_SERVICE, f->path);
	return -1;
}

/* Wait until it is there; returns what to exit with. */
int images_wait(const struct folder *f)
{
	int i;

	for (i = 0; i < READY_TRIES; i++) {
		if (images_has(f->dir, IMAGES_SERVICE))
			return EXIT_SUCCESS;
		usleep(READY_PAUSE);
	}
	return EXIT_FAILURE;
}

/* Was it dumped whole? If CRIU streams that, somebody may be just about to write it. */
static bool was_dumped(int dir)
{
	int i;

	for (i = 0; i < STREAM_TRIES && images_has(dir, IMAGES_PIPES); i++) {
		if (images_has(dir, IMAGES_LAST) || !images_has(dir, IMAGES_DUMPING))
			break;
		usleep(STREAM_PAUSE);
	}
	return images_has(dir, IMAGES_DUMPING) && images_has(dir, IMAGES_LAST);
}

/*
 * It runs no more: returns what to exit with, if it does not end us as it was ended.
 * A service that has been dumped has ended as it should, whoever was killed by then.
 */
int images_end(const struct folder *f, int status)
{
	images_remove(f->dir, IMAGES_SERVICE);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGKILL && was_dumped(f->dir))
		return images_write(f->dir, IMAGES_SAVED, "") ? EXIT_FAILURE :
								EXIT_SUCCESS;
	child_default_signals();
	raise(WTERMSIG(status));
	return EXIT_FAILURE;
}

/* Who has run us gets to know why this failed. */
int images_fail(const struct folder *f)
{
	const char *error = message_last_error();
	size_t len = strlen(f->name);

	if (!error)
		return EXIT_FAILURE;
	/* That is about this service, as are the messages of its keeper. */
	if (!strncmp(error, f->name, len) && !strncmp(error + len, ": ", 2))
		error += len + 2;
	images_write(f->dir, IMAGES_ERROR, error);
	return EXIT_FAILURE;
}
