// SPDX-License-Identifier: GPL-2.0
/*
 * Linked into lukeep by --wrap: the system calls by which it would change this
 * host go to a machine that is feigned, see lukeep-machine.c. In its folder are
 *
 *	root/		files that stand for those of this host, by their paths
 *	kernel		the number of the kernel that runs
 *	systemd		there is one, if there
 *	no-device	there is no device, if there
 *	no-fsync	files cannot be written to the disk, if there
 *	kmsg		what is written to the kernel's log, if there
 *	odd		what no process should do, a line each time it did
 *	refused		as many bytes as one process failed to accept connections
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <linux/kexec.h>
#include <linux/liveupdate.h>
#include <linux/reboot.h>

#include "lukeep-machine.h"
#include "lukeep-shim.h"

#define DEVICE		"/dev/liveupdate"

/* By this an image of a kernel is known, in place of a header. */
#define IMAGE		"KERNEL"

int __real_open(const char *path, int flags, ...);
int __real_access(const char *path, int mode);
DIR *__real_opendir(const char *path);
int __real_ioctl(int fd, unsigned long cmd, ...);
long __real_syscall(long number, ...);
int __real_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __real_uname(struct utsname *uts);

static off_t refused;

static const char *folder(void)
{
	const char *path = getenv(MACHINE);

	if (path)
		return path;
	fprintf(stderr, "lukeep-shim: " MACHINE " is not set\n");
	abort();
}

const char *in_folder(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", folder(), name);
	return path;
}

long number(const char *name, long otherwise)
{
	char path[PATH_MAX];
	int err = errno;
	FILE *f = __real_fopen(in_folder(name, path), "re");
	long n;

	if (!f || fscanf(f, "%ld", &n) != 1)
		n = otherwise;
	if (f)
		fclose(f);
	errno = err;
	return n;
}

/* The file that stands for one of this host, or that. */
static const char *stand_in(const char *path, char other[PATH_MAX])
{
	int n = snprintf(other, PATH_MAX, "%s/root%s", folder(), path);

	if (*path != '/' || n >= PATH_MAX || __real_access(other, F_OK))
		return path;
	return other;
}

static int connect_machine(void)
{
	return machine_connect(folder());
}

/* The device is a connection, and so is each session. */
static int open_device(void)
{
	struct machine_request request = { .call = CALL_OPEN };
	struct machine_answer answer;
	int fd = connect_machine(), err;

	if (fd >= 0 && machine_call(fd, &request, -1, &answer, NULL)) {
		err = errno;
		close(fd);
		errno = err;
		fd = -1;
	}
	return fd;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	char path[PATH_MAX];

	if (__real_access(in_folder("no-fsync", path), F_OK))
		return __real_fsync(fd);
	errno = EIO;
	return -1;
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	char other[PATH_MAX];
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	if (!strcmp(path, DEVICE))
		return open_device();
	if (!strcmp(path, "/dev/kmsg"))
		return __real_open(in_folder("kmsg", other), flags | O_APPEND);
	return __real_open(stand_in(path, other), flags, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	char other[PATH_MAX];

	return __real_fopen(stand_in(path, other), mode);
}

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	char other[PATH_MAX];

	if (!strcmp(path, DEVICE)) {
		errno = ENOENT;
		return __real_access(in_folder("no-device", other), F_OK) ?
		       0 : -1;
	}
	return __real_access(stand_in(path, other), mode);
}

DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	char other[PATH_MAX];

	/* Its processes are this host's. */
	return __real_opendir(!strcmp(path, "/proc") ? path : stand_in(path, other));
}

/* Create a session, or retrieve one. */
static int get_session(int device, enum machine_call call, const __u8 *name,
		       __s32 *fd)
{
	struct machine_request request = { .call = call };
	struct machine_answer answer;

	if (!memchr(name, '\0', SESSION_NAME) || !*name) {
		errno = call == CALL_CREATE ? EINVAL : ENOENT;
		return -1;
	}
	strcpy(request.name, (const char *)name);
	return machine_call(device, &request, -1, &answer, fd);
}

static int preserve(int session, struct liveupdate_session_preserve_fd *arg)
{
	struct machine_request request = {
		.call = CALL_PRESERVE,
		.token = arg->token,
	};
	struct machine_answer answer;

	if (fcntl(arg->fd, F_GETFD) < 0)
		return -1;
	return machine_call(session, &request, arg->fd, &answer, NULL);
}

static int retrieve_fd(int session, struct liveupdate_session_retrieve_fd *arg)
{
	struct machine_request request = {
		.call = CALL_RETRIEVE_FD,
		.token = arg->token,
	};
	struct machine_answer answer;
	int fd = -1, ret;

	ret = machine_call(session, &request, -1, &answer, &fd);
	arg->fd = fd;
	return ret;
}

