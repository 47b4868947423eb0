// SPDX-License-Identifier: GPL-2.0
/*
 * The files of a folder that are there for services, each named for its own.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "names.h"

/*
 * Call @found for each file of a folder whose name ends in @suffix, without that
 * and in the order of the alphabet. Returns how many there are, and -1 with errno
 * when the folder cannot be read.
 */
int names_find(const char *dir, const char *suffix,
	       void (*found)(void *user, const char *name), void *user)
{
	char pattern[PATH_MAX], name[NAME_MAX + 1];
	const char *base;
	glob_t files;
	size_t i;
	int ret;

	snprintf(pattern, sizeof(pattern), "%s/*%s", dir, suffix);
	ret = glob(pattern, GLOB_ERR, NULL, &files);
	if (ret == GLOB_NOMATCH)
		return 0;
	if (ret) {
		if (ret == GLOB_NOSPACE)
			errno = ENOMEM;
		return -1;
	}
	for (i = 0; i < files.gl_pathc; i++) {
		base = strrchr(files.gl_pathv[i], '/') + 1;
		snprintf(name, sizeof(name), "%.*s",
			 (int)(strlen(base) - strlen(suffix)), base);
		found(user, name);
	}
	ret = files.gl_pathc;
	globfree(&files);
	return ret;
}
