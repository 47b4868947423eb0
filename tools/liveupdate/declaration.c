// SPDX-License-Identifier: GPL-2.0
/*
 * Reading declarations: DIR/NAME.conf, see lukeep.conf(5).
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>

#include "lukeep.h"

#define SAVE_TIMEOUT		60
#define SAVE_TIMEOUT_MAX	86400
#define MEMFD_SECTION		"memfd "

/* In which systemd keeps file descriptors of its services, from version 261 on. */
#define SYSTEMD_SESSION		"systemd"

/**
 * struct reader - the declaration that is being read
 * @svc:    what has been read so far
 * @file:   the file
 * @line:   its line that is read, 0 before and after
 * @error:  what is wrong with it, first of all
 * @wrong:  the line on which that is, 0 for the file as a whole
 * @kinds:  bit mask of the memfds whose kind was given
 */
struct reader {
	struct service *svc;
	FILE *file;
	int line;
	char error[256];
	int wrong;
	unsigned int kinds;
};

/* The parser goes on after an error; the first one is what we report. */
static int conf_err(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	if (*r->error)
		return 0;
	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
	r->wrong = r->line;
	return 0;
}

/* Names become names of sessions, files, sockets and variables. */
bool declaration_name_valid(const char *name)
{
	const char *c;

	for (c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return false;
	}
	return c != name && c - name <= NAME_MAX_LEN && *name != '.';
}

/* A command may go on in further lines, which are indented. */
static int set_command(struct reader *r, char **command, const char *value)
{
	char *old = *command;
	wordexp_t words;
	int ret;

	if (asprintf(command, "%s%s%s", old ?: "", old ? " " : "", value) < 0) {
		*command = old;
		return conf_err(r, "out of memory");
	}
	free(old);
	ret = wordexp(*command, &words, WRDE_NOCMD);
	if (!ret)
		wordfree(&words);
	if (ret == WRDE_BADCHAR || ret == WRDE_CMDSUB)
		return conf_err(r,
				"a command is not run by a shell: quote | & ; < > ( ) { } and `, or run sh -c '...'");
	/* A quotation may be closed on a line to come, see check(). */
	return 1;
}

static int set_signal(struct reader *r, const char *value)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "TERM", SIGTERM }, { "INT", SIGINT }, { "HUP", SIGHUP },
		{ "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	};
	size_t i;

	if (!strncmp(value, "SIG", 3))
		value += 3;
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		if (!strcmp(signals[i].name, value)) {
			r->svc->save_signal = signals[i].number;
			return 1;
		}
	}
	return conf_err(r,
			"\"%s\" is not a save signal: use TERM, INT, HUP, USR1 or USR2",
			value);
}

static int set_timeout(struct reader *r, const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end || n < 1 || n > SAVE_TIMEOUT_MAX)
		return conf_err(r, "\"%s\" is not a time: use 1 to %d seconds",
				value, SAVE_TIMEOUT_MAX);
	r->svc->save_timeout = n;
	return 1;
}

/* One of two words. */
static int set_choice(struct reader *r, bool *choice, const char *value,
		      const char *no, const char *yes)
{
	if (strcmp(value, no) && strcmp(value, yes))
		return conf_err(r, "\"%s\" is neither %s nor %s",
				value, no, yes);
	*choice = !strcmp(value, yes);
	return 1;
}

static int set_size(struct reader *r, struct memfd *m, const char *value)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	int shift = 0;

	errno = 0;
	m->size = strtoull(value, &end, 10);
	if (*end) {
		unit = strchr(units, *end);
		shift = unit && !end[1] ? 10 * (unit - units + 1) : -1;
	}
	if (!isdigit((unsigned char)*value) || errno || shift < 0 ||
	    m->size >= 1ULL << (62 - shift))
		return conf_err(r,
				"\"%s\" is not a size: use a number of bytes, or of KiB, MiB, GiB or TiB with K, M, G or T",
				value);
	m->size <<= shift;
	return 1;
}

static int service_key(struct reader *r, const char *key, const char *value)
{
	struct service *svc = r->svc;

	if (!strcmp(key, "start"))
		return set_command(r, &svc->start, value);
	if (!strcmp(key, "resume"))
		return set_command(r, &svc->resume, value);
	if (!strcmp(key, "save-command"))
		return set_command(r, &svc->save_command, value);
	if (!strcmp(key, "save-signal"))
		return set_signal(r, value);
	if (!strcmp(key, "save-timeout"))
		return set_timeout(r, value);
	if (!strcmp(key, "restart"))
		return set_choice(r, &svc->restart, value, "no", "yes");
	if (!strcmp(key, "retry"))
		return set_choice(r, &svc->retry, value, "no", "yes");
	if (!strcmp(key, "if-lost"))
		return set_choice(r, &svc->if_lost_hold, value, "start", "hold");
	return conf_err(r, "section [service] has no key \"%s\"", key);
}

/* The memfd of a section, which is new when it is named for the first time. */
static struct memfd *find_memfd(struct reader *r, const char *name)
{
	struct service *svc = r->svc;
	struct memfd *m;

	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (!strcmp(m->name, name))
			return m;
	}
	if (!declaration_name_valid(name)) {
		conf_err(r,
			 "\"%s\" is not a name: use letters, digits, dots, dashes and underscores",
			 name);
		return NULL;
	}
	if (svc->nr_memfds == LUKEEP_MAX_MEMFDS) {
		conf_err(r, "a service has at most %d memfds",
			 LUKEEP_MAX_MEMFDS);
		return NULL;
	}
	svc->nr_memfds++;
	*m = (struct memfd){ .fd = -1 };
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m;
}