static int finish(int session, struct liveupdate_session_finish *arg)
{
	struct machine_request request = { .call = CALL_FINISH };
	struct machine_answer answer;

	if (!arg->reserved)
		return machine_call(session, &request, -1, &answer, NULL);
	errno = EINVAL;
	return -1;
}

static int get_name(int session, struct liveupdate_session_get_name *arg)
{
	struct machine_request request = { .call = CALL_GET_NAME };
	struct machine_answer answer;

	if (machine_call(session, &request, -1, &answer, NULL))
		return -1;
	memcpy(arg->name, answer.name, sizeof(answer.name));
	return 0;
}

int __wrap_ioctl(int fd, unsigned long cmd, ...);
int __wrap_ioctl(int fd, unsigned long cmd, ...)
{
	struct liveupdate_ioctl_create_session *create;
	struct liveupdate_ioctl_retrieve_session *retrieve;
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	create = arg;
	retrieve = arg;
	switch (cmd) {
	case LIVEUPDATE_IOCTL_CREATE_SESSION:
		return get_session(fd, CALL_CREATE, create->name, &create->fd);
	case LIVEUPDATE_IOCTL_RETRIEVE_SESSION:
		return get_session(fd, CALL_RETRIEVE, retrieve->name,
				   &retrieve->fd);
	case LIVEUPDATE_SESSION_PRESERVE_FD:
		return preserve(fd, arg);
	case LIVEUPDATE_SESSION_RETRIEVE_FD:
		return retrieve_fd(fd, arg);
	case LIVEUPDATE_SESSION_FINISH:
		return finish(fd, arg);
	case LIVEUPDATE_SESSION_GET_NAME:
		return get_name(fd, arg);
	default:
		return __real_ioctl(fd, cmd, arg);
	}
}

/* Ask the machine for what needs no device. */
static int ask(struct machine_request *request)
{
	struct machine_answer answer;
	int fd = connect_machine(), ret, err;

	if (fd < 0)
		return -1;
	ret = machine_call(fd, request, -1, &answer, NULL);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

static bool is_image(int fd)
{
	char start[sizeof(IMAGE) - 1];

	return pread(fd, start, sizeof(start), 0) == sizeof(start) &&
	       !memcmp(start, IMAGE, sizeof(start));
}

static long kexec_file_load(int kernel, unsigned long len, const char *cmdline,
			    unsigned long flags)
{
	struct machine_request request = { .call = CALL_LOAD };

	if (flags & KEXEC_FILE_UNLOAD) {
		request.call = CALL_UNLOAD;
		return ask(&request);
	}
	if (!is_image(kernel)) {
		errno = ENOEXEC;
		return -1;
	}
	if (!len || len > CMDLINE || cmdline[len - 1]) {
		errno = EINVAL;
		return -1;
	}
	strcpy(request.cmdline, cmdline);
	return ask(&request);
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	long arg[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_kexec_file_load)
		return kexec_file_load(arg[0], arg[2], (const char *)arg[3],
				       arg[4]);
	return __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4],
			      arg[5]);
}

int __wrap_reboot(int cmd);
int __wrap_reboot(int cmd)
{
	struct machine_request request = { .call = CALL_REBOOT };

	if (cmd == (int)LINUX_REBOOT_CMD_KEXEC)
		return ask(&request);
	errno = EPERM;
	return -1;
}

void __wrap_sync(void);
void __wrap_sync(void)
{
}

int __wrap_sd_booted(void);
int __wrap_sd_booted(void)
{
	char path[PATH_MAX];

	return !__real_access(in_folder("systemd", path), F_OK);
}

int __wrap_uname(struct utsname *uts);
int __wrap_uname(struct utsname *uts)
{
	int ret = __real_uname(uts);

	snprintf(uts->release, sizeof(uts->release), "6.12.0-test-%ld",
		 number("kernel", 0));
	return ret;
}

void tell_odd(const char *what)
{
	char path[PATH_MAX];
	FILE *f = __real_fopen(in_folder("odd", path), "ae");

	if (!f)
		return;
	fprintf(f, "%s\n", what);
	fclose(f);
}

/* Whoever waits for itself waits in vain. */
static bool is_own(int connection)
{
	struct ucred peer = { };
	socklen_t len = sizeof(peer);

	return !getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       peer.pid == getpid();
}

/* A process that has no descriptors left has none for this file, either. */
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	int ret = __real_accept4(fd, addr, len, flags), err = errno;
	char path[PATH_MAX];

	if (ret < 0 && truncate(in_folder("refused", path), ++refused))
		perror("lukeep-shim: refused");
	if (ret >= 0 && is_own(ret))
		tell_odd("connects to itself");
	errno = err;
	return ret;
}
