// SPDX-License-Identifier: GPL-2.0
/*
 * What the values of keys mean: see lukeep.conf(5).
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "util.h"
#include "values.h"
#include "words.h"

#define TIMEOUT_MAX		86400
#define HUGE_MIN		65536
#define COUNT_MAX		99

/* What podman takes for the name of a container, which begins with none of the last three */
#define CONTAINER_LETTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* Messages show no more than this of a value. */
#define SHOWN_MAX		80

/* Say what is wrong; the first thing is what counts. */
void key_error(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	if (*r->error)
		return;
	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
	r->wrong = r->line;
}

/* @value for a message: not at any length, and without half a character. */
const char *key_shown(const char *value)
{
	static char text[SHOWN_MAX + 1];
	size_t len = strnlen(value, SHOWN_MAX);

	while (len && (value[len] & 0xc0) == 0x80)
		len--;
	snprintf(text, sizeof(text), "%.*s", (int)len, value);
	return text;
}

void value_command(struct reader *r, void *field, const char *value)
{
	char **command = field, **words;
	const char *error;

	/* Variables are those of the time when it is run. */
	words = words_split(value, false, &error);
	if (!words)
		key_error(r, "%s", error);
	else if (!*words)
		key_error(r, "there is no command");
	words_free(words);
	*command = strdup(value);
	if (!*command)
		key_error(r, "out of memory");
}

void value_signal(struct reader *r, void *field, const char *value)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "TERM", SIGTERM }, { "INT", SIGINT }, { "HUP", SIGHUP },
		{ "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	};
	const char *name = strncmp(value, "SIG", 3) ? value : value + 3;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		if (!strcmp(signals[i].name, name)) {
			*(int *)field = signals[i].number;
			return;
		}
	}
	key_error(r,
		  "\"%s\" is not a save signal: use TERM, INT, HUP, USR1 or USR2",
		  key_shown(value));
}

/* A number, and where what follows it begins. -1 if there is none. */
static long long number(const char *value, const char **unit)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	*unit = end + strspn(end, " \t");
	return isdigit((unsigned char)*value) && !errno ? n : -1;
}

/* Seconds, or with a unit. */
void value_time(struct reader *r, void *field, const char *value)
{
	static const struct {
		const char *name;
		int seconds;
	} units[] = {
		{ "", 1 }, { "s", 1 }, { "min", 60 }, { "m", 60 }, { "h", 3600 },
	};
	const char *unit;
	long long n = number(value, &unit);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(units[i].name, unit) && n > 0 &&
		    n <= TIMEOUT_MAX / units[i].seconds) {
			*(int *)field = n * units[i].seconds;
			return;
		}
	}
	key_error(r,
		  "\"%s\" is not a time: use 1 to %d seconds, or minutes or hours with min or h",
		  key_shown(value), TIMEOUT_MAX);
}

void value_yes_no(struct reader *r, void *field, const char *value)
{
	static const char *const words[][2] = {
		{ "no", "yes" }, { "false", "true" }, { "off", "on" },
		{ "0", "1" },
	};
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(words); i++) {
		if (!strcasecmp(words[i / 2][i % 2], value)) {
			*(bool *)field = i % 2;
			return;
		}
	}
	key_error(r, "\"%s\" is neither yes nor no", key_shown(value));
}

/* One of two words; the second one is true. */
static void set_choice(struct reader *r, bool *choice, const char *value,
		       const char *no, const char *yes)
{
	if (strcmp(value, no) && strcmp(value, yes))
		key_error(r, "\"%s\" is neither %s nor %s", key_shown(value),
			  no, yes);
	*choice = !strcmp(value, yes);
}

void value_if_lost(struct reader *r, void *field, const char *value)
{
	set_choice(r, field, value, "start", "hold");
}

void value_kind(struct reader *r, void *field, const char *value)
{
	enum memfd_kind *kind = field;
	bool save;

	set_choice(r, &save, value, "memory", "save");
	*kind = save ? MEMFD_SAVE : MEMFD_MEMORY;
	r->kinds |= 1U << (r->memfd - r->svc->memfd);
}

