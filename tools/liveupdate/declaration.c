// SPDX-License-Identifier: GPL-2.0
/*
 * Reading declarations: DIR/NAME.conf, see lukeep.conf(5).
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "message.h"
#include "processes.h"
#include "util.h"

/* More than any service needs; what is larger is no declaration. */
#define TEXT_MAX		65536

/* In which systemd keeps file descriptors of its services, from version 261 on. */
#define SYSTEMD_SESSION		"systemd"

/* What a line has between its words. */
#define BLANKS			" \t"

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

/* The variable that tells a service which file descriptor a memfd is. */
void declaration_variable(char variable[VARIABLE_SIZE], const char *name)
{
	char *c;

	snprintf(variable, VARIABLE_SIZE, VARIABLE_PREFIX "%s", name);
	for (c = variable; *c; c++) {
		if (!isalnum((unsigned char)*c))
			*c = '_';
	}
}

/*
 * From lines to sections, keys and values.
 */

/* The value is complete. */
static void end_value(struct reader *r)
{
	int line = r->line;

	if (!r->key)
		return;
	r->line = r->begin;
	key_set(r, r->key, r->value);
	r->line = line;
	r->key = NULL;
}

/* Does it end with a backslash that takes the meaning from what comes then? */
static bool ends_escaped(const char *value, const char *end)
{
	const char *c = end;

	while (c > value && c[-1] == '\\')
		c--;
	return (end - c) % 2;
}

/* A further line of a command: join them where the first one is. */
static void go_on(struct reader *r, const char *line)
{
	size_t len = strlen(line);

	if (!r->key || !key_goes_on(r->key)) {
		key_error(r,
			  "only a command goes on in an indented line: take the blanks before it away");
	} else if (key_begins(line)) {
		key_error(r,
			  "the line is indented, and so is part of the command above: take the blanks before it away, or quote it");
	} else if (ends_escaped(r->value, r->end)) {
		r->line = r->begin;
		key_error(r,
			  "leave out the backslash at the end of the line: a command goes on by itself in lines that are indented");
	} else {
		*r->end++ = ' ';
		memmove(r->end, line, len + 1);
		r->end += len;
	}
}

static void begin_memfd(struct reader *r, const char *name)
{
	char variable[VARIABLE_SIZE], other[VARIABLE_SIZE];
	struct service *svc = r->svc;
	struct memfd *m;

	if (!declaration_name_valid(name)) {
		key_error(r,
			  "section [%s] has no valid name: use 1 to %d letters, digits, dots, dashes and underscores",
			  key_shown(r->section), NAME_MAX_LEN);
		return;
	}
	if (svc->nr_memfds == LUKEEP_MAX_MEMFDS) {
		key_error(r, "a service has at most %d memfds",
			  LUKEEP_MAX_MEMFDS);
		return;
	}
	declaration_variable(variable, name);
	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		declaration_variable(other, m->name);
		if (!strcmp(m->name, name))
			key_error(r, "section [%s] is there twice", r->section);
		else if (!strcmp(variable, other))
			key_error(r,
				  "memfds %s and %s would have the same variable %s: rename one",
				  m->name, name, variable);
	}
	svc->nr_memfds++;
	*m = (struct memfd){ .fd = -1 };
	snprintf(m->name, sizeof(m->name), "%s", name);
	keys_of_memfd(r, m);
}

/* A section of which there is one. */
static void begin_only(struct reader *r, bool *there)
{
	if (*there)
		key_error(r, "section [%s] is there twice", r->section);
	*there = true;
}

/* [SECTION] */
static void begin_section(struct reader *r, char *line)
{
	char *end = line + strlen(line) - 1;

	if (*end != ']') {
		key_error(r, "the line begins with [ and does not end with ]");
		return;
	}
	*end = '\0';
	r->section = line + 1;
	r->seen = 0;
	if (!strncmp(r->section, MEMFD_SECTION, strlen(MEMFD_SECTION))) {
		begin_memfd(r, r->section + strlen(MEMFD_SECTION));
	} else if (!strcmp(r->section, TMPFS_SECTION)) {
		keys_of_tmpfs(r);
		begin_only(r, &r->tmpfs);
	} else if (!strcmp(r->section, PROCESS_SECTION)) {
		keys_of_process(r);
		begin_only(r, &r->process);
	} else if (!strcmp(r->section, "service")) {
		keys_of_service(r);
		begin_only(r, &r->service);
	} else {
		key_error(r,
			  "there is no section [%s]: use [service], [memfd NAME], [tmpfs] and [process]",
			  key_shown(r->section));
	}
}

/* KEY = VALUE */
static void begin_value(struct reader *r, char *line)
{
	char *value = strchr(line, '='), *end = value;

	if (!value) {
		key_error(r, "this is neither [SECTION] nor KEY = VALUE");
		return;
	}
	if (!r->section) {
		key_error(r, "there is no [SECTION] before this line");
		return;
	}
	while (end > line && strchr(BLANKS, end[-1]))
		end--;
	*end = '\0';
	r->key = key_find(r, line);
	r->value = value + 1 + strspn(value + 1, BLANKS);
	r->end = r->value + strlen(r->value);
	r->begin = r->line;
}

