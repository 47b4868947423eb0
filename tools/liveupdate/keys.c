// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of a declaration: see lukeep.conf(5).
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "keys.h"
#include "processes.h"
#include "values.h"

#define SAVE_TIMEOUT		60
#define STOP_TIMEOUT		90
#define PREDUMPS		3

/**
 * struct key - a key
 * @name:   its name
 * @set:    takes its value
 * @offset: where its value is in what the section is for
 */
struct key {
	const char *name;
	void (*set)(struct reader *r, void *field, const char *value);
	size_t offset;
};

#define SERVICE(member)		offsetof(struct service, member)
#define MEMFD(member)		offsetof(struct memfd, member)
#define TMPFS(member)		offsetof(struct tmpfs, member)
#define PROCESSES(member)	offsetof(struct processes, member)

static const struct key service_keys[] = {
	{ "start", value_command, SERVICE(start) },
	{ "resume", value_command, SERVICE(resume) },
	{ "save-command", value_command, SERVICE(save_command) },
	{ "save-signal", value_signal, SERVICE(save_signal) },
	{ "save-timeout", value_time, SERVICE(save_timeout) },
	{ "stop-command", value_command, SERVICE(stop_command) },
	{ "stop-timeout", value_time, SERVICE(stop_timeout) },
	{ "ready-command", value_command, SERVICE(ready_command) },
	{ "order", value_count, SERVICE(order) },
	{ "late", value_yes_no, SERVICE(late) },
	{ "early", value_yes_no, SERVICE(early) },
	{ "early-files", value_command, SERVICE(early_files) },
	{ "bridge", value_command, SERVICE(bridge) },
	{ "restart", value_yes_no, SERVICE(restart) },
	{ "retry", value_yes_no, SERVICE(retry) },
	{ "if-lost", value_if_lost, SERVICE(if_lost_hold) },
	{ "clock", value_yes_no, SERVICE(clock) },
	{ }
};

static const struct key memfd_keys[] = {
	{ "kind", value_kind, MEMFD(kind) },
	{ "path", value_path, MEMFD(path) },
	{ "size", value_size, MEMFD(size) },
	{ "hugetlb", value_hugetlb, MEMFD(huge) },
	{ "thp", value_thp, MEMFD(thp) },
	{ }
};

static const struct key tmpfs_keys[] = {
	{ "path", value_mount_point, TMPFS(path) },
	{ "size", value_size, TMPFS(size) },
	{ "huge", value_huge, TMPFS(huge) },
	{ }
};

static const struct key process_keys[] = {
	{ "container", value_container, PROCESSES(container) },
	{ "images", value_mount_point, PROCESSES(images) },
	{ "pages", value_pages, PROCESSES(pipes) },
	{ "predump", value_count, PROCESSES(predumps) },
	{ "lazy", value_yes_no, PROCESSES(lazy) },
	{ "on-failed-restore", value_if_failed, PROCESSES(start_if_failed) },
	{ }
};

void keys_of_service(struct reader *r)
{
	r->keys = service_keys;
	r->whole = r->svc;
}

void keys_of_memfd(struct reader *r, struct memfd *m)
{
	r->keys = memfd_keys;
	r->whole = m;
	r->memfd = m;
}

void keys_of_tmpfs(struct reader *r)
{
	r->keys = tmpfs_keys;
	r->whole = &r->svc->tmpfs;
}

void keys_of_process(struct reader *r)
{
	r->keys = process_keys;
	r->whole = &r->svc->processes;
	r->svc->processes.predumps = PREDUMPS;
	r->svc->processes.lazy = true;
}

/* The key that @name is in this section; NULL when there is none, or it is not new. */
const struct key *key_find(struct reader *r, const char *name)
{
	const struct key *key;
	unsigned int bit;

	for (key = r->keys; key->name && strcmp(key->name, name);)
		key++;
	bit = 1U << (key - r->keys);
	if (!key->name)
		key_error(r, "section [%s] does not know the key \"%s\": see lukeep.conf(5)",
			  r->section, key_shown(name));
	else if (r->seen & bit)
		key_error(r, "the key \"%s\" is there twice", name);
	r->seen |= bit;
	return *r->error ? NULL : key;
}

void key_set(struct reader *r, const struct key *key, const char *value)
{
	key->set(r, (char *)r->whole + key->offset, value);
}

/* Commands go on in lines that are indented. */
bool key_goes_on(const struct key *key)
{
	return key->set == value_command;
}

/* Does @line look as if it began with a key of keys? */
static bool begins_with(const char *line, const struct key *keys)
{
	const struct key *key;
	size_t len;

	for (key = keys; key->name; key++) {
		len = strlen(key->name);
		if (!strncmp(line, key->name, len) &&
		    line[len + strspn(line + len, " \t")] == '=')
			return true;
	}
	return false;
}

