// SPDX-License-Identifier: GPL-2.0
/*
 * The units of services under systemd: lukeep@NAME.service for each declaration.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "declaration.h"
#include "message.h"
#include "names.h"
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
		"systemctl", "start", "--",
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

/*
 * Start what is wanted, and wait until it is ready; systemd is told first of
 * declarations that are new. What cannot be started systemctl says.
 */
int units_start(void)
{
	char * const reload[] = { "systemctl", "daemon-reload", NULL };
	int ret = 0;

	if (argc)
		ret = child_run(reload) || child_run(argv);
	while (argc)
		free(argv[--argc]);
	free(argv);
	argv = NULL;
	return ret;
}

/**
 * struct generator - what is made for systemd
 * @conf_dir: folder of the declarations
 * @dir:      where units go
 * @name:     the service whose unit is made
 * @order:    its order
 * @after:    the file that says what it is started after, NULL as long as that is nothing
 * @err:      something could not be made
 */
struct generator {
	const char *conf_dir;
	const char *dir;
	const char *name;
	int order;
	FILE *after;
	int err;
};

/* The order that is declared, 0 if that cannot be read. */
static int order_of(const struct generator *g, const char *name)
{
	struct service *svc = declaration_name_valid(name) ?
			      declaration_read(g->conf_dir, name) : NULL;
	int order = svc ? svc->order : 0;

	declaration_free(svc);
	return order;
}

static FILE *open_drop_in(const struct generator *g)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/lukeep@%s.service.d", g->dir, g->name);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/lukeep@%s.service.d/order.conf", g->dir,
		 g->name);
	return fopen(path, "we");
}

/* Is the other one more urgent? */
static void generate_order(void *user, const char *other)
{
	struct generator *g = user;

	if (order_of(g, other) <= g->order)
		return;
	if (!g->after) {
		g->after = open_drop_in(g);
		if (g->after)
			fprintf(g->after, "[Unit]\n");
		else
			g->err = -1;
	}
	if (g->after)
		fprintf(g->after, "After=lukeep@%s.service\n", other);
}

static void generate(void *user, const char *name)
{
	struct generator *g = user;
	char path[PATH_MAX];

	if (!declaration_name_valid(name))
		return;
	g->name = name;
	g->order = order_of(g, name);
	names_find(g->conf_dir, CONFIG_SUFFIX, generate_order, g);
	if (g->after && fclose(g->after))
		g->err = -1;
	g->after = NULL;
	snprintf(path, sizeof(path), "%s/" WANTED_BY, g->dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/" WANTED_BY "/lukeep@%s.service",
		 g->dir, name);
	if (symlink(TEMPLATE, path) && errno != EEXIST)
		g->err = -1;
}

/*
 * As a generator, see systemd.generator(7): have the unit of each declaration started
 * at boot, after those of a higher order. Nothing is said of declarations that are
 * wrong; their units do.
 */
int units_generate(const char *conf_dir, const char *unit_dir)
{
	struct generator g = { .conf_dir = conf_dir, .dir = unit_dir };

	if (!freopen("/dev/null", "w", stderr))
		return EXIT_FAILURE;
	names_find(conf_dir, CONFIG_SUFFIX, generate, &g);
	return g.err ? EXIT_FAILURE : EXIT_SUCCESS;
}
