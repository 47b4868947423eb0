/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memfds of huge pages, and the counters of their pools, for the selftests.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_HUGETLB_H
#define SELFTESTS_LUO_HUGETLB_H

#include "luo_util.h"

#ifndef MFD_HUGETLB
#define MFD_HUGETLB	0x0004U
#endif

#define MFD_HUGE_SHIFT	26

#define HUGE_POOL	"/sys/kernel/mm/hugepages/hugepages-%zukB"

/* The size of huge pages that each kernel has, in bytes. */
static inline size_t huge_default(void)
{
	return luo_meminfo("Hugepagesize") * 1024;
}

/* A sealable memfd of huge pages of @huge bytes. */
static inline int huge_memfd(size_t huge, off_t size)
{
	const unsigned int log2 = __builtin_ctzl(huge);
	int fd;

	fd = luo_result(memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING |
				     MFD_HUGETLB | log2 << MFD_HUGE_SHIFT));
	if (fd < 0)
		return fd;
	return ftruncate(fd, size) ? -errno : fd;
}

/* A mapping for which no huge pages are reserved. */
static inline char *huge_map(int fd, off_t offset, size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, fd, offset);
}

/* The step between bytes that are written: gigantic pages are large. */
static inline size_t huge_stride(size_t len)
{
	return len > (64 << 20) ? 64 * PAGE : PAGE;
}

/* Fill [offset, offset + len), whole huge pages, with words that @seed tells. */
static inline bool huge_fill(int fd, off_t offset, size_t len, __u64 seed)
{
	char *map = huge_map(fd, offset, len);
	size_t at;

	if (map == MAP_FAILED)
		return false;
	for (at = 0; at < len; at += huge_stride(len))
		*(__u64 *)(map + at) = luo_word(seed, (offset + at) / 8);
	*(__u64 *)(map + len - 8) = seed;
	munmap(map, len);
	return true;
}

/* Are the words at [offset, end) those of huge_fill(), which had @len to fill? */
static inline bool huge_words(int fd, off_t offset, off_t end, size_t len,
			      __u64 seed)
{
	__u64 word;

	for (; offset < end; offset += huge_stride(len)) {
		if (pread(fd, &word, 8, offset) != 8 ||
		    word != luo_word(seed, offset / 8))
			return false;
	}
	return true;
}

/* Are the contents of [offset, offset + len) those of huge_fill()? */
static inline bool huge_filled(int fd, off_t offset, size_t len, __u64 seed)
{
	__u64 word;

	return huge_words(fd, offset, offset + len, len, seed) &&
	       pread(fd, &word, 8, offset + len - 8) == 8 && word == seed;
}

/* A counter of a pool, such as "free". */
static inline long huge_count(size_t huge, const char *counter)
{
	char path[128], text[32] = { };
	int fd;

	snprintf(path, sizeof(path), HUGE_POOL "/%s_hugepages", huge / 1024,
		 counter);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '-';
	close(fd);
	return text[0] == '-' ? -1 : atol(text);
}

/* Ask for a pool of @nr pages; whether there are as many. */
static inline bool huge_pool(size_t huge, long nr)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), HUGE_POOL "/nr_hugepages", huge / 1024);
	snprintf(text, sizeof(text), "%ld", nr);
	return luo_write_text(path, text) && huge_count(huge, "nr") == nr;
}

/* The root of a hugetlbfs of our own, mounted nowhere. */
static inline int huge_fs(void)
{
	int fs = fsopen("hugetlbfs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

#endif /* SELFTESTS_LUO_HUGETLB_H */
