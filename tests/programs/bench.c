// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of `make bench`: a whole user space in one program, so that nothing
 * else counts. It is the first process of both kernels.
 *
 * Kernel command line:
 *	files=N		memfds that are preserved, 0 for no session at all
 *	threads=N	they are in so many sessions, each with a thread to preserve
 *			and to retrieve them; 1 if not given
 *	mib=N		their size in all
 *	huge=0|1	of 4 KiB pages or of huge pages
 *	layout=WORD	which pages of physical memory they have:
 *		contiguous	as they come
 *		alternate	every second page
 *		half		a random half of the pages
 *	isolated=N	no file, but so many isolated pages, by the module isolated.ko
 *	stage=N		1 in the first kernel, 2 in the second
 *
 * Under QEMU's -icount shift=0 the time stamp counter counts instructions, and
 * goes on counting over a kexec. The steps are also marked by an instruction
 * that does nothing, for scripts/bench/bench-plugin.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/liveupdate.h>
#include <linux/reboot.h>

#define PAGE		4096UL
#define MAX_SESSIONS	64

#define PAGEMAP_PFN	((1ULL << 55) - 1)

enum layout { CONTIGUOUS, ALTERNATE, HALF };

/* The begin and the end of each step. */
enum mark {
	PRESERVE = 1, PRESERVED, LOAD, LOADED, REBOOT, INIT,
	RETRIEVE, RETRIEVED, READ, READ_DONE, FINISH, FINISHED, FIRST, FIRST_DONE,
};

/* The marker instruction has its number as an immediate operand. */
#define pass(mark) ({						\
	asm volatile("nopl 0x4c550000+%c0(%%rax)" :: "i"(mark));	\
	clock_read();						\
})

static int report_fd = -1;

static unsigned long long clock_read(void)
{
	_mm_lfence();
	return __rdtsc();
}

__attribute__((format(printf, 1, 2)))
static void report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(report_fd, format, args);
	va_end(args);
}

static void end(void)
{
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

__attribute__((noreturn))
static void fail(const char *what)
{
	report("VM-RESULT: FAIL %s: %s\n", what, strerror(errno));
	end();
	abort();
}

static long checked(long result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

static void step(const char *name, long long count)
{
	report("# %s %lld\n", name, count);
}

/* The value of a word NAME=VALUE of the command line, or "". */
static const char *param(const char *name)
{
	static char line[4096], value[256];
	size_t len = strlen(name);
	char *word;
	FILE *file = fopen("/proc/cmdline", "r");

	if (!file || !fgets(line, sizeof(line), file))
		fail("/proc/cmdline");
	fclose(file);
	value[0] = 0;
	for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		if (!strncmp(word, name, len) && word[len] == '=')
			snprintf(value, sizeof(value), "%s", word + len + 1);
	return value;
}

static size_t number_param(const char *name, size_t otherwise)
{
	const char *value = param(name);

	return *value ? strtoul(value, NULL, 10) : otherwise;
}

static void write_file(const char *path, const char *text)
{
	int fd = checked(open(path, O_WRONLY), path);

	checked(write(fd, text, strlen(text)), path);
	close(fd);
}

/* Free memory, with what the processor's lists of free pages hold. */
static long free_kib(void)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	long pages = 0, nr;
	char line[256];

	if (!file)
		fail("/proc/zoneinfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " pages free %ld", &nr) == 1 ||
		    sscanf(line, " count: %ld", &nr) == 1)
			pages += nr;
	fclose(file);
	return pages * (long)(PAGE / 1024);
}

static enum layout layout(void)
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

struct file {
	int fd;
	size_t pages;
	uint64_t *map;
};

/* The page frames of what is preserved, to say how scattered it is. */
static uint64_t *pfns;
static size_t nr_pfns;

static struct file *files;
static size_t nr_files;

/* The files are dealt out to the sessions. */
static int sessions[MAX_SESSIONS];
static size_t nr_sessions;

static void report_pages(void)
{
	size_t runs = 0, i;

	qsort(pfns, nr_pfns, sizeof(*pfns), compare);
	for (i = 0; i < nr_pfns; i++)
		runs += !i || pfns[i] != pfns[i - 1] + 1;
	step("pages", nr_pfns);
	step("runs", runs);
	free(pfns);
}

/* Fills a file; each page begins with its index, from 1. */
static void fill(struct file *file, size_t pages)
{
	size_t i;

	file->pages = pages;
	file->fd = checked(memfd_create("bench", MFD_CLOEXEC), "memfd_create");
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
static void thin_out(const struct file *file, enum layout layout)
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

/* Does the work for each session, in a thread of its own unless there is one only. */
static void for_each_session(void *(*work)(void *session))
{
	pthread_t threads[MAX_SESSIONS];
	size_t i;

	if (nr_sessions == 1) {
		work((void *)0);
		return;
	}
	for (i = 0; i < nr_sessions; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i))
			fail("thread");
	for (i = 0; i < nr_sessions; i++)
		pthread_join(threads[i], NULL);
}

static void create_sessions(int device, const char *name)
{
	struct liveupdate_ioctl_create_session create = { .size = sizeof(create) };
	size_t i;

	for (i = 0; i < nr_sessions; i++) {
		snprintf((char *)create.name, sizeof(create.name), "%s-%zu", name, i);
		checked(ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &create), "create session");
		sessions[i] = create.fd;
	}
}

