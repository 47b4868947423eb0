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

/* No service has this name: it has a colon. */
#define TRY_SESSION	"lukeep:try"

/**
 * struct advice - what to do about an errno
 * @cmd:  the command that has failed; 0: opening the device, or any command
 * @err:  the errno
 * @text: what to do
 */
struct advice {
	unsigned long cmd;
	int err;
	const char *text;
};

/* For a tmpfs, before what is said of all files. */
static const struct advice tmpfs_advice[] = {
	{ LIVEUPDATE_SESSION_PRESERVE_FD, ENOENT, NO_LIVEUPDATE_TMPFS },
	{ LIVEUPDATE_SESSION_PRESERVE_FD, EOPNOTSUPP,
	  "something in it cannot be carried: dmesg says what" },
	{ LIVEUPDATE_SESSION_PRESERVE_FD, EBUSY,
	  "it is writable, or in a session already: stop the program that did that" },
	{ }
};

/* The same for a pipe. */
static const struct advice pipe_advice[] = {
	{ LIVEUPDATE_SESSION_PRESERVE_FD, ENOENT, NO_LIVEUPDATE_PIPE },
	{ }
};

static const struct advice advice[] = {
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
	{ }
};

static const char *find(const struct advice *a, unsigned long cmd, int err)
{
	for (; a->err; a++) {
		if (a->err == err && (a->cmd == cmd || !a->cmd))
			return a->text;
	}
	return NULL;
}

static const char *advise(unsigned long cmd, int err)
{
	return find(advice, cmd, err) ?: "dmesg may say more";
}

/* For a file of this @kind. */
static const char *advise_for(const char *kind, unsigned long cmd, int err)
{
	const char *text = NULL;

	if (!strcmp(kind, "tmpfs"))
		text = find(tmpfs_advice, cmd, err);
	else if (!strcmp(kind, "pipe"))
		text = find(pipe_advice, cmd, err);
	return text ?: advise(cmd, err);
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

static int preserve(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg),
		.fd = fd,
		.token = token,
	};

	return ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg) ? -errno :
								       0;
}

/* Put @fd, of this @kind and @name, into an outgoing session. */
int session_preserve(int session, int fd, __u64 token, const char *kind,
		     const char *name)
{
	int err = preserve(session, fd, token);

	if (!err)
		return 0;
	pr_err("cannot preserve %s %s: %s: %s", kind, name, strerror(-err),
	       advise_for(kind, LIVEUPDATE_SESSION_PRESERVE_FD, -err));
	return -1;
}

/*
 * Does this kernel preserve files such as @fd, which is of this @kind? It is put into a
 * session for a moment. Returns 0, or a negative errno: -ENOENT if not; all else is said.
 */
int session_try(int fd, const char *kind)
{
	int session = session_create(TRY_SESSION), err;

	if (session < 0)
		return -EBUSY;
	err = preserve(session, fd, 0);
	close(session);
	if (err && err != -ENOENT)
		pr_err("cannot preserve a %s: %s: %s", kind, strerror(-err),
		       advise_for(kind, LIVEUPDATE_SESSION_PRESERVE_FD, -err));
	return err;
}

/*
 * Get a file of a retrieved session; returns its file descriptor, or a negative
 * errno. -ENOENT: it is not there, and will not be.
 */
int session_retrieve_fd(int session, __u64 token, const char *kind,
			const char *name)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg),
		.token = token,
	};
	int err;

	if (!ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg))
		return arg.fd;
	err = errno;
	pr_err("cannot retrieve %s %s: %s: %s", kind, name, strerror(err),
	       advise_for(kind, LIVEUPDATE_SESSION_RETRIEVE_FD, err));
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
