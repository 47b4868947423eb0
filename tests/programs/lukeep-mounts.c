// SPDX-License-Identifier: GPL-2.0
/*
 * The mounts of the machine that lukeep-machine.c feigns: those in its folder, in a
 * namespace of its own. They are gone when its kernel is replaced, but for a tmpfs
 * that is handed over.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "lukeep-machine.h"
#include "lukeep-parts.h"

/* The root of one that can be preserved? */
bool is_tmpfs(int file)
{
	char path[PATH_MAX];
	struct statfs fs;
	struct stat st;

	snprintf(path, sizeof(path), "%s/no-tmpfs", folder);
	return access(path, F_OK) && !fstat(file, &st) && S_ISDIR(st.st_mode) &&
	       !fstatfs(file, &fs) && fs.f_type == TMPFS_MAGIC;
}

/* Where is it mounted? The root that is preserved may be that of a mount without a place. */
static bool find_mount(int file, char path[PATH_MAX])
{
	char line[PATH_MAX + 256];
	unsigned int major, minor;
	bool found = false;
	struct stat st;
	FILE *f;

	if (fstat(file, &st))
		return false;
	f = fopen("/proc/self/mountinfo", "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %*s %u:%u %*s %4095s", &major, &minor,
			       path) == 3 &&
			st.st_dev == makedev(major, minor);
	if (f)
		fclose(f);
	return found;
}

/* Another mount of it, which has no place. Takes @file. */
int copy_mount(int file)
{
	char path[PATH_MAX];
	int mount = -1;

	if (find_mount(file, path))
		mount = open_tree(AT_FDCWD, path,
				  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0)
		fatal("a mount of the next kernel");
	close(file);
	return mount;
}

/* The last one first: it may be in another. */
void drop_mounts(void)
{
	char line[PATH_MAX + 256], last[PATH_MAX], path[PATH_MAX];
	FILE *f;

	do {
		*last = '\0';
		f = fopen("/proc/self/mountinfo", "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1 &&
			    !strncmp(path, folder, strlen(folder)))
				strcpy(last, path);
		}
		if (f)
			fclose(f);
		if (*last && umount2(last, MNT_DETACH))
			fatal(last);
	} while (*last);
}
