// SPDX-License-Identifier: GPL-2.0
/*
 * The memfds of a service, and the links under which it opens them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hugepages.h"
#include "memory.h"
#include "message.h"
#include "processes.h"
#include "thp.h"
#include "util.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define EXECUTE_BITS 0111

#define LINK_PREFIX "/proc/self/fd/"

/*
 * Take the execute bits away; a service that has given up privileges can open
 * the memfd all the same. A memfd with F_SEAL_EXEC has none, unless Linux 7.3
 * has brought it back.
 */
void memory_drop_execute(int fd, const char *name)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (fstat(fd, &st) || !(st.st_mode & EXECUTE_BITS))
		return;
	if (seals > 0 && seals & F_SEAL_EXEC)
		pr_err("memfd %s cannot be written any more, since this kernel has sealed it: see SECURITY CONSIDERATIONS in lukeep(8)",
		       name);
	else
		fchmod(fd, st.st_mode & ~(S_IFMT | EXECUTE_BITS));
}

/*
 * Create a memfd, empty, that can be sealed, of huge pages or of others. Leave
 * F_SEAL_EXEC off where that is permitted: Linux 7.3 brings a memfd with this seal
 * back sealed against writing.
 */
static int create_memfd(const char *name, __u64 huge)
{
	static const unsigned int flags[] = {
		MFD_EXEC | MFD_ALLOW_SEALING,
		MFD_NOEXEC_SEAL,	/* with vm.memfd_noexec=2 */
		MFD_ALLOW_SEALING,	/* before Linux 6.3 */
	};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = memfd_create(name, MFD_CLOEXEC | flags[i] |
				  hugepages_flags(huge));
		if (fd >= 0)
			memory_drop_execute(fd, name);
		if (fd >= 0 || (errno != EACCES && errno != EINVAL))
			return fd;
	}
	return -1;
}

int memory_memfd(const char *name)
{
	return create_memfd(name, 0);
}

/*
 * Nobody shall seal what is saved: a service could forbid each update by that.
 * A memfd of an older lukeep may come in without this seal.
 */
void memory_seal(const struct memfd *m)
{
	if (m->kind == MEMFD_SAVE)
		fcntl(m->fd, F_ADD_SEALS, F_SEAL_SEAL);
}

/* Can the service write what it saves? */
int memory_check_seals(const struct service *svc)
{
	const struct memfd *m;
	int seals;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		seals = m->kind == MEMFD_SAVE ? fcntl(m->fd, F_GET_SEALS) : 0;
		if (seals > 0 && seals & ~(F_SEAL_SEAL | F_SEAL_EXEC)) {
			pr_err("memfd %s has been sealed, so nothing can be saved in it: update without the service (--without), or stop it and start it afresh",
			       m->name);
			return -1;
		}
	}
	return 0;
}

static int check_hugepages(const struct memfd *m)
{
	char why[HUGEPAGES_WHY];

	if (!m->huge || !hugepages_lack(m->huge, m->size, false, why))
		return 0;
	pr_err("memfd %s: %s", m->name, why);
	return -1;
}

/* Create the memfds that are not there, as they are declared. */
int memory_create(struct service *svc)
{
	struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->fd >= 0)
			continue;
		if (check_hugepages(m))
			return -1;
		m->fd = create_memfd(m->name, m->huge);
		if (m->fd < 0) {
			pr_err("cannot create memfd %s: %s: the kernel needs CONFIG_MEMFD_CREATE and free memory",
			       m->name, strerror(errno));
			return -1;
		}
		if (ftruncate(m->fd, m->size)) {
			pr_err("cannot give memfd %s a size of %llu bytes: %s: declare a smaller one",
			       m->name, m->size, strerror(errno));
			return -1;
		}
		memory_seal(m);
	}
	return 0;
}

static void fill(const struct memfd *m)
{
	char why[THP_WHY];
	int err;

	if (thp_lack(m->size, why)) {
		pr_warn("memfd %s: %s", m->name, why);
		return;
	}
	err = thp_fill(m->fd, m->size);
	if (err)
		pr_warn("memfd %s: not all of it is in transparent huge pages: %s: have more memory free when the service starts",
			m->name, strerror(-err));
}

