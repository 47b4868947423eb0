// SPDX-License-Identifier: GPL-2.0
/*
 * A tmpfs that survives an update: mounting it, and making it read-only while it is
 * preserved. For that, and for a mount that came in, see tmpfs_session.c.
 *
 * Superblocks are reconfigured by fspick(2): the mount, and its flags, may be another
 * one in the namespace of a unit.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "message.h"
#include "openers.h"
#include "tmpfs.h"

/* Is a tmpfs mounted there, and not only somewhere above? */
bool tmpfs_is_mounted(const char *path)
{
	struct statx stx;
	struct statfs fs;

	return !statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_TYPE, &stx) &&
	       stx.stx_attributes & STATX_ATTR_MOUNT_ROOT &&
	       !statfs(path, &fs) && fs.f_type == TMPFS_MAGIC;
}

/*
 * The place has to be free: lukeep mounts nothing over what others have mounted, and
 * makes no folder that a service could not write to.
 */
static int check_place(const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_TYPE, &stx)) {
		pr_err("tmpfs %s: %s: make a folder there, with the owner and the mode that the tmpfs is to have",
		       path, strerror(errno));
		return -1;
	}
	if (!S_ISDIR(stx.stx_mode)) {
		pr_err("tmpfs %s: this is not a folder", path);
		return -1;
	}
	if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
		pr_err("tmpfs %s: something is mounted there already: unmount it, take it out of /etc/fstab, or declare another path",
		       path);
		return -1;
	}
	return 0;
}

static int set(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

static int set_number(int fs, const char *key, const char *fmt,
		      unsigned long long number)
{
	char value[32];

	snprintf(value, sizeof(value), fmt, number);
	return set(fs, key, value);
}

/* What is declared, and can be changed later. */
static int set_limits(int fs, const struct tmpfs *t)
{
	if (t->size && set_number(fs, "size", "%llu", t->size))
		return -1;
	return t->huge ? set(fs, "huge", t->huge) : 0;
}

/* A new one, with the owner and the mode of the folder that it covers. */
static int create(int fs, const struct tmpfs *t)
{
	struct stat st;

	if (stat(t->path, &st) || set(fs, "source", "tmpfs") ||
	    set_number(fs, "uid", "%llu", st.st_uid) ||
	    set_number(fs, "gid", "%llu", st.st_gid) ||
	    set_number(fs, "mode", "%llo", st.st_mode & 07777) ||
	    set_limits(fs, t) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

/* Nothing on it is a device, or gives privileges: a service may have made it. */
static int attach(const struct tmpfs *t, int mount)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.attr_clr = MOUNT_ATTR_RDONLY,
	};

	return mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	       move_mount(mount, "", AT_FDCWD, t->path,
			  MOVE_MOUNT_F_EMPTY_PATH) ? -1 : 0;
}

static const char *advise(int err)
{
	switch (err) {
	case EPERM:
		return "run lukeep as root";
	case ENODEV:
		return "the kernel needs CONFIG_TMPFS";
	case EINVAL:
		return "its huge needs a kernel with transparent huge pages; dmesg may say more";
	default:
		return "dmesg may say more";
	}
}

/* Mount a new one, which is empty. */
int tmpfs_mount(const struct tmpfs *t)
{
	int fs, mount = -1, ret = -1;

	if (check_place(t->path))
		return -1;
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs >= 0)
		mount = create(fs, t);
	if (mount >= 0)
		ret = attach(t, mount);
	if (ret)
		pr_err("cannot mount the tmpfs %s: %s: %s", t->path,
		       strerror(errno), advise(errno));
	if (mount >= 0)
		close(mount);
	if (fs >= 0)
		close(fs);
	return ret;
}

/* Mount one that came in, which is a mount without a place so far. */
int tmpfs_attach(const struct tmpfs *t, int mount)
{
	if (check_place(t->path))
		return -1;
	if (!attach(t, mount))
		return 0;
	pr_err("cannot mount the tmpfs %s that came in: %s: %s", t->path,
	       strerror(errno), advise(errno));
	return -1;
}

/* Change what is mounted there: @flag is ro or rw, @limits are what is declared. */
static int reconfigure(const struct tmpfs *t, const char *flag, bool limits)
{
	int fs = fspick(AT_FDCWD, t->path, FSPICK_CLOEXEC), ret = -1, err;

	if (fs < 0)
		return -1;
	if (!fsconfig(fs, FSCONFIG_SET_FLAG, flag, NULL, 0) &&
	    (!limits || !set_limits(fs, t)))
		ret = fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	err = errno;
	close(fs);
	errno = err;
	return ret;
}

static bool check_mounted(const struct tmpfs *t)
{
	if (tmpfs_is_mounted(t->path))
		return true;
	pr_err("tmpfs %s: it is not mounted any more: stop the service, and start it",
	       t->path);
	return false;
}

/* Make it read-only: then it can be preserved. */
int tmpfs_freeze(const struct tmpfs *t)
{
	char who[OPENERS_WHO];

	if (!check_mounted(t))
		return -1;
	if (!reconfigure(t, "ro", false))
		return 0;
	if (errno == EBUSY)
		pr_err("tmpfs %s cannot be made read-only: %s", t->path,
		       openers_find(t->path, who));
	else
		pr_err("tmpfs %s cannot be made read-only: %s: %s", t->path,
		       strerror(errno), advise(errno));
	return -1;
}

/*
 * Make it writable, as it is declared by now. It has to be in no session any more. A
 * size that is too small for what is in it does not keep the service from it.
 */
int tmpfs_thaw(const struct tmpfs *t)
{
	if (!check_mounted(t))
		return -1;
	if (!reconfigure(t, "rw", true))
		return 0;
	if (errno == EINVAL && !reconfigure(t, "rw", false)) {
		pr_warn("tmpfs %s: it stays as it was: its size is less than it holds, or this kernel does not know its huge",
			t->path);
		return 0;
	}
	pr_err("tmpfs %s cannot be made writable: %s: %s", t->path,
	       strerror(errno), errno == EBUSY ?
	       "it is still in a session: stop the program that has that open" :
	       advise(errno));
	return -1;
}

bool tmpfs_is_frozen(const struct tmpfs *t)
{
	struct statvfs fs;

	return !statvfs(t->path, &fs) && fs.f_flag & ST_RDONLY;
}

/* Bytes in use. */
__u64 tmpfs_bytes(const struct tmpfs *t)
{
	struct statvfs fs;

	if (!t->path || statvfs(t->path, &fs))
		return 0;
	return (__u64)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
}

/* Its place, its size and what is in use of that, as JSON; NULL if there is none. */
json_t *tmpfs_describe(const struct tmpfs *t)
{
	struct statvfs fs;

	if (!t->path || !tmpfs_is_mounted(t->path) || statvfs(t->path, &fs))
		return NULL;
	return json_pack("{ss sI sI}", "path", t->path, "size",
			 (json_int_t)(fs.f_blocks * fs.f_frsize), "allocated",
			 (json_int_t)tmpfs_bytes(t));
}