static void *preserve_session(void *session)
{
	struct liveupdate_session_preserve_fd put = { .size = sizeof(put) };
	size_t i;

	for (i = (size_t)session; i < nr_files; i += nr_sessions) {
		put.fd = files[i].fd;
		put.token = i;
		checked(ioctl(sessions[(size_t)session], LIVEUPDATE_SESSION_PRESERVE_FD, &put),
			"preserve");
	}
	return NULL;
}

/*
 * Of the first time, pages move out of scratch memory. So that this does not mix
 * with the rest of the cost, nor change the layout, all is preserved twice.
 */
static void preserve_first(int device)
{
	unsigned long long start;
	size_t i;

	create_sessions(device, "first");
	start = pass(FIRST);
	for_each_session(preserve_session);
	step("preserve_first", pass(FIRST_DONE) - start);
	start = clock_read();
	for (i = 0; i < nr_sessions; i++)
		close(sessions[i]);
	step("unpreserve", clock_read() - start);
}

static void preserve(size_t pages)
{
	int device = checked(open("/dev/liveupdate", O_RDWR | O_CLOEXEC), "/dev/liveupdate");
	enum layout where = layout();
	unsigned long long start;
	long before;
	size_t i;

	if (where != CONTIGUOUS)
		pages *= 2;
	pfns = malloc(pages * sizeof(*pfns));
	if (!pfns)
		fail("no memory");
	for (i = 0; i < nr_files; i++)
		fill(&files[i], pages / nr_files);
	preserve_first(device);
	for (i = 0; i < nr_files; i++) {
		thin_out(&files[i], where);
		munmap(files[i].map, files[i].pages * PAGE);
	}
	report_pages();

	create_sessions(device, "bench");
	before = free_kib();
	start = pass(PRESERVE);
	for_each_session(preserve_session);
	step("preserve", pass(PRESERVED) - start);
	step("metadata_kib", before - free_kib());
}

/* The command line for the next kernel: ours, with the stage changed. */
static char *next_cmdline(void)
{
	static char line[4096];
	FILE *file = fopen("/proc/cmdline", "r");
	char *stage;

	if (!file || !fgets(line, sizeof(line), file))
		fail("/proc/cmdline");
	fclose(file);
	line[strcspn(line, "\n")] = 0;
	stage = strstr(line, "stage=1");
	if (!stage)
		fail("no stage");
	stage[strlen("stage=")] = '2';
	return line;
}

