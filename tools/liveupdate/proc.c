// SPDX-License-Identifier: GPL-2.0
/*
 * What /proc tells of a process: its name, and the files that it has open or mapped.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "proc.h"

/* The name of a process, "?" if there is none any more. */
void proc_name(pid_t pid, char name[PROC_NAME])
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, PROC_NAME, f))
		snprintf(name, PROC_NAME, "?");
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
}

/*
 * Call @look with the path of each link in this folder of the process, "fd" or
 * "map_files", until it returns true. Returns whether it did.
 */
bool proc_find_link(pid_t pid, const char *folder,
		    bool (*look)(void *user, const char *link), void *user)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;
	int n;

	n = snprintf(path, sizeof(path), "/proc/%d/%s", pid, folder);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path + n, sizeof(path) - n, "/%s", entry->d_name);
		found = look(user, path);
	}
	if (dir)
		closedir(dir);
	return found;
}
