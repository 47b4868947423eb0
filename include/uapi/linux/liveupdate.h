/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Userspace interface of the live update orchestrator, /dev/liveupdate.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _UAPI_LINUX_LIVEUPDATE_H
#define _UAPI_LINUX_LIVEUPDATE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General ioctl format
 *
 * Every command takes a pointer to a structure whose first member, @size, the
 * caller sets to the size of the structure it was compiled with. A kernel that
 * knows a longer structure takes the missing tail as zero; a kernel that knows
 * a shorter one accepts the call when all bytes it does not know are zero.
 * The number of a command carries no size (_IO), so that it never changes.
 *
 * All commands return 0, or -1 with errno:
 *
 *  - EINVAL: @size is smaller than the command needs, the command number is
 *    outside the range of this kind of file, or the command says so below.
 *  - E2BIG: @size is larger than the kernel's, and the excess is not all zero.
 *  - EFAULT: the structure cannot be read or written.
 *  - ENOTTY: the command's number is right, but not its type (0xBA), or it
 *    carries a direction or a size (_IOR, _IOW) where _IO carries none.
 */

/* The ioctl type of all commands. */
#define LIVEUPDATE_IOCTL_TYPE		0xBA

/* The longest session name, with its terminating NUL. */
#define LIVEUPDATE_SESSION_NAME_LENGTH	64

/* Commands of the device: 0x00 to 0x3f. */
enum {
	LIVEUPDATE_CMD_BASE = 0x00,
	LIVEUPDATE_CMD_CREATE_SESSION = LIVEUPDATE_CMD_BASE,
	LIVEUPDATE_CMD_RETRIEVE_SESSION = 0x01,
};

/* Commands of a session: 0x40 to 0x7f. */
enum {
	LIVEUPDATE_CMD_SESSION_BASE = 0x40,
	LIVEUPDATE_CMD_SESSION_PRESERVE_FD = LIVEUPDATE_CMD_SESSION_BASE,
	LIVEUPDATE_CMD_SESSION_RETRIEVE_FD = 0x41,
	LIVEUPDATE_CMD_SESSION_FINISH = 0x42,
	LIVEUPDATE_CMD_SESSION_GET_NAME = 0x43,
};

/**
 * struct liveupdate_ioctl_create_session - ioctl(LIVEUPDATE_IOCTL_CREATE_SESSION)
 * @size: Input; sizeof(struct liveupdate_ioctl_create_session).
 * @fd:   Output; file descriptor of the new session, close-on-exec.
 * @name: Input; a name, not empty and NUL-terminated.
 *
 * Create an outgoing session. What is put into it lives as long as its file
 * descriptor, and is handed to the next kernel by reboot(LINUX_REBOOT_CMD_KEXEC).
 *
 * Errors: EINVAL for a malformed name; EEXIST when an outgoing session of that
 * name is alive.
 */
struct liveupdate_ioctl_create_session {
	__u32	size;
	__s32	fd;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_IOCTL_CREATE_SESSION					\
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_CREATE_SESSION)

/**
 * struct liveupdate_ioctl_retrieve_session - ioctl(LIVEUPDATE_IOCTL_RETRIEVE_SESSION)
 * @size: Input; sizeof(struct liveupdate_ioctl_retrieve_session).
 * @fd:   Output; file descriptor of the retrieved session, close-on-exec.
 * @name: Input; the name under which the previous kernel's session was created.
 *
 * Take over a session that the previous kernel handed over.
 *
 * Errors: ENOENT when no session of that name came in, or it was finished and
 * closed, also for a malformed name; EINVAL while it is open, finished or not;
 * EIO when the record of its files is damaged.
 */
struct liveupdate_ioctl_retrieve_session {
	__u32	size;
	__s32	fd;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_IOCTL_RETRIEVE_SESSION				\
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_RETRIEVE_SESSION)

/**
 * struct liveupdate_session_preserve_fd - ioctl(LIVEUPDATE_SESSION_PRESERVE_FD)
 * @size:  Input; sizeof(struct liveupdate_session_preserve_fd).
 * @fd:    Input; the file descriptor to preserve.
 * @token: Input; any 64-bit value, by which the file is asked for later.
 *
 * Put a file into an outgoing session. The kernel takes a reference of its own:
 * @fd may be closed afterwards.
 *
 * Errors: EINVAL on a retrieved session; EEXIST when @token is in use in this
 * session; EBADF for a bad @fd; ENOENT when no handler takes this kind of file;
 * EBUSY when the object behind @fd is preserved already, in whatever session, or
 * was retrieved from a session that is not finished; EMFILE when the session has
 * as many files as RLIMIT_NOFILE says, and the caller has no privileges; or what
 * the handler of the file returns.
 */
struct liveupdate_session_preserve_fd {
	__u32		size;
	__s32		fd;
	__aligned_u64	token;
};

#define LIVEUPDATE_SESSION_PRESERVE_FD					\
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_PRESERVE_FD)

/**
 * struct liveupdate_session_retrieve_fd - ioctl(LIVEUPDATE_SESSION_RETRIEVE_FD)
 * @size:  Input; sizeof(struct liveupdate_session_retrieve_fd).
 * @fd:    Output; a file descriptor of the restored file, close-on-exec.
 * @token: Input; the token under which the file was preserved.
 *
 * Get a file of a retrieved session back, in any order. Asking again for the
 * same token gives a further descriptor of the same file.
 *
 * Errors: EINVAL on an outgoing session; ENOENT for an unknown token; EAGAIN when
 * memory is short, and it can be tried again; or what the handler of the file
 * returned when it was asked first.
 */
struct liveupdate_session_retrieve_fd {
	__u32		size;
	__s32		fd;
	__aligned_u64	token;
};

#define LIVEUPDATE_SESSION_RETRIEVE_FD					\
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_RETRIEVE_FD)

/**
 * struct liveupdate_session_finish - ioctl(LIVEUPDATE_SESSION_FINISH)
 * @size:     Input; sizeof(struct liveupdate_session_finish).
 * @reserved: Input; zero.
 *
 * Say that everything wanted from a retrieved session has been taken. Files not
 * retrieved are discarded and their memory is freed; the session is empty
 * afterwards. Closing a retrieved session finishes it too.
 *
 * Errors: EINVAL on an outgoing session or when @reserved is not zero; EBUSY
 * when a file cannot be finished yet, and then nothing is finished; EIO when the
 * session is finished, but something of a file that was retrieved is lost, which
 * is told once.
 */
struct liveupdate_session_finish {
	__u32	size;
	__u32	reserved;
};

#define LIVEUPDATE_SESSION_FINISH					\
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_FINISH)

/**
 * struct liveupdate_session_get_name - ioctl(LIVEUPDATE_SESSION_GET_NAME)
 * @size:     Input; sizeof(struct liveupdate_session_get_name).
 * @reserved: Input; zero.
 * @name:     Output; the session's name, NUL-terminated.
 *
 * Errors: EINVAL when @reserved is not zero.
 */
struct liveupdate_session_get_name {
	__u32	size;
	__u32	reserved;
	__u8	name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_SESSION_GET_NAME					\
	_IO(LIVEUPDATE_IOCTL_TYPE, LIVEUPDATE_CMD_SESSION_GET_NAME)

#endif /* _UAPI_LINUX_LIVEUPDATE_H */
