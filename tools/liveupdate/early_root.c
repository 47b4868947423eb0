// SPDX-License-Identifier: GPL-2.0
/*
 * The root that a service has when it resumes in the initramfs, and how it gets the
 * host's later.
 *
 * What is in the initramfs is deleted when the host's root file system takes its
 * place, and a process that is there by then would go on with an empty root. So a
 * keeper and its service get a mount namespace of their own, with a small tmpfs as
 * their root. It has the folders of the initramfs, by bind mounts: /run, /dev, /proc
 * and /sys are there all the time. It is mounted on the root of the initramfs, and on
 * no folder: mounts on a folder that is deleted are gone.
 *
 * When the host is up, pivot_root(2) puts the host's mounts in place of that tmpfs.
 * It does so for all processes whose root the tmpfs is, without their doing.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "early_root.h"
#include "message.h"
#include "util.h"

/* In the folder of the sockets, which is in /run, and so is moved to the host's. */
#define ROOT_FOLDER	"early"

/* In that root, where the host's mounts are put. */
#define HOST_FOLDER	"/.host"

#define OWN_NAMESPACE	"/proc/self/ns/mnt"

/* A link of the initramfs, such as /bin, once more in @root. */
static int copy_link(const char *path, const char *copy)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len < 0)
		return -1;
	target[len] = '\0';
	return symlink(target, copy);
}

/* /run has @root below it, which is not to be below itself. */
static int bind_folder(const char *path, const char *copy)
{
	unsigned long recursive = strcmp(path, "/run") ? MS_REC : 0;

	if (mkdir(copy, 0755))
		return -1;
	return mount(path, copy, NULL, MS_BIND | recursive, NULL);
}

static int add_entry(const char *root, const char *name)
{
	char path[NAME_MAX + 2], copy[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "/%s", name);
	if (snprintf(copy, sizeof(copy), "%s/%s", root, name) >=
	    (int)sizeof(copy) || lstat(path, &st))
		return -1;
	if (S_ISLNK(st.st_mode))
		return copy_link(path, copy);
	return S_ISDIR(st.st_mode) ? bind_folder(path, copy) : 0;
}

/* What is in the root of the initramfs; files there are its own, such as /init. */
static int fill(const char *root)
{
	struct dirent *entry;
	DIR *dir = opendir("/");
	int ret = dir ? 0 : -1;

	while (!ret && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret = add_entry(root, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return ret;
}

/* Is it on a file system of its own, which is moved to the host's root? */
static bool is_moved(const char *run_dir)
{
	struct stat st, root;

	return !stat(run_dir, &st) && !stat("/", &root) &&
	       st.st_dev != root.st_dev;
}

/*
 * Get a root of our own. Returns the mount namespace of the host, or -1 if nothing can
 * be resumed here, which is said.
 */
int early_root_enter(const char *run_dir)
{
	int host = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	char root[PATH_MAX];

	if (!is_moved(run_dir)) {
		pr_err("it is not resumed in the initramfs: %s is not on a file system of its own there",
		       run_dir);
		close_fd(&host);
		return -1;
	}
	snprintf(root, sizeof(root), "%s/" ROOT_FOLDER, run_dir);
	mkdir(root, 0700);
	if (host >= 0 && !unshare(CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("lukeep", root, "tmpfs", MS_NODEV, "mode=755") &&
	    !fill(root) && !chdir(root) &&
	    !mount(".", "/", NULL, MS_MOVE, NULL) && !chroot(".") &&
	    !mkdir(HOST_FOLDER, 0755))
		return host;
	pr_err("it is not resumed in the initramfs: cannot make a root for it in %s: %s",
	       root, strerror(errno));
	close_fd(&host);
	return -1;
}

/* All mounts that there are where we are; what becomes of them later they follow. */
static int copy_mounts(void)
{
	struct mount_attr attr = { .propagation = MS_SLAVE };
	int tree = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE |
			     OPEN_TREE_CLOEXEC);

	if (tree >= 0 && mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
				       &attr, sizeof(attr)))
		close_fd(&tree);
	return tree;
}

/* Have the mounts of @tree take the place of our root, for all whose root that is. */
static int replace_root(int tree)
{
	if (move_mount(tree, "", AT_FDCWD, HOST_FOLDER,
		       MOVE_MOUNT_F_EMPTY_PATH) ||
	    chdir(HOST_FOLDER) || syscall(SYS_pivot_root, ".", "."))
		return -1;
	/* It is mounted on the new one now. */
	return umount2(".", MNT_DETACH);
}

/*
 * In the keeper, which has no other thread: go to the mount namespace of the @host, and
 * give the service the host's root. Returns -1 if the service does not have that then.
 */
int early_root_leave(int host)
{
	int own = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	int tree = -1, ret = -1, err;

	/* Our root is the one then that is mounted last there. */
	if (own >= 0 && !setns(host, CLONE_NEWNS))
		tree = copy_mounts();
	if (tree >= 0 && !setns(own, CLONE_NEWNS))
		ret = replace_root(tree);
	err = errno;
	if (setns(host, CLONE_NEWNS)) {
		ret = -1;
		err = errno;
	}
	close_fd(&tree);
	close_fd(&own);
	errno = err;
	return ret;
}
