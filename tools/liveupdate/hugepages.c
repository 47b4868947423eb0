// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages of hugetlbfs: of which a memfd is made, and whether there are enough.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statfs.h>

#include <linux/magic.h>

#include "hugepages.h"

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT	26
#endif

#define POOL		"/sys/kernel/mm/hugepages/hugepages-%llukB"

/* The size of the huge pages that a memfd is made of, 0 if it is of none. */
__u64 hugepages_of(int fd)
{
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) || fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	return fs.f_bsize;
}

/* What memfd_create() is told for pages of this size, which may be 0. */
unsigned int hugepages_flags(__u64 page)
{
	if (!page)
		return 0;
	return MFD_HUGETLB |
	       (unsigned int)__builtin_ctzll(page) << MFD_HUGE_SHIFT;
}

/* A number of the pool's; -1 if there is no such pool. */
static long long pool(__u64 page, const char *name)
{
	char path[PATH_MAX];
	long long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), POOL "/%s", page / 1024, name);
	f = fopen(path, "re");
	if (f && fscanf(f, "%lld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

/* As the kernel's command line has it: 2M, 1G. */
static const char *page_size(__u64 page)
{
	static char text[32];
	int shift = page >> 30 ? 30 : page >> 20 ? 20 : 10;

	snprintf(text, sizeof(text), "%llu%c", page >> shift,
		 "KMG"[shift / 10 - 1]);
	return text;
}

/*
 * Is there no memory of @size bytes in huge pages of @page bytes? @why then says
 * what to do. Pages that are in use may be those of the same service, @used_too.
 */
bool hugepages_lack(__u64 page, __u64 size, bool used_too,
		    char why[HUGEPAGES_WHY])
{
	long long there = pool(page, used_too ? "nr_hugepages" : "free_hugepages");
	const long long needed = size / page;

	if (there < 0) {
		snprintf(why, HUGEPAGES_WHY,
			 "this kernel has no huge pages of %s: take a size that is in /sys/kernel/mm/hugepages",
			 page_size(page));
		return true;
	}
	if (!used_too)
		there -= pool(page, "resv_hugepages");
	there += pool(page, "nr_overcommit_hugepages") -
		 pool(page, "surplus_hugepages");
	if (there >= needed)
		return false;
	snprintf(why, HUGEPAGES_WHY,
		 "%lld huge pages of %s are needed and %lld are there: have more, with hugepagesz=%s hugepages= on the kernel's command line, or by nr_hugepages in /sys/kernel/mm/hugepages",
		 needed, page_size(page), there > 0 ? there : 0,
		 page_size(page));
	return true;
}
