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
 *	hugetlb=2M|1G	of huge pages of hugetlbfs
 *	layout=WORD	which pages of physical memory they have:
 *		contiguous	as they come
 *		alternate	every second page
 *		half		a random half of the pages
 *	tmpfs=N		no memfd, but a mount of tmpfs with so many files of a page
 *	pipe=1		no memfds, but pipes with the pages of a process
 *	isolated=N	no file, but so many isolated pages, by the module isolated.ko
 *	use=1		nothing of all that: what a memfd costs in use
 *	stage=N		1 in the first kernel, 2 in the second
 *
 * Under QEMU's -icount shift=0 the time stamp counter counts instructions, and
 * goes on counting over a kexec. The steps are also marked by an instruction
 * that does nothing, for scripts/bench/bench-plugin.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/liveupdate.h>
#include <linux/reboot.h>

#include "bench.h"

#define MAX_SESSIONS	64

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

static struct file *files;
static size_t nr_files;

/* The files are dealt out to the sessions. */
static int sessions[MAX_SESSIONS];
static size_t nr_sessions;

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

/* Makes memfds, and preserves them for the first time. */
static void preserve_memfds(int device, size_t pages)
{
	enum layout where = layout();
	size_t i;

	if (where != CONTIGUOUS)
		pages *= 2;
	expect_pages(pages);
	for (i = 0; i < nr_files; i++)
		fill(&files[i], pages / nr_files);
	preserve_first(device);
	for (i = 0; i < nr_files; i++) {
		thin_out(&files[i], where);
		munmap(files[i].map, files[i].pages * PAGE);
	}
	report_pages();
}

static void preserve_tmpfs(int device, size_t nr)
{
	files[0].fd = tmpfs_make(nr);
	preserve_first(device);
	step("pages", nr);
}

static void preserve_pipes(int device, size_t pages)
{
	size_t i;

	for (i = 0; i < nr_files; i++)
		fill_pipe(&files[i], pages / nr_files);
	preserve_first(device);
	step("pages", pages);
}

static void preserve(size_t pages)
{
	int device = checked(open("/dev/liveupdate", O_RDWR | O_CLOEXEC), "/dev/liveupdate");
	unsigned long long start;
	long before;

	if (number_param("tmpfs", 0))
		preserve_tmpfs(device, number_param("tmpfs", 0));
	else if (number_param("pipe", 0))
		preserve_pipes(device, pages);
	else
		preserve_memfds(device, pages);
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
		found += number_param("tmpfs", 0) ? tmpfs_check(files[i].fd, number_param("tmpfs", 0)) :
			 number_param("pipe", 0) ? check_pipe(files[i].fd) : check(files[i].fd);
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
	if (number_param("use", 0)) {
		use();
		report("VM-RESULT: PASS\n");
		end();
	}
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
