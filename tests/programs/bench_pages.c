// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c: the pages of its files, and which pages of physical memory these are.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/memfd.h>

#include "bench.h"

#define PAGEMAP_PFN	((1ULL << 55) - 1)

/* The page frames of what is preserved, to say how scattered it is. */
static uint64_t *pfns;
static size_t nr_pfns;

enum layout layout(void)
{
	const char *word = param("layout");

	if (!strcmp(word, "alternate"))
		return ALTERNATE;
	return strcmp(word, "half") ? CONTIGUOUS : HALF;
}

static bool stays(enum layout layout, uint64_t pfn)
{
	switch (layout) {
	case ALTERNATE:
		return !(pfn & 1);
	case HALF:
		return (pfn * 0x9e3779b97f4a7c15ULL) >> 63;
	default:
		return true;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(uint64_t *)a, y = *(uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* So many pages, at most, are noted. */
void expect_pages(size_t pages)
{
	pfns = malloc(pages * sizeof(*pfns));
	if (!pfns)
		fail("no memory");
}

void report_pages(void)
{
	size_t runs = 0, i;

	qsort(pfns, nr_pfns, sizeof(*pfns), compare);
	for (i = 0; i < nr_pfns; i++)
		runs += !i || pfns[i] != pfns[i - 1] + 1;
	step("pages", nr_pfns);
	step("runs", runs);
	free(pfns);
}

/* With huge pages of hugetlbfs, of which the kernel has so many in a pool. */
static unsigned int memfd_flags(void)
{
	const char *size = param("hugetlb");

	if (!strcmp(size, "2M"))
		return MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB;
	if (!strcmp(size, "1G"))
		return MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB;
	return MFD_CLOEXEC;
}

/* Fills a file; each page begins with its index, from 1. */
void fill(struct file *file, size_t pages)
{
	size_t i;

	file->pages = pages;
	file->fd = checked(memfd_create("bench", memfd_flags()), "memfd_create");
	checked(ftruncate(file->fd, pages * PAGE), "ftruncate");
	file->map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->map == MAP_FAILED)
		fail("mmap");
	for (i = 0; i < pages; i++)
		file->map[i * PAGE / sizeof(uint64_t)] = i + 1;
}

static void read_pagemap(const struct file *file, size_t from, size_t nr, uint64_t *entries)
{
	static int fd = -1;

	if (fd < 0)
		fd = checked(open("/proc/self/pagemap", O_RDONLY), "pagemap");
	checked(pread(fd, entries, nr * sizeof(*entries),
		      ((uintptr_t)file->map / PAGE + from) * sizeof(*entries)), "pagemap");
}

static void punch_hole(const struct file *file, size_t index)
{
	checked(fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, index * PAGE, PAGE),
		"punch hole");
}

/* Takes the pages away that the layout does not have, and notes the others. */
void thin_out(const struct file *file, enum layout layout)
{
	static uint64_t entries[4096];
	size_t i, j, nr;

	for (i = 0; i < file->pages; i += nr) {
		nr = file->pages - i < 4096 ? file->pages - i : 4096;
		read_pagemap(file, i, nr, entries);
		for (j = 0; j < nr; j++) {
			uint64_t pfn = entries[j] & PAGEMAP_PFN;

			if (!pfn)
				fail("a page is not there");
			if (stays(layout, pfn))
				pfns[nr_pfns++] = pfn;
			else
				punch_hole(file, i + j);
		}
	}
}
