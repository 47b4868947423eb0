// SPDX-License-Identifier: GPL-2.0
/*
 * GRUB's menu, as grub-mkconfig writes it.
 *
 * What only GRUB can tell, as by a test of the firmware, is not guessed: an entry
 * that depends on it is marked so.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "grub.h"
#include "grub_script.h"
#include "util.h"

/* No menu has so many levels of blocks. */
#define DEPTH_MAX	32

#define SEVERAL_KERNELS	"it loads more than one kernel"
#define SEVERAL_INITRDS	"it loads more than one initramfs"
#define UNKNOWN_WORDS	"its words depend on what only GRUB knows"

/**
 * struct menu - the menu while it is read
 * @script: what is read
 * @folder: where it is
 * @where:  where the next entry goes
 * @entry:  the entry whose commands are read, or NULL
 * @depth:  how deep the block is nested
 * @custom: custom.cfg has been read
 */
struct menu {
	struct grub_script script;
	const char *folder;
	struct grub_entry **where;
	struct grub_entry *entry;
	int depth;
	bool custom;
};

static void read_block(struct menu *m, enum truth live, const char *const ends[],
		       struct grub_statement *last);

/* Read a whole file; NULL with errno set if that is not possible. */
static char *read_file(const char *folder, const char *name)
{
	char *path, *text = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		alloc_failed();
	f = fopen(path, "re");
	free(path);
	if (!f)
		return NULL;
	n = getdelim(&text, &size, '\0', f);
	if (n < 0) {
		free(text);
		text = ferror(f) ? NULL : alloc_copy("");
	}
	fclose(f);
	return text;
}

/*
 * Entries.
 */

/* The words behind the kernel, put together as GRUB does. */
static char *join_options(const struct grub_statement *s)
{
	char *options;
	size_t i;
	FILE *to;

	to = alloc_stream(&options);
	for (i = 2; i < s->nr; i++)
		fprintf(to, strchr(s->words[i].text, ' ') ? "%s\"%s\"" : "%s%s",
			i > 2 ? " " : "", s->words[i].text);
	alloc_stream_close(to);
	return options;
}

static bool depends_on_grub(const struct grub_statement *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++) {
		if (s->words[i].unknown || s->words[i].unset)
			return true;
	}
	return s->unset || s->nr == GRUB_WORDS;
}

static bool is_any(const struct grub_statement *s, const char *const names[])
{
	for (; *names; names++) {
		if (grub_is(s, *names))
			return true;
	}
	return false;
}

/* A command of an entry. */
static void entry_command(struct grub_entry *e, const struct grub_statement *s,
			  enum truth live)
{
	static const char *const kernels[] = {
		"linux", "linuxefi", "linux16", NULL
	};
	static const char *const initrds[] = {
		"initrd", "initrdefi", "initrd16", NULL
	};
	bool kernel = is_any(s, kernels);

	if ((!kernel && !is_any(s, initrds)) || s->nr < 2)
		return;
	if (live == MAYBE || depends_on_grub(s))
		e->problem = UNKNOWN_WORDS;
	else if (kernel && e->kernel)
		e->problem = SEVERAL_KERNELS;
	else if (!kernel && (e->initrd || s->nr > 2))
		e->problem = SEVERAL_INITRDS;
	if (kernel && !e->kernel) {
		e->kernel = alloc_copy(s->words[1].text);
		e->options = join_options(s);
	} else if (!kernel && !e->initrd) {
		e->initrd = alloc_copy(s->words[1].text);
	}
}

/* Options of an entry that have a value, besides --id. */
static bool has_value(const char *option)
{
	return !strcmp(option, "--class") || !strcmp(option, "--users") ||
	       !strcmp(option, "--hotkey") || !strcmp(option, "--source");
}

static struct grub_entry *make_entry(const struct grub_statement *s)
{
	struct grub_entry *e = alloc_zeroed(sizeof(*e));
	const char *title = "", *id = "", *word;
	size_t i;

	for (i = 1; i < s->nr; i++) {
		word = s->words[i].text;
		if (!strcmp(word, "--id") && i + 1 < s->nr)
			id = s->words[++i].text;
		else if (!strncmp(word, "--id=", 5))
			id = word + 5;
		else if (has_value(word))
			i++;
		else if (strncmp(word, "--", 2) && !*title)
			title = word;
	}
	e->title = alloc_copy(title);
	e->id = alloc_copy(id);
	e->submenu = grub_is(s, "submenu");
	return e;
}

/* An entry or a submenu, with the block that follows. */
static void read_entry(struct menu *m, const struct grub_statement *s,
		       enum truth live)
{
	struct grub_entry *outer = m->entry, *e, **where;
	struct grub_statement last;

	e = make_entry(s);
	e->maybe = live == MAYBE;
	if (e->submenu) {
		where = m->where;
		m->where = &e->children;
		read_block(m, live ? YES : NO, NULL, &last);
		m->where = where;
	} else {
		m->entry = e;
		read_block(m, live ? YES : NO, NULL, &last);
		m->entry = outer;
	}
	if (live == NO || outer) {
		grub_free(e);
		return;
	}
	*m->where = e;
	m->where = &e->next;
}

/*
 * Blocks.
 */

/* What "if" leads to, up to its "fi". */
static void read_if(struct menu *m, const struct grub_statement *s,
		    enum truth live)
{
	static const char *const then[] = { "then", NULL };
	static const char *const ends[] = { "elif", "else", "fi", NULL };
	enum truth condition = grub_condition(s), branch;
	struct grub_statement last;

