// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c: what the use of a memfd costs that is in no session: the hooks of live
 * update are passed, and do nothing.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/* An interrupt comes in between now and then: each is counted for a few pages at once. */
#define PAGES		16
#define ROUNDS		256

static volatile char *map;

static void write_page(int fd, size_t page)
{
	checked(pwrite(fd, "", 1, page * PAGE), "write");
}

static void read_page(int fd, size_t page)
{
	char byte;

	checked(pread(fd, &byte, 1, page * PAGE), "read");
}

static void touch_page(int fd, size_t page)
{
	(void)fd;
	map[page * PAGE] = 1;
}

static void free_page(int fd, size_t page)
{
	checked(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page * PAGE, PAGE),
		"punch a hole");
}

/* The least that a page took, in a round without an interrupt. */
static void count(const char *name, void (*use)(int fd, size_t page), int fd)
{
	unsigned long long start, least = ~0ULL, took;
	size_t round, i;

	for (round = 0; round < ROUNDS; round++) {
		start = clock_read();
		for (i = 0; i < PAGES; i++)
			use(fd, round * PAGES + i);
		took = clock_read() - start;
		if (took < least)
			least = took;
	}
	step(name, least / PAGES);
}

void use(void)
{
	const size_t size = ROUNDS * PAGES * PAGE;
	int fd = checked(memfd_create("use", 0), "memfd");

	checked(ftruncate(fd, size), "size");
	count("fill", write_page, fd);
	count("write", write_page, fd);
	count("read", read_page, fd);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap");
	count("fault", touch_page, fd);
	munmap((void *)map, size);
	count("free", free_page, fd);
	close(fd);
}
