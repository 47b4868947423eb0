/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mounts of tmpfs, for the selftests, and lists of what is in them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_TMPFS_H
#define SELFTESTS_LUO_TMPFS_H

#include <dirent.h>
#include <linux/fs.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "../kselftest_harness.h"
#include "luo_util.h"

#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH	0x00000004
#endif

/* A new mount at a path, which is made. */
static inline void tmpfs_mount(struct __test_metadata *const _metadata,
			       const char *path, const char *options)
{
	mkdir(path, 0755);
	ASSERT_EQ(0, mount("tmpfs", path, "tmpfs", MS_NOSUID, options)) {
		TH_LOG("%s: %s: errno %d", path, options, errno);
	}
}

static inline int tmpfs_remount(const char *path, unsigned long flags)
{
	return luo_result(mount(NULL, path, NULL, MS_REMOUNT | flags, NULL));
}

static inline int tmpfs_open(const char *path)
{
	return luo_result(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static inline int tmpfs_attach(int fd, const char *path)
{
	mkdir(path, 0755);
	return luo_result(syscall(SYS_move_mount, fd, "", AT_FDCWD, path,
				  MOVE_MOUNT_F_EMPTY_PATH));
}

/* Writes text to a file, which is made. */
static inline bool tmpfs_write(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ssize_t len = strlen(text);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, len) == len;
	close(fd);
	return done;
}

/* Does the file consist of this text? */
static inline bool tmpfs_has(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = strlen(text);
	char got[256];
	bool same;

	if (fd < 0)
		return false;
	same = read(fd, got, sizeof(got)) == (ssize_t)len &&
	       !memcmp(got, text, len);
	close(fd);
	return same;
}

/* Sums up bytes: FNV-1a. */
static inline __u64 tmpfs_sum(__u64 sum, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		sum = (sum ^ *p++) * 0x100000001b3ULL;
	return sum;
}

/* Sums up the data of a file, and where its holes are. */
static inline __u64 tmpfs_data_sum(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	static char data[1 << 16];
	off_t start, end = 0;
	__u64 sum = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((start = lseek(fd, end, SEEK_DATA)) >= 0) {
		end = lseek(fd, start, SEEK_HOLE);
		sum = tmpfs_sum(sum, &start, sizeof(start));
		sum = tmpfs_sum(sum, &end, sizeof(end));
		while (start < end) {
			n = pread(fd, data, sizeof(data), start);
			if (n <= 0) {
				close(fd);
				return errno;
			}
			if (n > end - start)
				n = end - start;
			sum = tmpfs_sum(sum, data, n);
			start += n;
		}
	}
	close(fd);
	return sum;
}

static inline __u64 tmpfs_xattr_sum(const char *path)
{
	static char names[1 << 16], value[1 << 16];
	ssize_t len = llistxattr(path, names, sizeof(names)), size;
	__u64 sum = 0;
	char *name;

	for (name = names; name < names + len; name += strlen(name) + 1) {
		size = lgetxattr(path, name, value, sizeof(value));
		sum = tmpfs_sum(sum, name, strlen(name) + 1);
		sum = tmpfs_sum(sum, value, size < 0 ? 0 : size);
	}
	return sum;
}

/* Writes a line about what is at a path. */
static inline void tmpfs_list_one(FILE *list, const char *path, int dir,
				  const char *name)
{
	char target[4096] = "";
	struct statx s = { };

	statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME,
	      &s);
	if (S_ISLNK(s.stx_mode) &&
	    readlinkat(dir, name, target, sizeof(target) - 1) < 0)
		*target = '?';
	fprintf(list, "%s %llu %o %u %u %u %u:%u %llu %llu %llx",
		path, s.stx_ino, s.stx_mode, s.stx_uid, s.stx_gid, s.stx_nlink,
		s.stx_rdev_major, s.stx_rdev_minor, s.stx_size, s.stx_blocks,
		s.stx_attributes & s.stx_attributes_mask &
		~(__u64)STATX_ATTR_MOUNT_ROOT);
	fprintf(list, " %lld.%u %lld.%u %lld.%u %lld.%u", s.stx_atime.tv_sec,
		s.stx_atime.tv_nsec, s.stx_mtime.tv_sec, s.stx_mtime.tv_nsec,
		s.stx_ctime.tv_sec, s.stx_ctime.tv_nsec, s.stx_btime.tv_sec,
		s.stx_btime.tv_nsec);
	fprintf(list, " %llx %llx %s\n", tmpfs_xattr_sum(path),
		S_ISREG(s.stx_mode) ? tmpfs_data_sum(dir, name) : 0, target);
}

/* Writes what is below a directory, in the order of readdir(). */
static inline void tmpfs_list_dir(FILE *list, const char *path)
{
	char *child = malloc(strlen(path) + NAME_MAX + 2);
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat s;

	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		sprintf(child, "%s/%s", path, entry->d_name);
		fprintf(list, "%ld ", entry->d_off);
		tmpfs_list_one(list, child, dirfd(dir), entry->d_name);
		if (!lstat(child, &s) && S_ISDIR(s.st_mode))
			tmpfs_list_dir(list, child);
	}
	if (!dir)
		fprintf(list, "%s: errno %d\n", path, errno);
	else
		closedir(dir);
	free(child);
}

/* Makes a memfd with a list of all that is in a mount, and of the mount. */
static inline int tmpfs_list(struct __test_metadata *const _metadata,
			     const char *path)
{
	int fd = memfd_create("list", MFD_CLOEXEC);
	char line[1024], point[256], *options;
	FILE *list, *mounts;
	struct statfs s;

	ASSERT_LE(0, fd);
	list = fdopen(dup(fd), "w");
	ASSERT_NE(NULL, list);
	tmpfs_list_one(list, path, AT_FDCWD, path);
	tmpfs_list_dir(list, path);
	ASSERT_EQ(0, statfs(path, &s));
	fprintf(list, "%ld %ld %ld %ld %x:%x\n", s.f_blocks, s.f_bfree,
		s.f_files, s.f_ffree, s.f_fsid.__val[0], s.f_fsid.__val[1]);
	mounts = fopen("/proc/self/mounts", "r");
	ASSERT_NE(NULL, mounts);
	while (fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %255s", point) == 1 &&
		    !strcmp(point, path)) {
			options = strstr(line, "tmpfs");
			fputs(options, list);
		}
	fclose(mounts);
	ASSERT_EQ(0, fclose(list));
	return fd;
}

/* Compares lists, and shows the first lines that differ. */
static inline void tmpfs_expect_same(struct __test_metadata *const _metadata,
				     int before, int after)
{
	FILE *a = fdopen(dup(before), "r"), *b = fdopen(dup(after), "r");
	static char was[8192], is[8192];
	int differ = 0, lines = 0;
	bool more;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	rewind(a);
	rewind(b);
	do {
		more = fgets(was, sizeof(was), a);
		if (!more)
			*was = '\0';
		if (fgets(is, sizeof(is), b))
			more = true;
		else
			*is = '\0';
		lines += more;
		if (strcmp(was, is) && differ++ < 5)
			TH_LOG("was %sis  %s", *was ? was : "nothing\n",
			       *is ? is : "nothing\n");
	} while (more);
	EXPECT_EQ(0, differ);
	EXPECT_LT(2, lines);
	TH_LOG("%d lines", lines);
	fclose(a);
	fclose(b);
}

#endif /* SELFTESTS_LUO_TMPFS_H */
