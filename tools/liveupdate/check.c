// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep check: tell what is wrong with declarations.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "declaration.h"
#include "early_files.h"
#include "early_retry.h"
#include "hooks.h"
#include "lacking.h"
#include "message.h"
#include "names.h"
#include "session.h"
#include "tmpfs_session.h"

static bool ends_in(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return len > n && !strcmp(text + len - n, suffix);
}

static int check_service(const char *dir, const char *name)
{
	struct service *svc = declaration_read(dir, name);
	char file[PATH_MAX];

	if (!svc)
		return -1;
	snprintf(file, sizeof(file), "%s/%s" CONFIG_SUFFIX, dir, name);
	/* What the kernel can do only root can know. */
	if (!(lacking(svc, file) | early_retry_check(svc, file)) &&
	    !early_files_are_newer(svc, file, NULL) &&
	    (!svc->tmpfs.path || geteuid() || !session_is_possible() ||
	     !tmpfs_check_kernel()))
		printf("%s: no mistake found\n", file);
	declaration_free(svc);
	return 0;
}

static int check_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	char dir[PATH_MAX], name[NAME_MAX + 1];

	if (!ends_in(base, CONFIG_SUFFIX)) {
		pr_err("%s: the name of a declaration ends in " CONFIG_SUFFIX,
		       path);
		return -1;
	}
	if (slash == path)
		slash++;	/* the folder is / */
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	snprintf(name, sizeof(name), "%.*s",
		 (int)(strlen(base) - strlen(CONFIG_SUFFIX)), base);
	return check_service(dir, name);
}

struct folder {
	const char *dir;
	int err;
};

static void check_name(void *user, const char *name)
{
	struct folder *folder = user;

	folder->err |= check_service(folder->dir, name);
}

static int check_folder(const char *dir)
{
	struct folder folder = { .dir = dir };
	int nr = names_find(dir, CONFIG_SUFFIX, check_name, &folder);

	if (nr < 0) {
		pr_err("cannot read the folder %s: %s", dir, strerror(errno));
		return -1;
	}
	if (!nr) {
		pr_err("there is no declaration in %s: see lukeep.conf(5)",
		       dir);
		return -1;
	}
	hooks_check(dir);
	return folder.err;
}

/* Check the files and services that the command line names, or all there are. */
int check_run(const struct options *opt)
{
	char **arg;
	int err = 0;

	if (!*opt->arguments)
		err = check_folder(opt->conf_dir);
	for (arg = opt->arguments; *arg; arg++) {
		if (strchr(*arg, '/') || ends_in(*arg, CONFIG_SUFFIX))
			err |= check_file(*arg);
		else
			err |= check_service(opt->conf_dir, *arg);
	}
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
