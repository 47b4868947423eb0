// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of /dev/liveupdate, each errno with what to do about it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/liveupdate.h>

#include "message.h"
#include "session.h"
#include "util.h"

static const struct {
	unsigned long cmd;	/* 0: opening the device, or any command */
	int err;
	const char *text;
} advice[] = {
	{ LIVEUPDATE_IOCTL_CREATE_SESSION, EEXIST,
	  "its keeper or another program holds it: stop the service, or leave it out (--without)" },
	{ LIVEUPDATE_IOCTL_CREATE_SESSION, EINVAL,
	  "the name is empty or longer than 63 bytes: rename the service" },
	{ LIVEUPDATE_SESSION_PRESERVE_FD, ENOENT,
	  "the kernel cannot preserve memfds: build it with CONFIG_LIVEUPDATE_MEMFD" },
	{ LIVEUPDATE_SESSION_PRESERVE_FD, EBUSY,
	  "it is in a session already: stop the program that put it there" },
	{ LIVEUPDATE_SESSION_PRESERVE_FD, EOPNOTSUPP,
	  "it has a seal, or tagged memory, that cannot be carried: see memfd_preservation.rst" },
	{ LIVEUPDATE_SESSION_PRESERVE_FD, ENOMEM,
	  "free some memory; without CAP_IPC_LOCK raise the limit on locked memory (ulimit -l)" },
	{ LIVEUPDATE_SESSION_RETRIEVE_FD, ENOENT,
	  "it was not handed over: see what was logged before the update" },
	{ LIVEUPDATE_SESSION_RETRIEVE_FD, EAGAIN,
	  "memory was short, and nothing is lost: free some and try again" },
	{ LIVEUPDATE_SESSION_FINISH, EBUSY,
	  "a file is still in use by its handler: try again" },
	{ LIVEUPDATE_SESSION_FINISH, EIO,
	  "part of its memory is lost: stop the service, and start it afresh" },
	{ 0, ENOENT,
	  "boot a kernel with CONFIG_LIVEUPDATE, with kho=on liveupdate=on" },
	{ 0, ENODEV,
	  "boot a kernel with CONFIG_LIVEUPDATE, with kho=on liveupdate=on" },
	{ 0, EACCES, "run lukeep as root" },
	{ 0, EPERM, "run lukeep as root" },
	{ 0, EBUSY, "another program keeps the device open: stop it" },
	{ 0, EIO, "what the previous kernel handed over cannot be used: dmesg says why" },
	{ 0, ENOMEM, "free some memory and try again" },
	{ 0, ENOSPC, "close sessions that are not needed any more" },
	{ 0, EMFILE, "raise the limit on open files (ulimit -n)" },
	{ 0, ENOTTY, "the kernel does not know this command: update the kernel" },
};

static const char *advise(unsigned long cmd, int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		if (advice[i].err == err &&
		    (advice[i].cmd == cmd || !advice[i].cmd))
			return advice[i].text;
	}
	return "dmesg may say more";
}

/* A name too long arrives without its NUL, and the kernel refuses it. */
static void set_name(__u8 *dst, const char *name)
{
	size_t len = strlen(name) + 1;

	if (len > LIVEUPDATE_SESSION_NAME_LENGTH)
		len = LIVEUPDATE_SESSION_NAME_LENGTH;
	memcpy(dst, name, len);
}

/* Does this kernel have the device? */
bool session_is_possible(void)
{
	return !access(LIVEUPDATE_DEVICE, F_OK);
}

/* Can the device be used? If not it is said why. */
int session_check_device(void)
{
	if (!access(LIVEUPDATE_DEVICE, R_OK | W_OK))
		return 0;
	pr_err("cannot use " LIVEUPDATE_DEVICE ": %s: %s", strerror(errno),
	       advise(0, errno));
	return -1;
}

/* Create an outgoing session; returns its file descriptor. */
int session_create(const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };
	int device, ret;

	device = device_open();
	if (device < 0) {
		pr_err("cannot open " LIVEUPDATE_DEVICE ": %s: %s", strerror(-device),
		       advise(0, -device));
		return -1;
	}

	set_name(arg.name, name);
	ret = ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg);
	if (ret)
		pr_err("%s: cannot create the session: %s: %s", name,
		       strerror(errno),
		       advise(LIVEUPDATE_IOCTL_CREATE_SESSION, errno));
	close(device);
	return ret ? ret : arg.fd;
}

/*
 * Take over the session that came in under @name; returns its file descriptor, or
 * a negative errno. -ENOENT: nothing came in, which is so on every cold boot, and
 * where the kernel cannot do live updates. -EINVAL: somebody has it. All else has
 * not lost anything: the session is still there, and can be had later.
 */
int session_retrieve(const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };
	int device, err = 0;

	device = device_open();
	if (device < 0) {
		err = -device;
		if (err == ENODEV || err == ENXIO)
			err = ENOENT;
		if (err != ENOENT)
			pr_err("cannot open " LIVEUPDATE_DEVICE ": %s: %s",
			       strerror(err), advise(0, err));
		return -err;
	}

	set_name(arg.name, name);
	if (ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg))
		err = errno;
	if (err && err != ENOENT && err != EINVAL)
		pr_err("cannot retrieve the session: %s: %s", strerror(err),
		       advise(LIVEUPDATE_IOCTL_RETRIEVE_SESSION, err));
	close(device);
	return err ? -err : arg.fd;
}

/* Put @fd into an outgoing session. */
int session_preserve(int session, int fd, __u64 token, const char *what)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg),
		.fd = fd,
		.token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg)) {
		pr_err("cannot preserve memfd %s: %s: %s", what,
		       strerror(errno),
		       advise(LIVEUPDATE_SESSION_PRESERVE_FD, errno));
		return -1;
	}
	return 0;
}

/*
 * Get a file of a retrieved session; returns its file descriptor, or a negative
 * errno. -ENOENT: it is not there, and will not be.
 */
int session_retrieve_fd(int session, __u64 token, const char *what)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg),
		.token = token,
	};
	int err;

	if (!ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg))
		return arg.fd;
	err = errno;
	pr_err("cannot retrieve memfd %s: %s: %s", what, strerror(err),
	       advise(LIVEUPDATE_SESSION_RETRIEVE_FD, err));
	return -err;
}

/* Everything wanted has been taken: the kernel discards the rest. */
int session_finish(int session)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	if (ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg)) {
		pr_err("cannot finish the session: %s: %s", strerror(errno),
		       advise(LIVEUPDATE_SESSION_FINISH, errno));
		return -1;
	}
	return 0;
}
