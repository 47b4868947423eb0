/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The live update ioctls as functions, and files whose contents can be checked.
 *
 * Everything returns what the system call gave, or the negative errno.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_UTIL_H
#define SELFTESTS_LUO_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <linux/liveupdate.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LUO_DEVICE		"/dev/liveupdate"
#define PAGE			((unsigned long)sysconf(_SC_PAGESIZE))
#define PAGE_MAX		65536

/* 63 bytes and a NUL. */
#define LUO_LONGEST_NAME						\
	"123456789-123456789-123456789-123456789-123456789-123456789-123"

#define ANON_INODE_FS_MAGIC	0x09041934

#ifndef MFD_EXEC
#define MFD_NOEXEC_SEAL		0x0008U
#define MFD_EXEC		0x0010U
#endif

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC		0x0020
#endif

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT		21
#endif

static inline int luo_result(int ret)
{
	return ret < 0 ? -errno : ret;
}

static inline int luo_open(void)
{
	return luo_result(open(LUO_DEVICE, O_RDWR | O_CLOEXEC));
}

/* Without a NUL when @name takes all of the field. */
static inline void luo_set_name(__u8 *field, const char *name)
{
	size_t len = strlen(name) + 1;

	if (len > LIVEUPDATE_SESSION_NAME_LENGTH)
		len = LIVEUPDATE_SESSION_NAME_LENGTH;
	memcpy(field, name, len);
}

static inline int luo_create(int dev, const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };
	int ret;

	luo_set_name(arg.name, name);
	ret = luo_result(ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg));
	return ret ?: arg.fd;
}

static inline int luo_retrieve(int dev, const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };
	int ret;

	luo_set_name(arg.name, name);
	ret = luo_result(ioctl(dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg));
	return ret ?: arg.fd;
}

static inline int luo_preserve_fd(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg),
		.fd = fd,
		.token = token,
	};

	return luo_result(ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg));
}

static inline int luo_retrieve_fd(int session, __u64 token)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg),
		.fd = -1,
		.token = token,
	};
	int ret;

	ret = luo_result(ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg));
	return ret ?: arg.fd;
}

static inline int luo_finish_reserved(int session, __u32 reserved)
{
	struct liveupdate_session_finish arg = {
		.size = sizeof(arg),
		.reserved = reserved,
	};

	return luo_result(ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg));
}

static inline int luo_finish(int session)
{
	return luo_finish_reserved(session, 0);
}

static inline int luo_get_name(int session, char *name)
{
	struct liveupdate_session_get_name arg = { .size = sizeof(arg) };
	int ret;

	ret = luo_result(ioctl(session, LIVEUPDATE_SESSION_GET_NAME, &arg));
	memcpy(name, arg.name, sizeof(arg.name));
	return ret;
}

/* Hold what was inherited, but the device, for as long as the kernel runs. */
static inline void luo_be_holder(int dev, int ready)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(dev);
	close(ready);
	for (;;)
		pause();
}

/* A value in kB of /proc/meminfo, such as "MemFree". */
static inline long luo_meminfo(const char *key)
{
	size_t len = strlen(key);
	char line[128];
	long value = -1;
	FILE *f;

	f = fopen("/proc/meminfo", "r");
	if (!f)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, len) && line[len] == ':')
			value = strtol(line + len + 1, NULL, 10);
	}
	fclose(f);
	return value;
}

/* Write a setting, such as one in /sys. */
static inline bool luo_write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* As many descriptors as the system gives. */
static inline int luo_raise_nofile(rlim_t nr)
{
	struct rlimit limit = { .rlim_cur = nr, .rlim_max = nr };

	return luo_result(setrlimit(RLIMIT_NOFILE, &limit));
}

/* Word number @i of a file whose contents grow from @seed. */
static inline __u64 luo_word(__u64 seed, __u64 i)
{
	return ((seed << 40) + i + 1) * 0x9e3779b97f4a7c15ULL;
}

