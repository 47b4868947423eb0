// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of a declaration, and what their values mean: see lukeep.conf(5).
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "util.h"
#include "words.h"

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define SAVE_TIMEOUT		60
#define STOP_TIMEOUT		90
#define TIMEOUT_MAX		86400
#define HUGE_MIN		65536

/* Messages show no more than this of a value. */
#define SHOWN_MAX		80

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

static void set_command(struct reader *r, void *field, const char *value)
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

static void set_signal(struct reader *r, void *field, const char *value)
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
static void set_time(struct reader *r, void *field, const char *value)
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

static void set_yes_no(struct reader *r, void *field, const char *value)
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

static void set_if_lost(struct reader *r, void *field, const char *value)
{
	set_choice(r, field, value, "start", "hold");
}

static void set_kind(struct reader *r, void *field, const char *value)
{
	enum memfd_kind *kind = field;
	bool save;

	set_choice(r, &save, value, "memory", "save");
	*kind = save ? MEMFD_SAVE : MEMFD_MEMORY;
	r->kinds |= 1U << (r->memfd - r->svc->memfd);
}

static void set_path(struct reader *r, void *field, const char *value)
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
static void set_size(struct reader *r, void *field, const char *value)
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
static void set_hugetlb(struct reader *r, void *field, const char *value)
{
	__u64 *page = field;

	if (isdigit((unsigned char)*value))
		set_size(r, page, value);
	if (!*r->error && (*page < HUGE_MIN || *page & (*page - 1)))
		key_error(r,
			  "\"%s\" is no size of huge pages: use 2M or 1G, or another that is in /sys/kernel/mm/hugepages",
			  key_shown(value));
}

static void set_thp(struct reader *r, void *field, const char *value)
{
	set_choice(r, field, value, "never", "always");
}

/* Root mounts there, so no part of it leads elsewhere. */
static void set_mount_point(struct reader *r, void *field, const char *value)
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

static void set_huge(struct reader *r, void *field, const char *value)
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

#define SERVICE(member)		offsetof(struct service, member)
#define MEMFD(member)		offsetof(struct memfd, member)
#define TMPFS(member)		offsetof(struct tmpfs, member)

static const struct key service_keys[] = {
	{ "start", set_command, SERVICE(start) },
	{ "resume", set_command, SERVICE(resume) },
	{ "save-command", set_command, SERVICE(save_command) },
	{ "save-signal", set_signal, SERVICE(save_signal) },
	{ "save-timeout", set_time, SERVICE(save_timeout) },
	{ "stop-command", set_command, SERVICE(stop_command) },
	{ "stop-timeout", set_time, SERVICE(stop_timeout) },
	{ "ready-command", set_command, SERVICE(ready_command) },
	{ "restart", set_yes_no, SERVICE(restart) },
	{ "retry", set_yes_no, SERVICE(retry) },
	{ "if-lost", set_if_lost, SERVICE(if_lost_hold) },
	{ "clock", set_yes_no, SERVICE(clock) },
	{ }
};

static const struct key memfd_keys[] = {
	{ "kind", set_kind, MEMFD(kind) },
	{ "path", set_path, MEMFD(path) },
	{ "size", set_size, MEMFD(size) },
	{ "hugetlb", set_hugetlb, MEMFD(huge) },
	{ "thp", set_thp, MEMFD(thp) },
	{ }
};

static const struct key tmpfs_keys[] = {
	{ "path", set_mount_point, TMPFS(path) },
	{ "size", set_size, TMPFS(size) },
	{ "huge", set_huge, TMPFS(huge) },
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
	return key->set == set_command;
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
	       !strncmp(line, "[service]", strlen("[service]")) ||
	       !strncmp(line, "[" TMPFS_SECTION "]",
			strlen("[" TMPFS_SECTION "]")) ||
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

/* What can be told only when all has been read, and what was left out. */
void keys_check(struct reader *r)
{
	struct service *svc = r->svc;

	if (!svc->start) {
		key_error(r, "section [service] needs the key \"start\"");
		return;
	}
	if (svc->save_command && svc->save_signal)
		key_error(r, "save-command and save-signal exclude each other");
	check_memfds(r);
	check_tmpfs(r);
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
