// SPDX-License-Identifier: GPL-2.0
/*
 * interop.c: the files of a case, and whether they have come as they were.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <linux/falloc.h>
#include <linux/kernel-page-flags.h>

#include "interop.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

#define PUNCH_HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define THP_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Does the file begin with a page that is the first of several? */
static bool is_huge(int fd)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	int flags_of = open("/proc/kpageflags", O_RDONLY);
	char *map = luo_map(fd, 0, 2 * MIB);
	__u64 frame = 0, flags = 0;

	if (map != MAP_FAILED) {
		madvise(map, PAGE, MADV_POPULATE_READ);
		if (pread(pagemap, &frame, 8, (unsigned long)map / PAGE * 8) == 8)
			frame &= (1ULL << 55) - 1;
		if (pread(flags_of, &flags, 8, frame * 8) != 8)
			flags = 0;
		munmap(map, 2 * MIB);
	}
	close(pagemap);
	close(flags_of);
	return flags >> KPF_COMPOUND_HEAD & 1;
}

/* In pages of 4 KiB; the last is the end of the file. */
static const off_t pages_apart[] = { 0, 1, 5, 511, 512, 4096, -1 };
static const off_t pages_far_apart[] = {
	0, 1, 5, 511, 512, 4097, 1 << 20, (1 << 30) - 1, 1 << 30, -1,
};

static bool fill(int fd, const struct file *file, __u64 seed)
{
	const size_t page = 4096;
	const off_t *at;
	unsigned int i;
	off_t hole;

	switch (file->layout) {
	case EMPTY:
		return true;
	case SPARSE:
	case FAR:
		at = file->layout == SPARSE ? pages_apart : pages_far_apart;
		for (i = 0; at[i] >= 0; i++)
			if (luo_fill(fd, at[i] * page, page, seed + i))
				return false;
		return true;
	case COMB:
		if (luo_fill(fd, 0, file->size, seed))
			return false;
		for (hole = 0; hole < (off_t)file->size; hole += 2 * PAGE)
			if (fallocate(fd, PUNCH_HOLE, hole, PAGE))
				return false;
		return true;
	case UNWRITTEN:
		return !fallocate(fd, 0, 0, file->size) &&
		       !luo_fill(fd, page, page, seed);
	default:
		return !luo_fill(fd, 0, (file->size + 7) & ~7UL, seed);
	}
}

static bool sparse_is_filled(int fd, const off_t *at, __u64 seed)
{
	const size_t page = 4096;
	unsigned int i;

	for (i = 0; at[i] >= 0; i++) {
		if (!luo_filled(fd, at[i] * page, page, seed + i))
			return false;
		if (at[i + 1] > at[i] + 1 &&
		    !luo_zero(fd, (at[i] + 1) * page, page))
			return false;
	}
	return true;
}

static bool comb_is_filled(int fd, size_t size, __u64 seed)
{
	size_t at;

	for (at = 0; at < size; at += 2 * PAGE)
		if (!luo_zero(fd, at, PAGE) ||
		    !luo_filled(fd, at + PAGE, PAGE, seed))
			return false;
	return true;
}

/* The last page has zeroes behind the end, which the file shows as it grows. */
static bool tail_is_filled(int fd, size_t size, __u64 seed)
{
	__u64 expected = luo_word(seed, size / 8), got = 0;
	size_t len = size % 8;

	return !len || (pread(fd, &got, len, size - len) == (ssize_t)len &&
			!memcmp(&got, &expected, len));
}

static bool is_filled(int fd, const struct file *file, __u64 seed)
{
	const size_t page = 4096;

	switch (file->layout) {
	case EMPTY:
		return luo_zero(fd, 0, MIB) &&
		       luo_zero(fd, file->size - MIB, MIB);
	case SPARSE:
		return sparse_is_filled(fd, pages_apart, seed);
	case FAR:
		return sparse_is_filled(fd, pages_far_apart, seed);
	case COMB:
		return comb_is_filled(fd, file->size, seed);
	case UNWRITTEN:
		return luo_zero(fd, 0, page) && luo_filled(fd, page, page, seed) &&
		       luo_zero(fd, 2 * page, file->size - 2 * page);
	default:
		return luo_filled(fd, 0, file->size & ~7UL, seed) &&
		       tail_is_filled(fd, file->size, seed);
	}
}

static int new_file(const struct file *file)
{
	if (file->layout == UNLINKED)
		return open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return memfd_create("interop", MFD_CLOEXEC |
			    (file->flags ?: MFD_ALLOW_SEALING));
}

int interop_make_file(const struct file *file, __u64 seed)
{
	int fd;

	if (file->layout == HUGE && !luo_write_text(THP_ENABLED, "always"))
		return failed("cannot ask for huge pages"), -1;
	fd = new_file(file);
	if (fd < 0)
		return failed("cannot make the file: %m"), -1;
	if (!fill(fd, file, seed) || ftruncate(fd, file->size))
		return failed("cannot write the file: %m"), -1;
	if (file->layout == HUGE) {
		luo_write_text(THP_ENABLED, "never");
		if (!is_huge(fd))
			return failed("it has got no huge pages"), -1;
	}
	/* One that may be executed gets more seals with F_SEAL_EXEC. */
	if (file->add_seals &&
	    (fchmod(fd, 0600) || fcntl(fd, F_ADD_SEALS, file->add_seals)))
		return failed("cannot seal the file: %m"), -1;
	return fd;
}

static bool seals_are_kept(int fd, const struct file *file)
{
	const int expected = file->add_seals | file->seals;
	const bool writable = !(expected & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	bool mapped;
	void *map;

	if (fstat(fd, &st))
		return failed("fstat(): %m");
	if (seals != expected)
		return failed("its seals are %#x instead of %#x, its mode is %o",
			      seals, expected, st.st_mode & 0777);
	if (expected & F_SEAL_EXEC && st.st_mode & 0111)
		return failed("its mode is %o despite of F_SEAL_EXEC",
			      st.st_mode & 0777);
	if (!file->size)
		return true;
	map = luo_map(fd, 0, PAGE);
	mapped = map != MAP_FAILED;
	if (mapped)
		munmap(map, PAGE);
	if (mapped != writable)
		return failed("it can%s be mapped writable", writable ? "not" : "");
	return true;
}

bool interop_file_is_kept(int fd, const struct file *file, __u64 seed)
{
	off_t pos = lseek(fd, 0, SEEK_CUR);

	if (luo_size(fd) != (off_t)file->size)
		return failed("its size is %ld", (long)luo_size(fd));
	if (pos != file->pos)
		return failed("its position is %ld", (long)pos);
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return failed("it is not open for reading and writing");
	if (!is_filled(fd, file, seed))
		return failed("its contents differ");
	if (file->layout == HUGE && !is_huge(fd))
		return failed("its huge pages have come back as small ones");
	return file->seals == -1 || seals_are_kept(fd, file);
}
