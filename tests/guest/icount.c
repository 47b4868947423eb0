// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the clock around the steps of a live update of a memfd of 4 KiB pages.
 *
 * Under QEMU's -icount shift=0 the time stamp counter counts instructions, and
 * goes on counting over a kexec.
 *
 *	icount clock			prints the counter
 *	icount preserve MiB		fills a memfd, preserves it, prints the cost
 *					and stays to hold the session
 *	icount retrieve			retrieves it, prints the cost
 *
 * Copyright The Linux Live Update LTS authors
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/liveupdate.h>

#define TOKEN	1

static unsigned long long clock_read(void)
{
	_mm_lfence();
	return __rdtsc();
}

static int device_open(void)
{
	int device = open("/dev/liveupdate", O_RDWR);

	if (device < 0)
		err(1, "/dev/liveupdate");
	return device;
}

static int memfd_filled(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE), i;
	int fd = memfd_create("icount", MFD_CLOEXEC);
	char *map;

	if (fd < 0 || ftruncate(fd, size))
		err(1, "memfd of %zu bytes", size);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < size; i += page)
		map[i] = 1;
	munmap(map, size);
	return fd;
}

static void preserve(size_t size)
{
	struct liveupdate_ioctl_create_session create = {
		.size = sizeof(create), .name = "icount",
	};
	struct liveupdate_session_preserve_fd put = {
		.size = sizeof(put), .fd = memfd_filled(size), .token = TOKEN,
	};
	unsigned long long start;

	if (ioctl(device_open(), LIVEUPDATE_IOCTL_CREATE_SESSION, &create))
		err(1, "create session");
	start = clock_read();
	if (ioctl(create.fd, LIVEUPDATE_SESSION_PRESERVE_FD, &put))
		err(1, "preserve");
	printf("preserve %llu\n", clock_read() - start);
	fflush(stdout);
	if (daemon(0, 0))
		err(1, "daemon");
	pause();
}

static void retrieve(void)
{
	struct liveupdate_ioctl_retrieve_session session = {
		.size = sizeof(session), .name = "icount",
	};
	struct liveupdate_session_retrieve_fd get = {
		.size = sizeof(get), .token = TOKEN,
	};
	unsigned long long start;

	if (ioctl(device_open(), LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &session))
		err(1, "retrieve session");
	start = clock_read();
	if (ioctl(session.fd, LIVEUPDATE_SESSION_RETRIEVE_FD, &get))
		err(1, "retrieve");
	printf("retrieve %llu\n", clock_read() - start);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "preserve"))
		preserve(strtoull(argv[2], NULL, 0) << 20);
	else if (argc == 2 && !strcmp(argv[1], "retrieve"))
		retrieve();
	else if (argc == 2 && !strcmp(argv[1], "clock"))
		printf("%llu\n", clock_read());
	else
		errx(1, "usage: icount clock | preserve MiB | retrieve");
	return 0;
}
