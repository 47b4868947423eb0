// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c: a mount of tmpfs in place of memfds, with files of a page each.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define MNT	"/mnt"

/* A thousand in a directory. */
static void name_of(char *name, size_t i)
{
	sprintf(name, "%zu/name-%zu", i / 1000, i);
}

/* Opens the root of a new mount, which is read-only. */
int tmpfs_make(size_t nr)
{
	char name[64];
	uint64_t word;
	size_t i;
	int root, fd;

	mkdir(MNT, 0755);
	checked(mount("tmpfs", MNT, "tmpfs", 0, "size=100%,nr_inodes=0"), "mount");
	root = checked(open(MNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open " MNT);
	for (i = 0; i < nr; i++) {
		if (i % 1000 == 0) {
			sprintf(name, "%zu", i / 1000);
			checked(mkdirat(root, name, 0755), "mkdir");
		}
		name_of(name, i);
		fd = checked(openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), "create");
		word = i + 1;
		checked(write(fd, &word, sizeof(word)), "write");
		close(fd);
	}
	checked(mount(NULL, MNT, NULL, MS_REMOUNT | MS_RDONLY, NULL), "remount");
	return root;
}

/* Reads what is there; returns the number of files. */
unsigned long tmpfs_check(int root, size_t nr)
{
	char name[64];
	uint64_t word;
	size_t i;
	int fd;

	for (i = 0; i < nr; i++) {
		name_of(name, i);
		fd = checked(openat(root, name, O_RDONLY | O_CLOEXEC), "open file");
		checked(read(fd, &word, sizeof(word)), "read");
		if (word != i + 1)
			fail("not what was written");
		close(fd);
	}
	return nr;
}
