// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c: pipes with the pages of a process, as CRIU dumps it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* So much a streamer moves at a time. */
#define STREAM_SIZE	(1 << 20)

/* The process: it gives all its pages to a pipe, and stays. Each begins with its index, from 1. */
static void target(int fd, size_t pages)
{
	uint64_t *map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { .iov_base = map, .iov_len = pages * PAGE };
	ssize_t done;
	size_t i;

	if (map == MAP_FAILED)
		_exit(1);
	if (!number_param("huge", 0))
		madvise(map, pages * PAGE, MADV_NOHUGEPAGE);
	for (i = 0; i < pages; i++)
		map[i * PAGE / sizeof(uint64_t)] = i + 1;
	while (iov.iov_len) {
		done = vmsplice(fd, &iov, 1, SPLICE_F_GIFT);
		if (done <= 0)
			_exit(1);
		iov.iov_base = (char *)iov.iov_base + done;
		iov.iov_len -= done;
	}
	for (;;)
		pause();
}

/* Waits until a pipe has so many bytes. */
static void wait_for(int fd, size_t bytes)
{
	int ready = 0;

	while ((size_t)ready < bytes) {
		sched_yield();
		checked(ioctl(fd, FIONREAD, &ready), "FIONREAD");
	}
}

/*
 * Dumps a process into a pipe, which is the only owner of its pages then. They are
 * all in CRIU's pipe first: else the process would go on while the time is taken.
 */
void fill_pipe(struct file *file, size_t pages)
{
	const size_t bytes = pages * PAGE;
	unsigned long long start;
	int stream[2], bag[2];
	size_t done = 0;
	pid_t pid;

	checked(pipe(stream), "pipe");
	checked(pipe(bag), "pipe");
	checked(fcntl(stream[0], F_SETPIPE_SZ, bytes), "F_SETPIPE_SZ");
	checked(fcntl(bag[0], F_SETPIPE_SZ, bytes), "F_SETPIPE_SZ");
	pid = checked(fork(), "fork");
	if (!pid)
		target(stream[1], pages);
	wait_for(stream[0], bytes);
	start = clock_read();
	while (done < bytes)
		done += checked(splice(stream[0], NULL, bag[1], NULL, STREAM_SIZE,
				       SPLICE_F_MOVE), "splice");
	step("splice", clock_read() - start);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(stream[0]);
	close(stream[1]);
	close(bag[1]);
	file->fd = bag[0];
	file->pages = pages;
}

/* Reads all: it must be what the process had. Returns how many pages. */
unsigned long check_pipe(int fd)
{
	static uint64_t page[PAGE / sizeof(uint64_t)];
	unsigned long found = 0;

	while (checked(read(fd, page, PAGE), "read") == PAGE)
		if (page[0] != ++found)
			fail("not what was written");
	return found;
}