bool memory_has_thp(const struct service *svc)
{
	const struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->thp)
			return true;
	}
	return false;
}

/* Have new memory in transparent huge pages, where that is declared. */
void memory_fill(const struct service *svc)
{
	const struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->thp)
			fill(m);
	}
}

/* Forget all that the service had. */
void memory_discard(struct service *svc)
{
	struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->fd >= 0)
			close(m->fd);
		m->fd = -1;
	}
	pages_drop(&svc->pages);
}

/* Remove a link of ours; anything else of that name belongs to the user. */
static int remove_link(const char *path)
{
	char target[sizeof(LINK_PREFIX)];
	ssize_t len;

	len = readlink(path, target, sizeof(target));
	if (len < 0 && errno == ENOENT)
		return 0;
	if (len < (ssize_t)strlen(LINK_PREFIX) ||
	    strncmp(target, LINK_PREFIX, strlen(LINK_PREFIX))) {
		pr_err("%s is in the way, and is not a link of lukeep's: move it away",
		       path);
		return -1;
	}
	if (unlink(path)) {
		pr_err("cannot remove the old link %s: %s: make its directory writable",
		       path, strerror(errno));
		return -1;
	}
	return 0;
}

/* Let the service find its memfds of one kind. */
int memory_link(struct service *svc, enum memfd_kind kind)
{
	char target[sizeof(LINK_PREFIX) + 12];
	struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->kind != kind || !m->path)
			continue;
		if (remove_link(m->path))
			return -1;
		snprintf(target, sizeof(target), LINK_PREFIX "%d",
			 MEMORY_FIRST_FD + (int)(m - svc->memfd));
		if (symlink(target, m->path)) {
			pr_err("cannot create the link %s: %s: create its directory and make it writable",
			       m->path, strerror(errno));
			return -1;
		}
	}
	return 0;
}

/* Let the service find none of its memfds of one kind. */
int memory_unlink(struct service *svc, enum memfd_kind kind)
{
	struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->kind == kind && m->path && remove_link(m->path))
			return -1;
	}
	return 0;
}

/*
 * Forget what the service saved the last time: stale state together with newer
 * memory is worse than none.
 */
int memory_clear_saved(struct service *svc)
{
	struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->kind == MEMFD_SAVE && ftruncate(m->fd, 0)) {
			pr_err("cannot empty memfd %s: %s: does the service seal it?",
			       m->name, strerror(errno));
			return -1;
		}
	}
	return 0;
}

bool memory_has_kind(const struct service *svc, enum memfd_kind kind)
{
	const struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->kind == kind)
			return true;
	}
	return false;
}

/* Did the service write all that it should have written, or was it dumped? */
bool memory_is_saved(const struct service *svc)
{
	const struct memfd *m;
	struct stat st;

	if (svc->processes.images)
		return processes_are_saved(&svc->processes);
	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->kind != MEMFD_SAVE)
			continue;
		if (fstat(m->fd, &st) || !st.st_size)
			return false;
	}
	return true;
}

/* Memory that the memfds occupy. */
__u64 memory_bytes(const struct service *svc)
{
	const struct memfd *m;
	__u64 bytes = 0;
	struct stat st;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->fd >= 0 && !fstat(m->fd, &st))
			bytes += (__u64)st.st_blocks * 512;
	}
	return bytes;
}

/* The memfds, their sizes and the memory that they occupy, as JSON. */
json_t *memory_describe(const struct service *svc)
{
	json_t *list = json_array();
	const struct memfd *m;
	json_t *memfd;
	struct stat st;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (m->fd < 0 || fstat(m->fd, &st))
			st = (struct stat){ };
		memfd = json_pack("{ss ss sI sI}", "name", m->name, "kind",
				  m->kind == MEMFD_SAVE ? "save" : "memory",
				  "size", (json_int_t)st.st_size,
				  "allocated", (json_int_t)st.st_blocks * 512);
		if (hugepages_of(m->fd))
			json_object_set_new(memfd, "hugetlb",
					    json_integer(hugepages_of(m->fd)));
		if (m->thp)
			json_object_set_new(memfd, "thp", json_true());
		json_array_append_new(list, memfd);
	}
	return list;
}