static void load(void)
{
	int kernel = checked(open("/kernel", O_RDONLY), "/kernel");
	int initrd = checked(open("/initrd", O_RDONLY), "/initrd");
	char *line = next_cmdline();
	unsigned long long start;

	start = pass(LOAD);
	checked(syscall(SYS_kexec_file_load, kernel, initrd, strlen(line) + 1, line, 0UL), "load");
	step("load", pass(LOADED) - start);
}

/* Reads up to 4,096 pages of a file: what is found must be what was written. */
static unsigned long check(int fd)
{
	unsigned long found = 0;
	size_t pages, every, i;
	struct stat stat;
	uint64_t word;

	checked(fstat(fd, &stat), "fstat");
	pages = stat.st_size / PAGE;
	every = pages / 4096 + 1;
	for (i = 0; i < pages; i += every) {
		checked(pread(fd, &word, sizeof(word), i * PAGE), "read");
		if (word && word != i + 1)
			fail("not what was written");
		found += !!word;
	}
	return found;
}

static void *retrieve_session(void *session)
{
	struct liveupdate_session_retrieve_fd get = { .size = sizeof(get) };
	size_t i;

	for (i = (size_t)session; i < nr_files; i += nr_sessions) {
		get.token = i;
		checked(ioctl(sessions[(size_t)session], LIVEUPDATE_SESSION_RETRIEVE_FD, &get),
			"retrieve");
		files[i].fd = get.fd;
	}
	return NULL;
}

static void retrieve(void)
{
	struct liveupdate_ioctl_retrieve_session session = { .size = sizeof(session) };
	struct liveupdate_session_finish finish = { .size = sizeof(finish) };
	int device = checked(open("/dev/liveupdate", O_RDWR | O_CLOEXEC), "/dev/liveupdate");
	unsigned long long start;
	unsigned long found = 0;
	size_t i;

	start = pass(RETRIEVE);
	for (i = 0; i < nr_sessions; i++) {
		snprintf((char *)session.name, sizeof(session.name), "bench-%zu", i);
		checked(ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &session),
			"retrieve session");
		sessions[i] = session.fd;
	}
	for_each_session(retrieve_session);
	step("retrieve", pass(RETRIEVED) - start);

	start = pass(READ);
	for (i = 0; i < nr_files; i++)
		found += check(files[i].fd);
	step("read", pass(READ_DONE) - start);
	step("read_pages", found);
	if (!found)
		fail("nothing was retrieved");

	start = pass(FINISH);
	for (i = 0; i < nr_sessions; i++)
		checked(ioctl(sessions[i], LIVEUPDATE_SESSION_FINISH, &finish), "finish");
	step("finish", pass(FINISHED) - start);
}

/* Memory that no file has; nobody takes it back. */
static void preserve_isolated(size_t pages)
{
	int module = checked(open("/isolated.ko", O_RDONLY), "/isolated.ko");
	char parameters[64];

	snprintf(parameters, sizeof(parameters), "pages=%zu", pages);
	checked(syscall(SYS_finit_module, module, parameters, 0), "isolated.ko");
	step("pages", pages);
}

static void set_up(void)
{
	struct rlimit files = { 4096, 4096 };

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	report_fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	setrlimit(RLIMIT_NOFILE, &files);
}

/* Does not come back. */
static void jump(void)
{
	step("reboot_at", pass(REBOOT));
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	fail("reboot");
}

int main(void)
{
	unsigned long long start = pass(INIT);

	set_up();
	step("init_at", start);
	nr_files = number_param("files", 0);
	nr_sessions = number_param("threads", 1);
	files = calloc(nr_files + 1, sizeof(*files));
	if (!files || nr_sessions > MAX_SESSIONS)
		fail("too many files or threads");
	if (number_param("stage", 1) == 1) {
		write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			   number_param("huge", 0) ? "always" : "never");
		if (nr_files)
			preserve((number_param("mib", 0) << 20) / PAGE);
		if (number_param("isolated", 0))
			preserve_isolated(number_param("isolated", 0));
		load();
		jump();
	}
	if (nr_files)
		retrieve();
	report("VM-RESULT: PASS\n");
	end();
	return 0;
}
