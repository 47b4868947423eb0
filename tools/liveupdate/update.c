// SPDX-License-Identifier: GPL-2.0
/*
 * The live update of a service: leaving one kernel, arriving in the next.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include <linux/reboot.h>

#include "lukeep.h"

#define KEXEC_LOADED	"/sys/kernel/kexec_loaded"
#define MIB		(1024.0 * 1024.0)

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * Leaving. The steps in their order; as long as the service need not stand
 * still it does not.
 */

static int check_next_kernel(struct service *svc, int *session)
{
	FILE *f = fopen(KEXEC_LOADED, "re");
	int loaded = 0;

	(void)session;
	if (!f) {
		pr_err("cannot open %s: %s: mount /sys; the kernel needs CONFIG_KEXEC_FILE",
		       KEXEC_LOADED, strerror(errno));
		return -1;
	}
	if (fscanf(f, "%d", &loaded) != 1)
		loaded = 0;
	fclose(f);
	if (!loaded) {
		pr_err("no kernel is loaded: load one with kexec -s -l");
		return -1;
	}
	if (service_reap(svc)) {
		pr_err("the service is not running: see what it logged");
		return -1;
	}
	return 0;
}

static int preserve(struct service *svc, int session, enum memfd_kind kind)
{
	const struct memfd *m;
	int i;

	for (i = 0; i < svc->nr_memfds; i++) {
		m = &svc->memfd[i];
		if (m->kind == kind &&
		    session_preserve(session, m->fd, TOKEN_MEMFD(i), m->name))
			return -1;
	}
	return 0;
}

static int preserve_memory(struct service *svc, int *session)
{
	*session = session_create(svc->name);
	if (*session < 0)
		return -1;
	return preserve(svc, *session, MEMFD_MEMORY);
}

static int save(struct service *svc, int *session)
{
	(void)session;
	return service_save(svc);
}

static int preserve_saved(struct service *svc, int *session)
{
	int fd, ret;

	if (preserve(svc, *session, MEMFD_SAVE))
		return -1;
	fd = state_write(svc);
	if (fd < 0)
		return -1;
	ret = session_preserve(*session, fd, TOKEN_STATE, "lukeep.state");
	close(fd);	/* the session has its own reference */
	return ret;
}

static int enter_next_kernel(struct service *svc, int *session)
{
	(void)svc;
	(void)session;
	sync();
	reboot(LINUX_REBOOT_CMD_KEXEC);
	pr_err("the kernel refused: %s: %s", strerror(errno),
	       errno == EPERM ? "run lukeep as root" :
	       errno == EINVAL ? "load a kernel with kexec -s -l" :
	       "dmesg says who refused; then try again");
	return -1;
}

static const struct {
	const char *name;
	int (*run)(struct service *svc, int *session);
} steps[] = {
	{ "check the next kernel", check_next_kernel },
	{ "preserve the memory", preserve_memory },
	{ "save and stop the service", save },
	{ "preserve what it saved", preserve_saved },
	{ "jump into the next kernel", enter_next_kernel },
};

/* Put things back as they were; memory in a session cannot change its size. */
static void back_to_work(struct service *svc, int session)
{
	if (session >= 0)
		close(session);
	if (!service_reap(svc))
		pr_info("the service is at work (pid %d)", svc->pid);
	else if (!service_start(svc))
		pr_info("the service is back at work (pid %d)", svc->pid);
}

/*
 * Save the service and jump into the next kernel. Returns, with -1, only when
 * that failed and the service runs in this kernel as before.
 */
int update_leave(struct service *svc)
{
	int session = -1;
	double start;
	size_t i;

	for (i = 0; ; i++) {	/* to the step that fails: the last does not return */
		if (steps[i].run == enter_next_kernel)
			pr_info("update: %.1f MiB in %llu pages are preserved; the kernel is replaced now",
				memory_bytes(svc) / MIB,
				memory_bytes(svc) / sysconf(_SC_PAGESIZE));
		start = now();
		if (steps[i].run(svc, &session))
			break;
		pr_info("update: %s: %.3f s", steps[i].name, now() - start);
	}
	pr_err("update: failed at the step \"%s\"", steps[i].name);
	back_to_work(svc, session);
	return -1;
}

/*
 * Arriving.
 */

static int take_memory(struct service *svc, int session)
{
	char release[STATE_RELEASE_MAX];
	struct memfd *m;
	double start = now();
	int fd, ret;

	fd = session_retrieve_fd(session, TOKEN_STATE, "lukeep.state");
	if (fd < 0)
		return -1;
	ret = state_read(svc, fd, release);
	close(fd);
	if (ret)
		return ret;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (!m->token) {
			pr_info("memfd %s did not come in: it starts empty", m->name);
			continue;
		}
		m->fd = session_retrieve_fd(session, m->token, m->name);
		if (m->fd < 0)
			return -1;
	}
	pr_info("update: retrieve the memory: %.3f s", now() - start);
	pr_info("update: %.1f MiB came from kernel %s", memory_bytes(svc) / MIB,
		release);
	return 0;
}

/*
 * Start the service, on the memory that came from the previous kernel if there
 * is any.
 */
int update_arrive(struct service *svc)
{
	double start;
	int session, found;

	found = session_retrieve(svc->name, &session);
	if (found < 0 || (found && take_memory(svc, session)))
		return -1;

	start = now();
	if (memory_create(svc) || service_start(svc))
		return -1;
	if (found) {
		pr_info("update: start the service: %.3f s", now() - start);
		session_finish(session);
		close(session);
	}
	pr_info("the service is at work (pid %d)", svc->pid);
	return 0;
}
