// SPDX-License-Identifier: GPL-2.0
/*
 * Who keeps a mount from being read-only: a process that has a file there open, or
 * mapped, for writing, or one whose name is gone.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openers.h"
#include "proc.h"

#define WRITE_BIT	0200	/* in the mode of a link to an open file */

/**
 * struct search - what is looked for
 * @dev:  the file system
 * @file: the name of the file that was found
 */
struct search {
	dev_t dev;
	char file[PATH_MAX];
};

/* A link in /proc tells by its mode how the file was opened. */
static bool is_in_the_way(void *user, const char *link)
{
	struct search *search = user;
	struct stat file, how;
	ssize_t len;

	if (stat(link, &file) || file.st_dev != search->dev ||
	    lstat(link, &how) ||
	    (!(how.st_mode & WRITE_BIT) && file.st_nlink))
		return false;
	len = readlink(link, search->file, sizeof(search->file) - 1);
	search->file[len > 0 ? len : 0] = '\0';
	return true;
}

/* Find the first one, and say so: a text that fits after "cannot be made read-only: ". */
const char *openers_find(const char *path, char who[OPENERS_WHO])
{
	char name[PROC_NAME];
	struct search search;
	struct dirent *entry;
	struct stat st;
	pid_t pid;
	DIR *proc;

	snprintf(who, OPENERS_WHO,
		 "a file there is open for writing, or its name is gone: have the program end that has it open");
	proc = stat(path, &st) ? NULL : opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		search.dev = st.st_dev;
		if (pid <= 0 ||
		    (!proc_find_link(pid, "fd", is_in_the_way, &search) &&
		     !proc_find_link(pid, "map_files", is_in_the_way, &search)))
			continue;
		proc_name(pid, name);
		snprintf(who, OPENERS_WHO,
			 "process %d (%s) has %.200s open for writing: have it end, or close that",
			 pid, name, search.file);
		break;
	}
	if (proc)
		closedir(proc);
	return who;
}