static inline void *luo_map(int fd, off_t offset, size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

/* Write the contents of [offset, offset + len), whole words, with seed @seed. */
static inline int luo_fill(int fd, off_t offset, size_t len, __u64 seed)
{
	__u64 words[8 * PAGE / sizeof(__u64)];
	size_t done, part, i;
	ssize_t ret;

	for (done = 0; done < len; done += part) {
		part = len - done < sizeof(words) ? len - done : sizeof(words);
		for (i = 0; i < part / sizeof(*words); i++)
			words[i] = luo_word(seed, (offset + done) / sizeof(*words) + i);
		ret = pwrite(fd, words, part, offset + done);
		if (ret < 0)
			return -errno;
		if ((size_t)ret != part)
			return -EIO;
	}
	return 0;
}

/* Are the contents of [offset, offset + len) those of luo_fill()? */
static inline bool luo_filled(int fd, off_t offset, size_t len, __u64 seed)
{
	__u64 words[8 * PAGE / sizeof(__u64)];
	size_t done, part, i;

	for (done = 0; done < len; done += part) {
		part = len - done < sizeof(words) ? len - done : sizeof(words);
		if (pread(fd, words, part, offset + done) != (ssize_t)part)
			return false;
		for (i = 0; i < part / sizeof(*words); i++) {
			if (words[i] != luo_word(seed, (offset + done) / sizeof(*words) + i))
				return false;
		}
	}
	return true;
}

/* Is [offset, offset + len) all zero? */
static inline bool luo_zero(int fd, off_t offset, size_t len)
{
	char page[PAGE];
	size_t done, part;

	for (done = 0; done < len; done += part) {
		part = len - done < PAGE ? len - done : PAGE;
		if (pread(fd, page, part, offset + done) != (ssize_t)part)
			return false;
		if (page[0] || memcmp(page, page + 1, part - 1))
			return false;
	}
	return true;
}

/* A sealable memfd of @size bytes filled with @seed. */
static inline int luo_memfd(size_t size, __u64 seed)
{
	int fd, ret;

	fd = luo_result(memfd_create("luo", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	if (fd < 0)
		return fd;
	ret = luo_fill(fd, 0, size, seed);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

/* The root of a tmpfs of our own, mounted nowhere. */
static inline int luo_tmpfs(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

static inline off_t luo_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : st.st_size;
}

/* Open what is behind @fd once more. */
static inline int luo_reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return luo_result(open(path, flags | O_CLOEXEC));
}

/* What the link of @fd reads. */
static inline void luo_link(int fd, char *link, size_t size)
{
	char path[32];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, link, size - 1);
	link[len < 0 ? 0 : len] = '\0';
}

/* Wait until a child waits for a lock, or has ended. */
static inline void luo_wait_for_sleep(pid_t pid)
{
	char path[40], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state != 'D' && state != 'Z') {
		sched_yield();
		stat = fopen(path, "r");
		if (!stat)
			return;
		if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(stat);
	}
}

/* A page, followed by one that cannot be touched; the end of the first. */
static inline char *luo_end_of_memory(void)
{
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + PAGE, PAGE, PROT_NONE))
		return NULL;
	return map + PAGE;
}

/* A copy of @arg that can only be read. */
static inline void *luo_read_only(const void *arg, size_t size)
{
	void *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	memcpy(map, arg, size);
	return mprotect(map, PAGE, PROT_READ) ? NULL : map;
}

/* How a child ends that reads a byte: by this signal, or 0. */
static inline int luo_touch(const char *p)
{
	int status;

	if (!fork())
		_exit(*p);
	wait(&status);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* The numbers of the page frames behind @nr pages; 0 where it is not known. */
static inline void luo_frames(char *pages, size_t nr, __u64 *frames)
{
	size_t i, size = nr * sizeof(*frames);
	int fd = -1;

	if (!madvise(pages, nr * PAGE, MADV_POPULATE_READ))
		fd = open("/proc/self/pagemap", O_RDONLY);
	if (pread(fd, frames, size, (uintptr_t)pages / PAGE * 8) != (ssize_t)size)
		memset(frames, 0, size);
	close(fd);
	for (i = 0; i < nr; i++)
		frames[i] &= (1ULL << 55) - 1;
}

/* The number of the page frame behind @page, or 0. */
static inline __u64 luo_frame(char *page)
{
	__u64 frame;

	luo_frames(page, 1, &frame);
	return frame;
}

/* Its flags, KPF_*. */
static inline __u64 luo_frame_flags(__u64 frame)
{
	__u64 flags;
	int fd;

	fd = open("/proc/kpageflags", O_RDONLY);
	if (pread(fd, &flags, 8, frame * 8) != 8)
		flags = 0;
	close(fd);
	return flags;
}

/* Have the memory of a page frame fail. */
static inline bool luo_offline(__u64 frame)
{
	char text[32];

	snprintf(text, sizeof(text), "%#llx", frame * PAGE);
	/* It cannot be freed as long as it is somebody's. */
	luo_write_text("/sys/devices/system/memory/hard_offline_page", text);
	return luo_frame_flags(frame) & (1ULL << KPF_HWPOISON);
}

/* Bytes of memory in a file. */
static inline off_t luo_allocated(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : st.st_blocks * 512;
}

#endif /* SELFTESTS_LUO_UTIL_H */
