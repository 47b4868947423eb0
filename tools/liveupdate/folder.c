// SPDX-License-Identifier: GPL-2.0
/*
 * The folder that a service has, /run/lukeep-NAME. Its unit has it as RuntimeDirectory=;
 * where there is no systemd, we make it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "message.h"
#include "util.h"

#define MODE_BITS	07777

static const char *folder_path(char path[PATH_MAX], const char *name,
			       const char *run_dir)
{
	snprintf(path, PATH_MAX, "%s-%s", run_dir, name);
	return path;
}

int folder_make(const char *name, const char *run_dir)
{
	char path[PATH_MAX];

	if (!mkdir(folder_path(path, name, run_dir), 0755) || errno == EEXIST)
		return 0;
	pr_err("%s: cannot create %s: %s: make its folder writable", name, path,
	       strerror(errno));
	return -1;
}

int folder_stat(const char *name, const char *run_dir, struct stat *st)
{
	char path[PATH_MAX];

	return stat(folder_path(path, name, run_dir), st);
}

/* Whose it is; NULL if there is none. */
json_t *folder_pack(const char *name, const char *run_dir)
{
	struct stat st;

	if (folder_stat(name, run_dir, &st) || !S_ISDIR(st.st_mode))
		return NULL;
	return json_pack("{sI sI si}", "uid", (json_int_t)st.st_uid,
			 "gid", (json_int_t)st.st_gid,
			 "mode", (int)(st.st_mode & MODE_BITS));
}

/*
 * Have it be that of the service's user, as it was in the previous kernel: a service that
 * gives up root's rights may need it. Nothing is done if @packed is NULL.
 */
void folder_give(const char *name, const char *run_dir, const json_t *packed)
{
	char path[PATH_MAX];
	json_int_t uid, gid;
	int mode, fd;

	if (json_unpack((json_t *)packed, "{sI sI si}", "uid", &uid,
			"gid", &gid, "mode", &mode))
		return;
	fd = open(folder_path(path, name, run_dir),
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchown(fd, uid, gid) || fchmod(fd, mode & MODE_BITS))
		pr_warn("cannot give %s to user %lld: %s: the service may not be able to use it",
			path, (long long)uid, strerror(errno));
	close_fd(&fd);
}
