// SPDX-License-Identifier: GPL-2.0
/*
 * How lukeep gets to the next kernel, piece by piece, without a kernel.
 *
 * lukeep-kexec load KERNEL INITRD CMDLINE: loads it, INITRD being none if empty. The system call is told instead of made. It
 * fails with the errno that FAIL names, and hangs with HANG, after the kernel is loaded if that is "late". Whether a kernel is
 * loaded is in the file LOADED.
 * lukeep-kexec cmdline reuse|fresh [APPEND]: prints the next kernel's command line, and left: that of this one, in the file
 * CMDLINE, which kernel was left.
 * lukeep-kexec over-limit|cancel KERNEL: the same, with a limit that is over at once, or called off when the child has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kexec.h>

#include "kexec.h"
#include "kexec_cmdline.h"
#include "message.h"
#include "util.h"

static sd_event *event;

/* The child has come as far as to hang. Shared with it. */
static volatile bool *hangs;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
long __wrap_syscall(long nr, ...);

int __wrap_open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/sys/kernel/kexec_loaded"))
		path = getenv("LOADED") ?: "/dev/null";
	if (!strcmp(path, "/proc/cmdline"))
		path = getenv("CMDLINE") ?: "/nonexistent";
	if (!strcmp(path, "/dev/kmsg"))
		path = "/nonexistent";
	return __real_open(path, flags, 0);
}

static void set_loaded(char value)
{
	int fd = __real_open(getenv("LOADED") ?: "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dprintf(fd, "%c\n", value);
	close(fd);
}

static int named_errno(const char *name)
{
	int err;

	for (err = 1; err < 200; err++) {
		if (strerrorname_np(err) && !strcmp(strerrorname_np(err), name))
			return err;
	}
	abort();
}

static void tell_file(const char *what, int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	printf(" %s %lld bytes \"%s\"", what, (long long)lseek(fd, 0, SEEK_END), n > 0 ? text : "");
}

/* kexec_file_load(2) */
long __wrap_syscall(long nr, ...)
{
	const char *hang = getenv("HANG"), *fail = getenv("FAIL");
	unsigned long len, flags;
	const char *cmdline;
	int kernel, initrd;
	va_list ap;

	va_start(ap, nr);
	kernel = va_arg(ap, int);
	initrd = va_arg(ap, int);
	len = va_arg(ap, unsigned long);
	cmdline = va_arg(ap, const char *);
	flags = va_arg(ap, unsigned long);
	va_end(ap);
	if (nr != SYS_kexec_file_load)
		abort();
	if (flags & KEXEC_FILE_UNLOAD) {
		printf("unloads\n");
		set_loaded('0');
	} else {
		printf("loads:");
		tell_file("kernel", kernel);
		if (initrd >= 0)
			tell_file("initrd", initrd);
		printf(" cmdline %lu \"%s\" flags %lu\n", len, cmdline, flags);
	}
	if (flags & KEXEC_FILE_UNLOAD)
		return 0;
	if (fail) {
		errno = named_errno(fail);
		return -1;
	}
	if (!hang || !strcmp(hang, "late"))
		set_loaded('1');
	if (hang)
		*hangs = true;
	while (hang)
		pause();
	return 0;
}

static void on_loaded(void *user, bool loaded)
{
	(void)user;
	printf(loaded ? "is loaded\n" : "is not loaded\n");
	sd_event_exit(event, 0);
}

static int load(struct next_kernel *next)
{
	if (kexec_load(event, next, 60, on_loaded, NULL))
		return EXIT_FAILURE;
	return sd_event_loop(event);
}

static void on_over_limit(void *user, bool loaded)
{
	struct next_kernel *next = user;

	printf(loaded ? "is loaded\n" : "is not loaded\n");
	if (kexec_load(event, next, 60, on_loaded, NULL))
		printf("no other can be loaded now\n");
}

/* What is still there after the limit goes away as soon as it can. */
static int over_limit(struct next_kernel *next)
{
	siginfo_t si;

	hangs = mmap(NULL, sizeof(*hangs), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (hangs == MAP_FAILED ||
	    kexec_load(event, next, 1, on_over_limit, next))
		return EXIT_FAILURE;
	while (!*hangs)
		usleep(10000);
	sd_event_run(event, UINT64_MAX);
	waitid(P_ALL, 0, &si, WEXITED | WNOWAIT);
	sd_event_run(event, UINT64_MAX);
	unsetenv("HANG");
	return load(next);
}

static int cancel(struct next_kernel *next)
{
	siginfo_t si;

	if (kexec_load(event, next, 60, on_loaded, NULL))
		return EXIT_FAILURE;
	waitid(P_ALL, 0, &si, WEXITED | WNOWAIT);
	kexec_load_cancel(NULL, NULL);
	sd_event_run(event, UINT64_MAX);
	return EXIT_SUCCESS;
}

static int with_event(int (*run)(struct next_kernel *), char **argv)
{
	struct next_kernel next = {
		.kernel = argv[0],
		.initrd = argv[1] && *argv[1] ? argv[1] : NULL,
		.cmdline = argv[1] ? argv[2] : "",
	};
	sigset_t child;
	int status;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	sd_event_new(&event);
	status = run(&next);
	sd_event_unref(event);
	return status;
}

static int cmdline(bool reuse, const char *append)
{
	char *text = kexec_cmdline(reuse, append);

	if (!text)
		return EXIT_FAILURE;
	printf("%s\n", text);
	free(text);
	return EXIT_SUCCESS;
}

static int left(void)
{
	char release[RELEASE_MAX];

	puts(kexec_left(release) ? release : "none");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && !strcmp(argv[1], "load"))
		return with_event(load, argv + 2);
	if (argc == 3 && !strcmp(argv[1], "over-limit"))
		return with_event(over_limit, argv + 2);
	if (argc == 3 && !strcmp(argv[1], "cancel"))
		return with_event(cancel, argv + 2);
	if (argc >= 3 && !strcmp(argv[1], "cmdline"))
		return cmdline(!strcmp(argv[2], "reuse"), argv[3]);
	if (argc == 2 && !strcmp(argv[1], "left"))
		return left();
	return 2;
}
