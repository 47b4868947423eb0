// SPDX-License-Identifier: GPL-2.0
/*
 * What this host lacks for a declaration: programs, folders of links, huge pages.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "hugepages.h"
#include "lacking.h"
#include "message.h"
#include "thp.h"
#include "util.h"
#include "words.h"

/* Made when the service is started, see lukeep(8). */
#define OWN_FOLDER	"/run/lukeep-"

/* 0, or the negative errno by which it cannot be run. */
static int cannot_run(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return access(path, X_OK) ? -errno : 0;
}

/* The same, for one that is looked for in PATH. */
static int cannot_find(const char *program)
{
	char *folders = strdup(getenv("PATH") ?: ""), *rest = folders, *folder;
	char path[PATH_MAX];
	int err = -ENOENT;

	while (err && (folder = strsep(&rest, ":"))) {
		snprintf(path, sizeof(path), "%s/%s", folder, program);
		err = cannot_run(path);
	}
	free(folders);
	return err ? -ENOENT : 0;
}

/* Warn of a command whose program is not here. Returns a negative errno for that. */
int lacking_program(const char *file, const char *key, const char *command)
{
	const char *error;
	char **words;
	int err = 0;

	/* Which program a variable names is not known here. */
	if (!command || memchr(command, '$', strcspn(command, " \t")))
		return 0;
	words = words_split(command, false, &error);
	if (words && *words)
		err = strchr(words[0], '/') ? cannot_run(words[0]) :
					      cannot_find(words[0]);
	if (err)
		pr_warn("%s: %s: cannot run %s: %s%s", file, key, words[0],
			strerror(-err), err == -EACCES ?
			": make it executable (chmod +x)" : "");
	words_free(words);
	return err;
}

static int check_path(const char *file, const struct service *svc,
		      const struct memfd *m)
{
	char folder[PATH_MAX], own[sizeof(OWN_FOLDER) + NAME_MAX_LEN];

	if (!m->path)
		return 0;
	snprintf(folder, sizeof(folder), "%s", m->path);
	strrchr(folder, '/')[1] = '\0';
	snprintf(own, sizeof(own), OWN_FOLDER "%s", svc->name);
	if (!strncmp(folder, own, strlen(own)) && folder[strlen(own)] == '/' &&
	    !folder[strlen(own) + 1])
		return 0;
	if (!access(folder, F_OK))
		return 0;
	pr_warn("%s: memfd %s: there is no folder %s for its link: take %s, or make it",
		file, m->name, folder, own);
	return -1;
}

/* A service that runs has its pages already. */
static int check_hugepages(const char *file, const struct memfd *m)
{
	char why[HUGEPAGES_WHY];

	if ((!m->huge || !hugepages_lack(m->huge, m->size, true, why)) &&
	    (!m->thp || !thp_lack(m->size, why)))
		return 0;
	pr_warn("%s: memfd %s: %s", file, m->name, why);
	return -1;
}

static int check_size(const char *file, const struct memfd *m)
{
	struct sysinfo info;

	if (sysinfo(&info) || m->size / info.mem_unit <= info.totalram)
		return 0;
	pr_warn("%s: memfd %s: its size is more than the memory of this host",
		file, m->name);
	return -1;
}

static int check_tmpfs(const char *file, const struct tmpfs *t)
{
	struct sysinfo info;
	struct stat st;

	if (!t->path)
		return 0;
	if (stat(t->path, &st) || !S_ISDIR(st.st_mode)) {
		pr_warn("%s: tmpfs: there is no folder %s to mount it on: make it, with the owner and the mode that the tmpfs is to have",
			file, t->path);
		return -1;
	}
	if (sysinfo(&info) || t->size / info.mem_unit <= info.totalram)
		return 0;
	pr_warn("%s: tmpfs: its size is more than the memory of this host",
		file);
	return -1;
}

/* CRIU is no part of lukeep, and is not needed for anything else. */
static int check_processes(const char *file, const struct processes *p)
{
	static const char * const programs[] = { "criu", "nft", "podman" };
	char missing[32] = "";
	size_t i, n = ARRAY_SIZE(programs) - !p->container, len = 0;

	for (i = 0; p->images && i < n; i++) {
		if (cannot_find(programs[i]))
			len += snprintf(missing + len, sizeof(missing) - len,
					" %s", programs[i]);
	}
	if (!len)
		return 0;
	pr_warn("%s: process: not in PATH, and needed:%s: install them", file,
		missing);
	return -1;
}

/* Warn of what the service of this @file will not have here. Returns -1 for that. */
int lacking(const struct service *svc, const char *file)
{
	const struct memfd *m;
	int err;

	err = check_processes(file, &svc->processes);
	if (!svc->processes.container)
		err |= lacking_program(file, "start",
				       svc->processes.program ?: svc->start);
	if (strcmp(svc->start, svc->resume))
		err |= lacking_program(file, "resume", svc->resume);
	err |= lacking_program(file, "save-command", svc->save_command);
	err |= lacking_program(file, "stop-command", svc->stop_command);
	err |= lacking_program(file, "ready-command",
			       svc->processes.images ? svc->processes.ready :
						     svc->ready_command);
	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++)
		err |= check_path(file, svc, m) | check_size(file, m) |
		       check_hugepages(file, m);
	err |= check_tmpfs(file, &svc->tmpfs);
	if (!svc->nr_memfds && !svc->tmpfs.path && !svc->processes.images) {
		pr_warn("%s: it has neither a memfd nor a tmpfs, and is not dumped, so nothing that the service has is kept: add a section [memfd NAME], [tmpfs] or [process]",
			file);
		err = -1;
	}
	return err ? -1 : 0;
}