static bool is_utf8(const char *line)
{
	json_t *string = json_string(line);
	bool valid = string;

	json_decref(string);
	return valid;
}

static void read_line(struct reader *r, char *line)
{
	char *end = line + strlen(line), *text;

	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	text = line + strspn(line, BLANKS);
	if (!*text || *text == '#' || *text == ';')
		return;
	if (!is_utf8(text)) {
		/* What a service was started with is kept as JSON. */
		key_error(r, "the line is not UTF-8");
		return;
	}
	if (text != line) {
		go_on(r, text);
		return;
	}
	end_value(r);
	if (*r->error)
		return;
	if (*text == '[')
		begin_section(r, text);
	else
		begin_value(r, text);
}

static void read_lines(struct reader *r, char *text)
{
	char *line;

	while (!*r->error && (line = strsep(&text, "\n"))) {
		r->line++;
		read_line(r, line);
	}
	if (!*r->error)
		end_value(r);
	r->line = 0;
	if (!*r->error)
		keys_check(r);
}

/*
 * From a file to lines.
 */

static void check_text(struct reader *r, const char *text, size_t size)
{
	const char *nul = memchr(text, '\0', size), *c;

	if (size > TEXT_MAX)
		key_error(r,
			  "the file has more than %d bytes: is it a declaration?",
			  TEXT_MAX);
	if (!nul || *r->error)
		return;
	for (c = text, r->line = 1; c < nul; c++)
		r->line += *c == '\n';
	key_error(r, "the line has a NUL byte: is it text?");
}

static void read_text(struct reader *r, FILE *file)
{
	char *text = malloc(TEXT_MAX + 2);
	size_t size;

	if (!text) {
		key_error(r, "out of memory");
		return;
	}
	size = fread(text, 1, TEXT_MAX + 1, file);
	text[size] = '\0';
	if (ferror(file))
		key_error(r, "%s", strerror(errno));
	else
		check_text(r, text, size);
	if (!*r->error)
		read_lines(r, text);
	free(text);
}

/* Who can write @path can have us run what he likes. */
static void check_trust(struct reader *r, const char *path,
			const struct stat *st)
{
	if (st->st_uid && st->st_uid != geteuid())
		key_error(r,
			  "user %u owns %s, and could have any command run: chown root %s",
			  st->st_uid, path, path);
	else if (!(st->st_mode & 0022))
		return;
	else if (st->st_mode & S_ISVTX)
		key_error(r,
			  "others can write to the folder %s: move the declaration to another folder",
			  path);
	else
		key_error(r,
			  "others can write to %s, and so have any command run: chmod go-w %s",
			  path, path);
}

static void read_file(struct reader *r, FILE *file, const char *dir,
		      const char *path)
{
	struct stat st;

	if (stat(dir, &st)) {
		key_error(r, "cannot see who owns %s: %s", dir,
			  strerror(errno));
		return;
	}
	check_trust(r, dir, &st);
	if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode))
		key_error(r, "this is not a file");
	else
		check_trust(r, path, &st);
	if (!*r->error)
		read_text(r, file);
}

static void read_path(struct reader *r, const char *dir, const char *path)
{
	/* Opening a FIFO must not wait for who writes it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (file) {
		read_file(r, file, dir, path);
		fclose(file);
		return;
	}
	key_error(r, "%s%s", strerror(errno), errno == EACCES ?
		  ": it has to be readable for the user of its unit" : "");
	if (fd >= 0)
		close(fd);
}

static void check_name(struct reader *r, const char *name)
{
	if (!declaration_name_valid(name))
		key_error(r,
			  "\"%s\" is not a name: use 1 to %d letters, digits, dots, dashes and underscores",
			  name, NAME_MAX_LEN);
	if (!strcmp(name, SYSTEMD_SESSION))
		key_error(r,
			  "systemd has a session of this name for itself: rename the file, and the service with it");
}

void declaration_free(struct service *svc)
{
	int i;

	if (!svc)
		return;
	for (i = 0; i < svc->nr_memfds; i++)
		free(svc->memfd[i].path);
	free(svc->tmpfs.path);
	free(svc->tmpfs.huge);
	processes_free(&svc->processes);
	free(svc->start);
	free(svc->resume);
	free(svc->save_command);
	free(svc->stop_command);
	free(svc->ready_command);
	free(svc->early_files);
	free(svc->bridge);
	free(svc);
}

/* Read the declaration of a service. */
struct service *declaration_read(const char *dir, const char *name)
{
	struct reader r = { .svc = calloc(1, sizeof(*r.svc)) };
	char *path;

	if (!r.svc || asprintf(&path, "%s/%s" CONFIG_SUFFIX, dir, name) < 0) {
		pr_err("out of memory");
		free(r.svc);
		return NULL;
	}
	pages_init(&r.svc->pages);
	snprintf(r.svc->name, sizeof(r.svc->name), "%s", name);
	check_name(&r, name);
	if (!*r.error)
		read_path(&r, dir, path);
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