void value_path(struct reader *r, void *field, const char *value)
{
	struct service *svc = r->svc;
	const struct memfd *other;
	char **path = field;

	if (*value != '/') {
		key_error(r, "the path %s does not begin with a slash",
			  key_shown(value));
		return;
	}
	for (other = svc->memfd; other < svc->memfd + svc->nr_memfds; other++) {
		if (other->path && !strcmp(other->path, value)) {
			key_error(r, "the path %s is used twice",
				  key_shown(value));
			return;
		}
	}
	*path = strdup(value);
	if (!*path)
		key_error(r, "out of memory");
}

/* Bytes, or with a unit: K, KiB and so on. */
void value_size(struct reader *r, void *field, const char *value)
{
	static const char units[] = "KMGT";
	const char *unit, *known;
	long long n = number(value, &unit);
	int shift = 0;

	known = *unit ? strchr(units, toupper((unsigned char)*unit)) : NULL;
	if (known) {
		shift = 10 * (known - units + 1);
		unit++;
		if (!strcasecmp(unit, "iB"))
			unit += 2;
	}
	if (*unit || n < 0 || n >= 1LL << (62 - shift))
		key_error(r,
			  "\"%s\" is not a size: use a number of bytes, or of KiB, MiB, GiB or TiB with K, M, G or T",
			  key_shown(value));
	else
		*(__u64 *)field = n << shift;
}

/* Of these there are 64K, 2M, 32M, 512M, 1G and 16G, by architecture. */
void value_hugetlb(struct reader *r, void *field, const char *value)
{
	__u64 *page = field;

	if (isdigit((unsigned char)*value))
		value_size(r, page, value);
	if (!*r->error && (*page < HUGE_MIN || *page & (*page - 1)))
		key_error(r,
			  "\"%s\" is no size of huge pages: use 2M or 1G, or another that is in /sys/kernel/mm/hugepages",
			  key_shown(value));
}

/* A small number. */
void value_count(struct reader *r, void *field, const char *value)
{
	const char *unit;
	long long n = number(value, &unit);

	if (n < 0 || n > COUNT_MAX || *unit)
		key_error(r, "\"%s\" is not a number of 0 to %d",
			  key_shown(value), COUNT_MAX);
	*(int *)field = n;
}

/* Such a name is one word of a command, whatever it is. */
void value_container(struct reader *r, void *field, const char *value)
{
	char **name = field;

	if (!isalnum((unsigned char)*value) ||
	    value[strspn(value, CONTAINER_LETTERS)])
		key_error(r, "%s is no name of a container", key_shown(value));
	*name = strdup(value);
	if (!*name)
		key_error(r, "out of memory");
}

void value_pages(struct reader *r, void *field, const char *value)
{
	set_choice(r, field, value, "files", "pipes");
}

void value_if_failed(struct reader *r, void *field, const char *value)
{
	set_choice(r, field, value, "keep", "start");
}

void value_thp(struct reader *r, void *field, const char *value)
{
	set_choice(r, field, value, "never", "always");
}

/* Root mounts there, so no part of it leads elsewhere. */
void value_mount_point(struct reader *r, void *field, const char *value)
{
	char **path = field, *copy = strdup(value), *rest = copy, *part;

	*path = strdup(value);
	if (!copy || !*path)
		key_error(r, "out of memory");
	if (*value != '/')
		key_error(r, "the path %s does not begin with a slash",
			  key_shown(value));
	strsep(&rest, "/");
	while ((part = strsep(&rest, "/"))) {
		if (!*part || !strcmp(part, ".") || !strcmp(part, ".."))
			key_error(r,
				  "the path %s is no place to mount a tmpfs: use that of a folder, without //, ., .. and a slash at its end",
				  key_shown(value));
	}
	free(copy);
}

void value_huge(struct reader *r, void *field, const char *value)
{
	static const char * const words[] = {
		"never", "always", "within_size", "advise",
	};
	char **huge = field;
	size_t i = 0;

	while (i < ARRAY_SIZE(words) && strcmp(words[i], value))
		i++;
	if (i == ARRAY_SIZE(words))
		key_error(r,
			  "\"%s\" is not one of never, always, within_size and advise",
			  key_shown(value));
	*huge = strdup(value);
	if (!*huge)
		key_error(r, "out of memory");
}