/* Does @line look as if a key or a section began in it? */
bool key_begins(const char *line)
{
	return begins_with(line, service_keys) ||
	       begins_with(line, memfd_keys) ||
	       begins_with(line, tmpfs_keys) ||
	       begins_with(line, process_keys) ||
	       !strncmp(line, "[service]", strlen("[service]")) ||
	       !strncmp(line, "[" TMPFS_SECTION "]",
			strlen("[" TMPFS_SECTION "]")) ||
	       !strncmp(line, "[" PROCESS_SECTION "]",
			strlen("[" PROCESS_SECTION "]")) ||
	       !strncmp(line, "[" MEMFD_SECTION, strlen("[" MEMFD_SECTION));
}

static void check_pages(struct reader *r, const struct memfd *m)
{
	if (m->kind == MEMFD_SAVE && m->huge)
		key_error(r,
			  "memfd %s: nobody can write to a file of huge pages, as saving does; leave hugetlb out",
			  m->name);
	if (m->huge && m->size % m->huge)
		key_error(r,
			  "memfd %s: its size must be a multiple of that of its huge pages",
			  m->name);
	if (m->huge && m->thp)
		key_error(r,
			  "memfd %s: its pages come from hugetlbfs or are transparent huge pages: leave hugetlb or thp out",
			  m->name);
	if (m->thp && !m->size)
		key_error(r,
			  "memfd %s: with thp = always it is allocated before the service starts: give it a size",
			  m->name);
}

static void check_memfds(struct reader *r)
{
	const struct service *svc = r->svc;
	const struct memfd *m;
	int i;

	for (i = 0; i < svc->nr_memfds; i++) {
		m = &svc->memfd[i];
		if (!(r->kinds & 1U << i))
			key_error(r, "section [memfd %s] needs the key \"kind\"",
				  m->name);
		if (m->kind == MEMFD_SAVE && m->size)
			key_error(r,
				  "memfd %s: what is saved has the size it gets; leave it out",
				  m->name);
		check_pages(r, m);
	}
}

static void check_tmpfs(struct reader *r)
{
	const struct service *svc = r->svc;
	const int longest = NAME_MAX_LEN - strlen(TMPFS_SESSION);

	if (!r->tmpfs)
		return;
	if (!svc->tmpfs.path)
		key_error(r, "section [tmpfs] needs the key \"path\"");
	if (strlen(svc->name) > (size_t)longest)
		key_error(r,
			  "the name of a service with a tmpfs has at most %d letters: rename the file, and the service with it",
			  longest);
}

/* Podman knows how to start it, and where its checkpoint is. */
static void check_container(struct reader *r)
{
	const struct service *svc = r->svc;

	if (svc->start)
		key_error(r,
			  "a container is started by podman: leave start out");
	if (svc->processes.images || svc->tmpfs.path || svc->processes.pipes)
		key_error(r,
			  "a container is dumped to the storage of podman: leave images, pipes and the tmpfs out");
}

/* CRIU has it end, and brings it back. */
static void check_process(struct reader *r)
{
	struct service *svc = r->svc;

	if (svc->resume || svc->save_command || svc->save_signal || svc->retry)
		key_error(r,
			  "a service with a section [process] is dumped and restored: leave resume, save-command, save-signal and retry out");
	if (svc->nr_memfds)
		key_error(r,
			  "a service with a section [process] has its memory in its images: leave the memfds out");
	if (svc->processes.container)
		check_container(r);
	else if (!svc->processes.images && !svc->tmpfs.path)
		key_error(r,
			  "section [process] needs the key \"images\", or a section [tmpfs] beside it, on which they are then");
	if (svc->processes.start_if_failed && !svc->restart)
		key_error(r,
			  "on-failed-restore = start needs restart = yes in section [service]");
	if (!*r->error && processes_set_commands(svc))
		key_error(r, "out of memory, or the path of the images has a quote");
}

/* The host's folders, and CRIU's view of them, are not in the initramfs. */
static void check_early(struct reader *r)
{
	const struct service *svc = r->svc;

	if (svc->early && (r->tmpfs || r->process))
		key_error(r,
			  "a service with a tmpfs, or with a section [process], cannot resume in the initramfs: leave early out, and give it an order");
	if (!svc->early && (svc->early_files || svc->bridge))
		key_error(r,
			  "early-files and bridge are for the initramfs: leave them out, or add early = yes");
}

/* What can be told only when all has been read, and what was left out. */
void keys_check(struct reader *r)
{
	struct service *svc = r->svc;

	if (!svc->start && !svc->processes.container) {
		key_error(r, "section [service] needs the key \"start\"");
		return;
	}
	if (svc->save_command && svc->save_signal)
		key_error(r, "save-command and save-signal exclude each other");
	if (svc->late && (r->tmpfs || r->process))
		key_error(r,
			  "a service with a tmpfs, or with a section [process], cannot be late: leave late out, and give it an order");
	check_early(r);
	check_memfds(r);
	check_tmpfs(r);
	if (r->process)
		check_process(r);
	if (*r->error)
		return;
	if (!svc->save_signal)
		svc->save_signal = SIGTERM;
	if (!svc->save_timeout)
		svc->save_timeout = SAVE_TIMEOUT;
	if (!svc->stop_timeout)
		svc->stop_timeout = STOP_TIMEOUT;
	if (!svc->resume)
		svc->resume = strdup(svc->start);
	if (!svc->resume)
		key_error(r, "out of memory");
}
