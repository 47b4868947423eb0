// SPDX-License-Identifier: GPL-2.0
/*
 * Dumping a service by CRIU, first its memory while it runs, then what is left.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "capture.h"
#include "clock.h"
#include "criu.h"
#include "criu_dump.h"
#include "message.h"
#include "netlock.h"
#include "preflight.h"
#include "repair.h"
#include "util.h"

#define MIB		(1024.0 * 1024.0)

/* What CRIU has killed ends by then. */
#define END_TIMEOUT	1000	/* ms */

int dump_check(const struct folder *f, char **preserved)
{
	unsigned long output;
	pid_t pid;

	if (images_find(f, &pid, &output) || preflight(pid, f->path, preserved))
		return images_fail(f);
	if (images_has(f->dir, IMAGES_LAZY)) {
		pr_err("its memory is still being brought in: wait until %s/"
		       IMAGES_LAZY " is gone", f->path);
		return images_fail(f);
	}
	return EXIT_SUCCESS;
}

/* There is no pre-dump that a dump could go on from, nor will there be. */
#define NO_PARENT	-1

/* What each dump of process @pid has. */
static void begin_dump(struct criu_call *call, const struct folder *f,
		       const char *verb, const char *name, pid_t pid, int parent)
{
	*call = (struct criu_call){
		.path = f->path, .dir = f->dir, .name = name,
	};
	images_remove(f->dir, name);
	mkdirat(f->dir, name, 0700);
	criu_begin(call, verb);
	criu_add(call, "--tree");
	criu_add(call, "%d", pid);
	if (parent >= 0)
		criu_add(call, "--track-mem");
	if (parent > 0) {
		criu_add(call, "--prev-images-dir");
		criu_add(call, "../%d", parent);
	}
}

/* The last pre-dump that is there, 0 if there is none. */
static int last_predump(const struct folder *f)
{
	char name[16];
	int i = 0;

	do {
		snprintf(name, sizeof(name), "%d", ++i);
	} while (images_has(f->dir, name));
	return i - 1;
}

/* As often as there is less to dump each time, up to a limit. */
int dump_memory(const struct folder *f, int rounds)
{
	long long bytes, before = 0;
	struct criu_call call;
	unsigned long output;
	char name[16];
	pid_t pid;
	int i;

	if (images_find(f, &pid, &output) || images_clear(f->dir))
		return images_fail(f);
	for (i = 1; i <= rounds; i++) {
		snprintf(name, sizeof(name), "%d", i);
		begin_dump(&call, f, "pre-dump", name, pid, i - 1);
		if (criu_run(&call)) {
			images_remove(f->dir, name);
			return images_fail(f);
		}
		bytes = images_pages(f->dir, name);
		pr_info("pre-dump %d: %.1f MiB", i, bytes / MIB);
		if (i > 1 && bytes >= before)
			break;
		before = bytes;
	}
	return EXIT_SUCCESS;
}

/* Nobody is kept waiting by the last dump any more, whether that came to its end or not. */
void dump_forget(const struct folder *f)
{
	char before[NETLOCK_TABLES];

	if (!images_has(f->dir, IMAGES_SAVED) &&
	    !images_read(f->dir, IMAGES_DUMPING, before, sizeof(before)))
		netlock_forget_criu(before);
	images_remove(f->dir, IMAGES_DUMPING);
	netlock_end(f->name);
}

/*
 * Somebody was killed in a dump, which has not come to its end: the service works on, and
 * so do its connections.
 */
void dump_break_off(const struct folder *f, pid_t pid)
{
	repair_end(pid);
	dump_forget(f);
}

/* The service is at work, whatever has become of the last dump. */
void dump_mend(const struct folder *f)
{
	unsigned long output;
	pid_t pid;

	if (!images_has(f->dir, IMAGES_DUMPING) || images_find(f, &pid, &output))
		return;
	criu_kill(f->path);
	dump_break_off(f, pid);
}

/* Has CRIU been killed when it had dumped the service, and ended it? */
static bool has_ended(const struct folder *f, pid_t pid)
{
	struct pollfd pfd = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	bool ended;

	if (!images_has(f->dir, IMAGES_LAST))
		return false;
	ended = pfd.fd < 0 || poll(&pfd, 1, END_TIMEOUT) > 0;
	close_fd(&pfd.fd);
	return ended;
}

/* The service whose first process is @pid is about to be dumped: its peers wait. */
int dump_begin(const struct folder *f, pid_t pid)
{
	char before[NETLOCK_TABLES];

	netlock_end(f->name);
	if (!netlock_tables(before) &&
	    !images_write(f->dir, IMAGES_DUMPING, before) &&
	    !netlock_begin(f->name, pid))
		return 0;
	images_remove(f->dir, IMAGES_DUMPING);
	return -1;
}

/*
 * CRIU ends it as soon as it is dumped whole; if it is not, it works on. Its memory goes
 * into pipes, and these over a socket @to the keeper, if that is not -1.
 */
int dump_service(const struct folder *f, int to)
{
	double begin = clock_now();
	struct criu_call call;
	unsigned long output;
	struct pages pages;
	char number[24];
	long long bytes;
	pid_t pid;
	int err;

	if (images_find(f, &pid, &output))
		return images_fail(f);
	snprintf(number, sizeof(number), "%lu\n", output);
	if (images_write(f->dir, IMAGES_OUTPUT, number) || dump_begin(f, pid))
		return images_fail(f);
	begin_dump(&call, f, "dump", IMAGES_DUMP, pid,
		   to < 0 ? last_predump(f) : NO_PARENT);
	criu_add(&call, "--tcp-established");
	criu_add(&call, "--network-lock");
	criu_add(&call, "nftables");
	criu_add(&call, "--file-locks");
	criu_add(&call, "--ghost-limit");
	criu_add(&call, "64M");
	pages_init(&pages);
	err = to < 0 ? criu_run(&call) : capture_run(&call, &pages, &bytes);
	if (err && !has_ended(f, pid)) {
		pages_drop(&pages);
		dump_break_off(f, pid);
		return images_fail(f);
	}
	if (to < 0)
		bytes = images_pages(f->dir, IMAGES_DUMP);
	else if (!pages.nr || pages_send(to, &pages))
		return images_fail(f);
	pages_drop(&pages);
	if (netlock_save(f->name, pid, f->dir, IMAGES_DUMP))
		pr_warn("its connections may be reset: nobody can have their peers wait");
	if (images_write(f->dir, IMAGES_SAVED, ""))
		return images_fail(f);
	pr_info("dump: %.1f MiB in %.3f s", bytes / MIB, clock_now() - begin);
	return EXIT_SUCCESS;
}
