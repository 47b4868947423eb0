/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of pipes share. Data in a pipe are those of luo_fill().
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_PIPE_H
#define SELFTESTS_LUO_PIPE_H

#include <poll.h>
#include <signal.h>
#include <sys/uio.h>

#include "luo_scratch.h"
#include "luo_util.h"

#define THP_SIZE	"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

/* A pipe with room for @size bytes, which does not wait. */
static inline int luo_pipe(int ends[2], size_t size, int flags)
{
	int ret = luo_result(pipe2(ends, flags | O_CLOEXEC | O_NONBLOCK));

	if (!ret && luo_result(fcntl(ends[0], F_SETPIPE_SZ, size)) < 0)
		ret = -errno;
	return ret;
}

static inline void luo_words(__u64 *words, size_t offset, size_t len, __u64 seed)
{
	size_t i;

	for (i = 0; i < len / sizeof(*words); i++)
		words[i] = luo_word(seed, offset / sizeof(*words) + i);
}

/* Write the words in [offset, offset + len) to a pipe. */
static inline bool luo_pipe_write(int fd, size_t offset, size_t len, __u64 seed)
{
	__u64 *words = malloc(len);
	bool done;

	luo_words(words, offset, len, seed);
	done = write(fd, words, len) == (ssize_t)len;
	free(words);
	return done;
}

/* Read the words in [offset, offset + len) from a pipe: are they the next there? */
static inline bool luo_pipe_read(int fd, size_t offset, size_t len, __u64 seed)
{
	char *got = malloc(len), *want = malloc(len);
	size_t done = 0;
	ssize_t ret = 1;
	bool same;

	while (done < len && ret > 0) {
		ret = read(fd, got + done, len - done);
		done += ret > 0 ? ret : 0;
	}
	luo_words((__u64 *)want, offset, len, seed);
	same = done == len && !memcmp(got, want, len);
	free(got);
	free(want);
	return same;
}

/* The same, by splice() into a file. */
static inline bool luo_pipe_splice(int fd, size_t offset, size_t len, __u64 seed)
{
	int file = memfd_create("data", MFD_CLOEXEC);
	loff_t pos = offset;
	ssize_t ret = 1;
	bool same;

	while (pos < (loff_t)(offset + len) && ret > 0)
		ret = splice(fd, NULL, file, &pos, offset + len - pos, 0);
	same = pos == (loff_t)(offset + len) && luo_filled(file, offset, len, seed);
	close(file);
	return same;
}

/* Bytes in a pipe. */
static inline int luo_pipe_bytes(int fd)
{
	int bytes;

	return ioctl(fd, FIONREAD, &bytes) ? -errno : bytes;
}

/* What poll() says of a file. */
static inline short luo_poll(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}

static inline void luo_wait_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	poll(&pollfd, 1, -1);
}

/* The size of a transparent huge page, 0 without. */
static inline size_t luo_thp_size(void)
{
	size_t size = 0;
	FILE *f = fopen(THP_SIZE, "r");

	if (f) {
		if (fscanf(f, "%zu", &size) != 1)
			size = 0;
		fclose(f);
	}
	return size;
}

/* Memory of a process, filled with the words of @seed; aligned to @align. */
static inline char *luo_anon(size_t size, size_t align, __u64 seed)
{
	char *map = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	map = (char *)(((uintptr_t)map + align - 1) / align * align);
	madvise(map, size, align > PAGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	luo_words((__u64 *)map, 0, size, seed);
	return map;
}

/* As CRIU has a process do that it dumps: give all of its memory to a pipe. */
static inline bool luo_gift(int fd, char *map, size_t size)
{
	struct iovec iov = { .iov_base = map, .iov_len = size };
	ssize_t ret = 1;

	while (iov.iov_len && ret > 0) {
		ret = vmsplice(fd, &iov, 1, SPLICE_F_GIFT);
		iov.iov_base = (char *)iov.iov_base + (ret > 0 ? ret : 0);
		iov.iov_len -= ret > 0 ? ret : 0;
	}
	return !iov.iov_len;
}

static inline void luo_target(int fd, size_t size, size_t align, __u64 seed,
			      __u64 *frames)
{
	char *map = luo_anon(size, align, seed);

	if (map)
		luo_frames(map, size / PAGE, frames);
	if (!map || !luo_gift(fd, map, size))
		_exit(1);
	for (;;)
		pause();
}

/* What is in scratch memory does not stay there: forget it. Returns how many stay. */
static inline size_t luo_drop_scratch(__u64 *frames, size_t nr)
{
	struct area areas[MAX_AREAS];
	size_t nr_areas = scratch_areas(areas), i, count = 0;

	for (i = 0; i < nr; i++) {
		if (in_areas(frames[i], areas, nr_areas))
			frames[i] = 0;
		count += !!frames[i];
	}
	return count;
}

/*
 * Dump a process into a pipe, and kill it. As CRIU does it: by a small pipe, from
 * which the buffers go to a large one. @frames gets the frames of those of its
 * pages that can stay where they are. Returns how many these are.
 */
static inline size_t luo_dump(int fd, size_t size, size_t align, __u64 seed,
			      __u64 *frames)
{
	size_t nr = size / PAGE * sizeof(*frames), done = 0;
	__u64 *shared = mmap(NULL, nr, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ends[2];
	ssize_t ret = 1;
	pid_t pid;

	if (shared == MAP_FAILED || pipe2(ends, O_CLOEXEC))
		return 0;
	pid = fork();
	if (!pid)
		luo_target(ends[1], size, align, seed, shared);
	close(ends[1]);
	while (done < size && ret > 0) {
		/* splice() does not wait if one of the pipes is non-blocking. */
		luo_wait_readable(ends[0]);
		ret = splice(ends[0], NULL, fd, NULL, size - done, SPLICE_F_MOVE);
		done += ret > 0 ? ret : 0;
	}
	close(ends[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	memcpy(frames, shared, nr);
	munmap(shared, nr);
	return done == size ? luo_drop_scratch(frames, size / PAGE) : 0;
}

/* How many of the frames are anonymous memory that nobody maps, and not free. */
static inline size_t luo_unmapped(const __u64 *frames, size_t nr)
{
	size_t i, count = 0;
	__u64 flags;

	for (i = 0; i < nr; i++) {
		flags = luo_frame_flags(frames[i]);
		count += frames[i] && flags & (1ULL << KPF_ANON) &&
			 !(flags & (1ULL << KPF_MMAP));
	}
	return count;
}

#endif /* SELFTESTS_LUO_PIPE_H */