static int set_path(struct reader *r, struct memfd *m, const char *value)
{
	const struct memfd *other;

	if (*value != '/')
		return conf_err(r, "the path %s does not begin with a slash",
				value);
	for (other = r->svc->memfd; other < r->svc->memfd + r->svc->nr_memfds;
	     other++) {
		if (other->path && !strcmp(other->path, value))
			return conf_err(r, "the path %s is used twice", value);
	}
	m->path = strdup(value);
	return m->path ? 1 : conf_err(r, "out of memory");
}

static int memfd_key(struct reader *r, const char *name, const char *key,
		     const char *value)
{
	struct memfd *m = find_memfd(r, name);
	bool save;

	if (!m)
		return 0;
	if (!strcmp(key, "kind")) {
		if (!set_choice(r, &save, value, "memory", "save"))
			return 0;
		m->kind = save ? MEMFD_SAVE : MEMFD_MEMORY;
		r->kinds |= 1U << (m - r->svc->memfd);
		return 1;
	}
	if (!strcmp(key, "path"))
		return set_path(r, m, value);
	if (!strcmp(key, "size"))
		return set_size(r, m, value);
	return conf_err(r, "section [memfd %s] has no key \"%s\"", name, key);
}

static int set_key(void *user, const char *section, const char *key,
		   const char *value)
{
	struct reader *r = user;

	if (!strcmp(section, "service"))
		return service_key(r, key, value);
	if (!strncmp(section, MEMFD_SECTION, strlen(MEMFD_SECTION)))
		return memfd_key(r, section + strlen(MEMFD_SECTION), key, value);
	return conf_err(r,
			"there is no section [%s]: use [service] and [memfd NAME]",
			section);
}

/* Like fgets(); counts the lines, and does not let one be cut in two. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reader *r = stream;

	if (!fgets(buf, size, r->file))
		return NULL;
	r->line++;
	if (!strchr(buf, '\n') && !feof(r->file)) {
		conf_err(r,
			 "the line has more than %d bytes: go on in a further line, indented",
			 size - 2);
		return NULL;
	}
	return buf;
}

static void check_command(struct reader *r, const char *key,
			  const char *command)
{
	wordexp_t words;
	bool empty;

	if (!command)
		return;
	if (wordexp(command, &words, WRDE_NOCMD)) {
		conf_err(r, "%s: a quotation is not closed", key);
		return;
	}
	empty = !words.we_wordc;
	wordfree(&words);
	if (empty)
		conf_err(r, "%s: there is no command", key);
}

/* What can be told only when all has been read. */
static void check(struct reader *r)
{
	struct service *svc = r->svc;
	const struct memfd *m;
	int i;

	if (!svc->start)
		conf_err(r, "section [service] has no key \"start\"");
	check_command(r, "start", svc->start);
	check_command(r, "resume", svc->resume);
	check_command(r, "save-command", svc->save_command);
	if (svc->save_command && svc->save_signal)
		conf_err(r, "save-command and save-signal exclude each other");
	for (i = 0; i < svc->nr_memfds; i++) {
		m = &svc->memfd[i];
		if (!(r->kinds & 1U << i))
			conf_err(r, "section [memfd %s] has no key \"kind\"",
				 m->name);
		if (m->kind == MEMFD_SAVE && m->size)
			conf_err(r,
				 "memfd %s: what is saved has the size it gets; leave it out",
				 m->name);
	}
	if (!svc->save_signal)
		svc->save_signal = SIGTERM;
	if (!svc->resume && svc->start)
		svc->resume = strdup(svc->start);
}

void declaration_free(struct service *svc)
{
	int i;

	if (!svc)
		return;
	for (i = 0; i < svc->nr_memfds; i++)
		free(svc->memfd[i].path);
	free(svc->start);
	free(svc->resume);
	free(svc->save_command);
	free(svc);
}

/* Read the declaration of a service. */
struct service *declaration_read(const char *dir, const char *name)
{
	struct reader r = { .svc = calloc(1, sizeof(*r.svc)) };
	char *path;

	if (!r.svc || asprintf(&path, "%s/%s.conf", dir, name) < 0) {
		pr_err("out of memory");
		free(r.svc);
		return NULL;
	}
	r.svc->save_timeout = SAVE_TIMEOUT;
	snprintf(r.svc->name, sizeof(r.svc->name), "%s", name);
	r.file = fopen(path, "re");
	if (!r.file) {
		conf_err(&r, "%s", strerror(errno));
	} else if (!declaration_name_valid(name)) {
		conf_err(&r, "\"%s\" is not a name: use 1 to %d letters, digits, dots, dashes and underscores",
			 name, NAME_MAX_LEN);
	} else if (!strcmp(name, SYSTEMD_SESSION)) {
		conf_err(&r, "systemd has a session of this name for itself: rename the file, and the service with it");
	} else {
		r.line = ini_parse_stream(read_line, &r, set_key, &r);
		if (r.line)
			conf_err(&r, "this is neither [SECTION] nor KEY = VALUE");
		check(&r);
	}
	if (r.file)
		fclose(r.file);
	if (*r.error) {
		if (r.wrong)
			pr_err("%s:%d: %s", path, r.wrong, r.error);
		else
			pr_err("%s: %s", path, r.error);
		declaration_free(r.svc);
		r.svc = NULL;
	}
	free(path);
	return r.svc;
}
