// SPDX-License-Identifier: GPL-2.0
/*
 * Transparent huge pages: whether there are any, and filling a memfd with them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "thp.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define THP		"/sys/kernel/mm/transparent_hugepage/"

/* A page that another processor has just touched is taken the next time. */
#define TRIES		5

/* The bytes of one, 0 if this kernel has none. */
__u64 thp_page_size(void)
{
	FILE *f = fopen(THP "hpage_pmd_size", "re");
	__u64 size = 0;

	if (f && fscanf(f, "%llu", &size) != 1)
		size = 0;
	if (f)
		fclose(f);
	return size;
}

/* The one setting that goes for what is asked for explicitly, too. */
static bool denied(void)
{
	FILE *f = fopen(THP "shmem_enabled", "re");
	char line[128] = "";

	if (f && !fgets(line, sizeof(line), f))
		*line = '\0';
	if (f)
		fclose(f);
	return strstr(line, "[deny]");
}

/* Can a memfd of @size bytes not have any? @why then says what to do. */
bool thp_lack(__u64 size, char why[THP_WHY])
{
	const __u64 page = thp_page_size();

	if (!page)
		snprintf(why, THP_WHY,
			 "this kernel has no transparent huge pages: take one with CONFIG_TRANSPARENT_HUGEPAGE");
	else if (denied())
		snprintf(why, THP_WHY,
			 "it gets no transparent huge pages: write never, or anything but deny, to "
			 THP "shmem_enabled");
	else if (size < page)
		snprintf(why, THP_WHY,
			 "it is smaller than a transparent huge page, which has %llu KiB: leave thp out",
			 page / 1024);
	else
		return false;
	return true;
}

/* The memfd at an address at which each of its huge pages can be mapped as one. */
static char *map(int fd, __u64 size, __u64 page, char *area)
{
	char *begin = area + (-(unsigned long)area & (page - 1));

	return mmap(begin, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    fd, 0);
}

static int collapse(char *begin, __u64 size)
{
	int tries = TRIES;

	while (madvise(begin, size, MADV_COLLAPSE)) {
		if (errno != EAGAIN || !--tries)
			return -errno;
	}
	return 0;
}

/*
 * Allocate an empty memfd of @size bytes, in huge pages as far as it has whole ones.
 * MADV_COLLAPSE does so whatever shmem_enabled says and needs no privilege, but it
 * fills only what has a page already. Returns a negative errno if not all is of
 * huge pages.
 */
int thp_fill(int fd, __u64 size)
{
	const __u64 page = thp_page_size();
	char *area, *begin;
	__u64 at;
	int err;

	size -= size % page;
	for (at = 0; at < size; at += page) {
		if (pwrite(fd, "", 1, at) != 1)
			return -errno;
	}
	area = mmap(NULL, size + page, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	begin = map(fd, size, page, area);
	err = begin == MAP_FAILED ? -errno : collapse(begin, size);
	munmap(area, size + page);
	return err;
}
