// SPDX-License-Identifier: GPL-2.0
/*
 * A tmpfs into a session, and out of one.
 *
 * What is preserved is the whole tmpfs, by its root directory, while it is read-only.
 * What is retrieved is a mount without a place, which is read-only as well.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "message.h"
#include "session.h"
#include "tmpfs_session.h"

/* The root directory of a new one, which is mounted nowhere, and is read-only. */
static int open_another(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1, root = -1;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mount >= 0)
		root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		pr_err("cannot create a tmpfs: %s: the kernel needs CONFIG_TMPFS, and lukeep root's rights",
		       strerror(errno));
	if (mount >= 0)
		close(mount);
	if (fs >= 0)
		close(fs);
	return root;
}

/* Can this kernel preserve one? If not, or if it cannot be known, that is said. */
int tmpfs_check_kernel(void)
{
	int root = open_another(), err;

	if (root < 0)
		return -1;
	err = session_try(root, "tmpfs");
	close(root);
	if (err == -ENOENT)
		pr_err(NO_LIVEUPDATE_TMPFS);
	return err ? -1 : 0;
}

/*
 * The root directory, by way of another mount: the one that is in place can still be
 * unmounted, as is done in a shutdown, while a session has this.
 */
static int open_root(const char *path)
{
	int mount = open_tree(AT_FDCWD, path,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int root = -1;

	if (mount >= 0)
		root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		pr_err("cannot open the tmpfs %s: %s", path, strerror(errno));
	if (mount >= 0)
		close(mount);
	return root;
}

/* It has to be frozen. */
int tmpfs_preserve(const struct tmpfs *t, int session, __u64 token)
{
	int root = open_root(t->path), ret;

	if (root < 0)
		return -1;
	ret = session_preserve(session, root, token, "tmpfs", t->path);
	close(root);	/* the session has its own reference */
	return ret;
}

/*
 * Mount it where it is declared to be; it is frozen then. Returns a negative errno:
 * -ENOENT and -EIO say that it is lost. After any other it can be tried again.
 */
int tmpfs_retrieve(const struct tmpfs *t, int session, __u64 token)
{
	int mount = session_retrieve_fd(session, token, "tmpfs", t->path), ret;

	if (mount < 0)
		return mount;
	ret = tmpfs_attach(t, mount);
	close(mount);	/* the session has its own reference */
	return ret ? -EAGAIN : 0;
}
