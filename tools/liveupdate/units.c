// SPDX-License-Identifier: GPL-2.0
/*
 * The units of services under systemd: lukeep@NAME.service for each declaration.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "declaration.h"
#include "message.h"
#include "units.h"
#include "util.h"

#define TEMPLATE	UNIT_DIR "/lukeep@.service"
#define WANTED_BY	"multi-user.target.wants"

/* systemctl and its arguments, and a unit for each service wanted. */
static char **argv;
static int argc;

static int add(const char *fmt, const char *name)
{
	char **more = realloc(argv, (argc + 2) * sizeof(*argv));

	if (!more)
		return -1;
	argv = more;
	if (asprintf(&argv[argc], fmt, name) < 0)
		return -1;
	argv[++argc] = NULL;
	return 0;
}

/* The unit of this service is to be started by units_start(). */
int units_want(const char *name)
{
	static const char * const begin[] = {
		"systemctl", "start", "--no-block", "--",
	};
	size_t i;

	for (i = argc ? ARRAY_SIZE(begin) : 0; i < ARRAY_SIZE(begin); i++) {
		if (add("%s", begin[i]))
			goto out_of_memory;
	}
	if (!add("lukeep@%s.service", name))
		return 0;
out_of_memory:
	pr_err("out of memory");
	return -1;
}

static int execute(char * const command[])
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		execvp(command[0], command);
		pr_err("cannot run %s: %s", command[0], strerror(errno));
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* Start what is wanted; systemd is told first of declarations that are new. */
int units_start(void)
{
	char * const reload[] = { "systemctl", "daemon-reload", NULL };
	int ret = 0;

	if (argc)
		ret = execute(reload) || execute(argv);
	while (argc)
		free(argv[--argc]);
	free(argv);
	argv = NULL;
	return ret;
}

/*
 * As a generator, see systemd.generator(7): have the unit of each declaration
 * started at boot. Nothing is said of declarations that are wrong; their units do.
 */
int units_generate(const char *conf_dir, const char *unit_dir)
{
	char path[PATH_MAX], name[NAME_MAX_LEN + 1];
	const char *base;
	glob_t found;
	int ret = 0;
	size_t i;

	snprintf(path, sizeof(path), "%s/*" CONFIG_SUFFIX, conf_dir);
	if (glob(path, 0, NULL, &found))
		return EXIT_SUCCESS;
	snprintf(path, sizeof(path), "%s/" WANTED_BY, unit_dir);
	mkdir(path, 0755);
	for (i = 0; i < found.gl_pathc; i++) {
		base = strrchr(found.gl_pathv[i], '/') + 1;
		snprintf(name, sizeof(name), "%.*s",
			 (int)(strlen(base) - strlen(CONFIG_SUFFIX)), base);
		if (!declaration_name_valid(name))
			continue;
		snprintf(path, sizeof(path), "%s/" WANTED_BY "/lukeep@%s.service",
			 unit_dir, name);
		if (symlink(TEMPLATE, path) && errno != EEXIST)
			ret = -1;
	}
	globfree(&found);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
