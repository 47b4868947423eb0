/* SPDX-License-Identifier: GPL-2.0 */
/*
 * corrupt.c: loads the next kernel, which goes on with the plan.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef CORRUPT_NEXT_H
#define CORRUPT_NEXT_H

#include <sys/syscall.h>

#include "corrupt_state.h"

#define KERNEL		"/bzImage"
#define PLAN		"/plan"
#define INITRD		"/initrd"
#define PARAM		"corrupt="

static const char * const carried[] = { "init", KERNEL + 1, PLAN + 1 };

static void pad(int fd, size_t len)
{
	must(write(fd, "\0\0\0", -len & 3), INITRD);
}

/* A file of an archive in cpio's format "newc"; without data for @from < 0. */
static void archive(int fd, const char *name, int from)
{
	off_t size = from < 0 ? 0 : luo_size(from), done = 0;
	static char buf[1 << 16];
	ssize_t len;

	pad(fd, must(dprintf(fd, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s%c",
			     1, 0100755, 0, 0, 1, 0, (int)size, 0, 0, 0, 0,
			     (int)strlen(name) + 1, 0, name, 0), INITRD));
	for (; done < size; done += len) {
		len = must(read(from, buf, sizeof(buf)), name);
		must(write(fd, buf, len), INITRD);
	}
	pad(fd, size);
}

/* What this kernel was started with, for the next one. */
static int make_initrd(void)
{
	int fd = must(open(INITRD, O_RDWR | O_CREAT | O_TRUNC, 0600), INITRD);
	unsigned int i;
	int from;

	for (i = 0; i < sizeof(carried) / sizeof(*carried); i++) {
		from = must(open(carried[i], O_RDONLY), carried[i]);
		archive(fd, carried[i], from);
		close(from);
	}
	archive(fd, "TRAILER!!!", -1);
	close(fd);
	/* An image that is being written to is refused. */
	return must(open(INITRD, O_RDONLY), INITRD);
}

static void load_kernel(int prepared, int line)
{
	char *params = read_text("/proc/cmdline"), *cmdline, *end;
	int kernel = must(open(KERNEL, O_RDONLY), KERNEL), initrd = make_initrd();
	int len;

	end = strstr(params, " " PARAM);
	if (!end)
		end = strchrnul(params, '\n');
	*end = '\0';
	len = must(asprintf(&cmdline, "%s " PARAM "%d,%d,%d", params, state.stage + 1,
			    line, prepared), "asprintf");
	must(syscall(SYS_kexec_file_load, kernel, initrd, len + 1, cmdline, 0L), "kexec_file_load");
	close(kernel);
	close(initrd);
	unlink(INITRD);
	free(cmdline);
	free(params);
}

#endif /* CORRUPT_NEXT_H */
