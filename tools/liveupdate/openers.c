// SPDX-License-Identifier: GPL-2.0
/*
 * Who keeps a mount from being read-only: a process that has a file there open, or
 * mapped, for writing, or one whose name is gone.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openers.h"

#define WRITE_BIT	0200	/* in the mode of a link to an open file */

/* A link in /proc tells by its mode how the file was opened. */
static bool is_in_the_way(int dir, const char *link, dev_t dev)
{
	struct stat file, how;

	return !fstatat(dir, link, &file, 0) && file.st_dev == dev &&
	       !fstatat(dir, link, &how, AT_SYMLINK_NOFOLLOW) &&
	       (how.st_mode & WRITE_BIT || !file.st_nlink);
}

/* The first such file of a process, by /proc/PID/fd or /proc/PID/map_files. */
static bool find_file(const char *pid, const char *folder, dev_t dev,
		      char file[PATH_MAX])
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, folder);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		found = is_in_the_way(dirfd(dir), entry->d_name, dev);
		len = found ? readlinkat(dirfd(dir), entry->d_name, file,
					 PATH_MAX - 1) : 0;
		file[len > 0 ? len : 0] = '\0';
	}
	if (dir)
		closedir(dir);
	return found;
}

static void name_of(const char *pid, char name[32])
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, 32, f))
		snprintf(name, 32, "?");
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
}

/* Find the first one, and say so: a text that fits after "cannot be made read-only: ". */
const char *openers_find(const char *path, char who[OPENERS_WHO])
{
	struct dirent *entry;
	char file[PATH_MAX], name[32];
	struct stat st;
	DIR *proc;

	snprintf(who, OPENERS_WHO,
		 "a file there is open for writing, or its name is gone: have the program end that has it open");
	proc = stat(path, &st) ? NULL : opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)*entry->d_name) ||
		    (!find_file(entry->d_name, "fd", st.st_dev, file) &&
		     !find_file(entry->d_name, "map_files", st.st_dev, file)))
			continue;
		name_of(entry->d_name, name);
		snprintf(who, OPENERS_WHO,
			 "process %s (%s) has %.200s open for writing: have it end, or close that",
			 entry->d_name, name, file);
		break;
	}
	if (proc)
		closedir(proc);
	return who;
}