	for (;;) {
		read_block(m, NO, then, &last);
		if (last.end == GRUB_EOF)
			return;
		grub_statement_free(&last);
		branch = condition < live ? condition : live;
		if (YES - condition < live)
			live = YES - condition;
		read_block(m, branch, ends, &last);
		while (grub_is(&last, "else")) {
			grub_statement_free(&last);
			read_block(m, live, ends, &last);
		}
		if (!grub_is(&last, "elif"))
			break;
		condition = grub_condition(&last);
		grub_statement_free(&last);
	}
	grub_statement_free(&last);
}

static void skip_loop(struct menu *m)
{
	static const char *const ends[] = { "done", NULL };
	struct grub_statement last;

	read_block(m, NO, ends, &last);
	grub_statement_free(&last);
}

/* NAME=VALUE */
static void assign(struct menu *m, const struct grub_word *word,
		   enum truth live)
{
	char *name = word->text, *equals = strchr(name, '=');
	const char *old;
	bool unknown;

	if (!equals || live == NO || m->entry)
		return;
	*equals = '\0';
	old = grub_get(&m->script, name, &unknown);
	if (word->unknown ||
	    (live == MAYBE && (unknown || strcmp(old ?: "", equals + 1))))
		grub_set(&m->script, name, NULL);
	else
		grub_set(&m->script, name, equals + 1);
	*equals = '=';
}

/* The administrator's own part, which is in a file beside GRUB's. */
static void read_custom(struct menu *m, const struct grub_statement *s)
{
	static const char name[] = "custom.cfg";
	const char *at = m->script.at, *base;
	struct grub_statement last;
	char *text;

	if (s->nr != 2 || m->custom || m->entry)
		return;
	base = strrchr(s->words[1].text, '/');
	if (strcmp(base ? base + 1 : s->words[1].text, name))
		return;
	m->custom = true;
	text = read_file(m->folder, name);
	if (!text)
		return;
	m->script.at = text;
	read_block(m, YES, NULL, &last);
	grub_statement_free(&last);
	m->script.at = at;
	free(text);
}

static bool is_assignment(const struct grub_statement *s)
{
	return s->nr == 1 && !s->words[0].unknown &&
	       (isalpha((unsigned char)*s->words[0].text) ||
		*s->words[0].text == '_');
}

static void read_statement(struct menu *m, const struct grub_statement *s,
			   enum truth live)
{
	static const char *const entries[] = { "menuentry", "submenu", NULL };
	static const char *const loops[] = { "for", "while", "until", NULL };
	struct grub_statement last;

	if (s->end == GRUB_OPEN && is_any(s, entries)) {
		read_entry(m, s, live);
	} else if (s->end == GRUB_OPEN) {
		read_block(m, s->nr ? NO : live, NULL, &last);
		grub_statement_free(&last);
	} else if (grub_is(s, "if")) {
		read_if(m, s, live);
	} else if (is_any(s, loops)) {
		skip_loop(m);
	} else if (grub_is(s, "set") && s->nr == 2) {
		assign(m, &s->words[1], live);
	} else if (is_assignment(s)) {
		assign(m, &s->words[0], live);
	} else if (live != NO && (grub_is(s, "source") || grub_is(s, "."))) {
		read_custom(m, s);
	} else if (live != NO && m->entry) {
		entry_command(m->entry, s, live);
	}
}

/*
 * Read statements up to the end of the block, or one of the keywords in @ends,
 * which is left in @last. They are carried out as @live says.
 */
static void read_block(struct menu *m, enum truth live, const char *const ends[],
		       struct grub_statement *last)
{
	if (++m->depth > DEPTH_MAX)
		m->script.at = "";
	for (;;) {
		grub_statement_read(&m->script, last);
		if (last->end == GRUB_EOF ||
		    (!ends && last->end == GRUB_CLOSE) ||
		    (ends && is_any(last, ends)))
			break;
		read_statement(m, last, live);
		grub_statement_free(last);
	}
	m->depth--;
}

/*
 * The whole.
 */

/* What "save_env" has saved, but for what is for a single boot. */
static void read_environment(struct menu *m)
{
	char *text = read_file(m->folder, "grubenv"), *line, *rest, *equals;

	if (!text)
		return;
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		equals = strchr(line, '=');
		if (*line == '#' || !equals)
			continue;
		*equals = '\0';
		if (strcmp(line, "next_entry"))
			grub_set(&m->script, line, equals + 1);
	}
	free(text);
}

/*
 * Read the menu in a folder. @chosen is set to what names the entry that GRUB
 * boots, NULL if only GRUB can tell. Returns NULL with errno set when the menu
 * cannot be read, or is empty.
 */
struct grub_entry *grub_read(const char *folder, char **chosen)
{
	static const char *const unknown[] = { "grub_platform", "grub_cpu", "?" };
	char *text = read_file(folder, "grub.cfg");
	struct grub_entry *entries = NULL;
	struct menu m = { .folder = folder, .where = &entries };
	struct grub_statement last;
	const char *value;
	bool is_unknown;
	size_t i;

	*chosen = NULL;
	if (!text)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		grub_set(&m.script, unknown[i], NULL);
	grub_set(&m.script, "feature_menuentry_id", "y");
	read_environment(&m);
	m.script.at = text;
	/* A block that is closed and never opened does not end the script. */
	do {
		read_block(&m, YES, NULL, &last);
	} while (last.end != GRUB_EOF);
	value = grub_get(&m.script, "default", &is_unknown);
	if (!is_unknown)
		*chosen = alloc_copy(value ?: "");
	grub_variables_free(&m.script);
	free(text);
	errno = ENOENT;
	return entries;
}

void grub_free(struct grub_entry *menu)
{
	struct grub_entry *e;

	while ((e = menu)) {
		menu = e->next;
		grub_free(e->children);
		free(e->title);
		free(e->id);
		free(e->kernel);
		free(e->initrd);
		free(e->options);
		free(e);
	}
}
