/* SPDX-License-Identifier: GPL-2.0 */
/*
 * corrupt.c: mounts of tmpfs that come from kernel to kernel. Damage may cost some of what is in a mount, and what is there
 * is as it was.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef CORRUPT_TMPFS_H
#define CORRUPT_TMPFS_H

#include <dirent.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "../../tools/testing/selftests/liveupdate/luo_util.h"

/* More than one page of each array. */
#define TMPFS_DIRS	3
#define TMPFS_FILES	60
#define TMPFS_XATTR	"trusted.name"

static inline const char *tmpfs_name(int dir, int file)
{
	static char name[32];

	if (file < 0)
		snprintf(name, sizeof(name), "dir-%d", dir);
	else
		snprintf(name, sizeof(name), "dir-%d/file-%d", dir, file);
	return name;
}

static inline const char *tmpfs_path(int fd)
{
	static char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static inline int tmpfs_make_file(int root, int dir, int file, __u64 seed)
{
	const char *name = tmpfs_name(dir, file);
	int fd = openat(root, name, O_RDWR | O_CREAT, 0640), err;

	if (fd < 0)
		return fd;
	err = luo_fill(fd, 0, PAGE, seed + dir * TMPFS_FILES + file);
	if (!err)
		err = setxattr(tmpfs_path(fd), TMPFS_XATTR, name, strlen(name), 0);
	close(fd);
	return err;
}

/* The root of a read-only mount that is mounted nowhere any more, or -1. */
static inline int tmpfs_make(__u64 seed)
{
	int root, dir, file, err;

	mkdir("/mnt", 0755);
	if (mount("tmpfs", "/mnt", "tmpfs", 0, NULL))
		return -1;
	root = open("/mnt", O_RDONLY | O_DIRECTORY);
	for (dir = 0; dir < TMPFS_DIRS; dir++) {
		if (mkdirat(root, tmpfs_name(dir, -1), 0750))
			return -1;
		for (file = 0; file < TMPFS_FILES; file++)
			if (tmpfs_make_file(root, dir, file, seed))
				return -1;
	}
	err = mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	return umount2("/mnt", MNT_DETACH) || err ? -1 : root;
}

/* One word: lost, or what is wrong; or NULL. */
static inline const char *tmpfs_file_verdict(int root, int dir, int file, __u64 seed)
{
	const char *name = tmpfs_name(dir, file);
	char value[32];
	struct stat s;
	int fd, len;
	bool ok;

	if (fstatat(root, name, &s, 0))
		return errno == ENOENT ? "E5" : "name";
	/* So is a file whose attributes are lost. */
	if (s.st_mode == S_IFREG)
		return "E5";
	if (s.st_mode != (S_IFREG | 0640) || s.st_size != (off_t)PAGE || s.st_nlink != 1)
		return "inode";
	fd = openat(root, name, O_RDONLY);
	if (fd < 0)
		return "open";
	len = fgetxattr(fd, TMPFS_XATTR, value, sizeof(value));
	if (len != (int)strlen(name) || memcmp(value, name, len)) {
		close(fd);
		return "attribute";
	}
	ok = luo_filled(fd, 0, PAGE, seed + dir * TMPFS_FILES + file);
	len = ok ? 0 : pread(fd, value, 1, 0);
	close(fd);
	return ok ? NULL : len < 0 && errno == EIO ? "E5" : "contents";
}

/* How many names a directory has. */
static inline int tmpfs_count(int root, const char *name)
{
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY), nr = -2;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return 0;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/* One word on what has become of a mount. */
static inline const char *tmpfs_verdict(int root, __u64 seed)
{
	const char *word, *verdict = "ok";
	struct stat s;
	int dir, file;

	if (fstat(root, &s) || !S_ISDIR(s.st_mode) || tmpfs_count(root, ".") > TMPFS_DIRS)
		return "root";
	if (!(s.st_mode & 0777))
		verdict = "E5";
	for (dir = 0; dir < TMPFS_DIRS; dir++) {
		for (file = 0; file < TMPFS_FILES; file++) {
			word = tmpfs_file_verdict(root, dir, file, seed);
			if (word && strcmp(word, "E5"))
				return word;
			verdict = word ?: verdict;
		}
		if (tmpfs_count(root, tmpfs_name(dir, -1)) > TMPFS_FILES)
			return "names";
	}
	return verdict;
}

#endif /* CORRUPT_TMPFS_H */
