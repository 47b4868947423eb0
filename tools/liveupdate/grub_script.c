// SPDX-License-Identifier: GPL-2.0
/*
 * The script that GRUB's configuration is, statement by statement.
 *
 * This is as much of the language as grub-mkconfig writes. Variables are replaced
 * as far as their values are known without GRUB.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "grub_script.h"

/**
 * struct grub_variable - a variable
 * @next:  the next one
 * @value: its value, NULL if only GRUB can tell
 * @name:  its name
 */
struct grub_variable {
	struct grub_variable *next;
	char *value;
	char name[];
};

static struct grub_variable *find(const struct grub_script *script,
				  const char *name, size_t len)
{
	struct grub_variable *v;

	for (v = script->variables; v; v = v->next) {
		if (!strncmp(v->name, name, len) && !v->name[len])
			return v;
	}
	return NULL;
}

/* Set a variable, with @value NULL to what only GRUB can tell. */
void grub_set(struct grub_script *script, const char *name, const char *value)
{
	struct grub_variable *v = find(script, name, strlen(name));

	if (!v) {
		v = alloc_zeroed(sizeof(*v) + strlen(name) + 1);
		memcpy(v->name, name, strlen(name));
		v->next = script->variables;
		script->variables = v;
	}
	free(v->value);
	v->value = value ? alloc_copy(value) : NULL;
}

/* The value of a variable, NULL when it is not set or not known. */
const char *grub_get(const struct grub_script *script, const char *name,
		     bool *unknown)
{
	const struct grub_variable *v = find(script, name, strlen(name));

	*unknown = v && !v->value;
	return v ? v->value : NULL;
}

void grub_variables_free(struct grub_script *script)
{
	struct grub_variable *v;

	while ((v = script->variables)) {
		script->variables = v->next;
		free(v->value);
		free(v);
	}
}

/* Is there a blank, or what ends a statement? */
static bool is_end(char c)
{
	return !c || strchr(" \t\n;", c);
}

/* Replace a variable; the script is at its dollar sign. */
static void read_variable(struct grub_script *script, struct grub_word *word,
			  FILE *to)
{
	const char *name = script->at + 1;
	const struct grub_variable *v;
	bool braces = *name == '{';
	size_t len = 0;

	name += braces;
	if (*name == '?')
		len = 1;
	else
		while (isalnum((unsigned char)name[len]) || name[len] == '_')
			len++;
	if (!len) {		/* no variable, or one of a function */
		fputc('$', to);
		word->unknown = true;
		script->at++;
		return;
	}
	v = find(script, name, len);
	if (!v)
		word->unset = true;
	else if (!v->value)
		word->unknown = true;
	else
		fputs(v->value, to);
	script->at = name + len;
	if (braces && *script->at == '}')
		script->at++;
}

/* Read on after a backslash. */
static void read_escaped(struct grub_script *script, FILE *to)
{
	script->at++;
	if (!*script->at)
		return;
	if (*script->at != '\n')
		fputc(*script->at, to);
	script->at++;
}

/* Read what is in quotes; the script is at the first one. */
static void read_quoted(struct grub_script *script, struct grub_word *word,
			FILE *to)
{
	char quote = *script->at++;

	word->quoted = true;
	while (*script->at && *script->at != quote) {
		if (quote == '"' && *script->at == '$')
			read_variable(script, word, to);
		else if (quote == '"' && *script->at == '\\' &&
			 strchr("$\"\\\n", script->at[1]))
			read_escaped(script, to);
		else
			fputc(*script->at++, to);
	}
	if (*script->at)
		script->at++;
}

/* Read a word; false if there is nothing of it. */
static bool read_word(struct grub_script *script, struct grub_word *word)
{
	FILE *to;

	*word = (struct grub_word){ };
	to = alloc_stream(&word->text);
	while (!is_end(*script->at)) {
		if (*script->at == '\'' || *script->at == '"')
			read_quoted(script, word, to);
		else if (*script->at == '$')
			read_variable(script, word, to);
		else if (*script->at == '\\')
			read_escaped(script, to);
		else
			fputc(*script->at++, to);
	}
	alloc_stream_close(to);
	if (*word->text || word->quoted || word->unknown)
		return true;
	free(word->text);
	word->text = NULL;
	return false;
}

/* Skip blanks and a comment; returns what comes then. */
static char skip_blanks(struct grub_script *script)
{
	for (;;) {
		if (script->at[0] == '\\' && script->at[1] == '\n')
			script->at += 2;
		else if (*script->at == ' ' || *script->at == '\t')
			script->at++;
		else
			break;
	}
	if (*script->at == '#')
		script->at += strcspn(script->at, "\n");
	return *script->at;
}

/* A keyword that is followed by a statement without anything between. */
static bool is_lead(const struct grub_statement *s)
{
	return grub_is(s, "then") || grub_is(s, "else") || grub_is(s, "do");
}

/* Read the next statement. Free it by grub_statement_free(). */
void grub_statement_read(struct grub_script *script, struct grub_statement *s)
{
	struct grub_word word;
	char c;

	s->nr = 0;
	s->unset = false;
	for (;;) {
		c = skip_blanks(script);
		s->end = GRUB_LINE;
		if (!c) {
			if (!s->nr)
				s->end = GRUB_EOF;
			return;
		}
		if (c == '\n' || c == ';') {
			script->at++;
			if (s->nr)
				return;
			continue;
		}
		if ((c == '{' || c == '}') && is_end(script->at[1])) {
			if (c == '}' && s->nr)
				return;
			script->at++;
			s->end = c == '{' ? GRUB_OPEN : GRUB_CLOSE;
			return;
		}
		if (!read_word(script, &word)) {
			s->unset |= word.unset;
			continue;
		}
		if (s->nr == GRUB_WORDS)
			free(word.text);
		else
			s->words[s->nr++] = word;
		if (is_lead(s))
			return;
	}
}

void grub_statement_free(struct grub_statement *s)
{
	while (s->nr)
		free(s->words[--s->nr].text);
}

/* Does a statement begin with this keyword or command? */
bool grub_is(const struct grub_statement *s, const char *keyword)
{
	return s->nr && !s->words[0].quoted && !s->words[0].unknown &&
	       !strcmp(s->words[0].text, keyword);
}

static enum truth truth(bool is)
{
	return is ? YES : NO;
}

/* Is the condition of an "if" or "elif" true? */
enum truth grub_condition(const struct grub_statement *s)
{
	const struct grub_word *w = s->words;
	size_t i;

	/* w[0] is the keyword */
	if (s->nr < 3 || strcmp(w[1].text, "[") ||
	    strcmp(w[s->nr - 1].text, "]"))
		return MAYBE;
	for (i = 2; i < s->nr - 1; i++) {
		if (w[i].unknown)
			return MAYBE;
	}
	if (s->nr == 3)
		return NO;
	if (s->nr == 4)
		return truth(*w[2].text);
	if (s->nr == 5 && !strcmp(w[2].text, "-z"))
		return truth(!*w[3].text);
	if (s->nr == 5 && !strcmp(w[2].text, "-n"))
		return truth(*w[3].text);
	if (s->nr != 6)
		return MAYBE;
	if (!strcmp(w[3].text, "=") || !strcmp(w[3].text, "=="))
		return truth(!strcmp(w[2].text, w[4].text));
	if (!strcmp(w[3].text, "!="))
		return truth(strcmp(w[2].text, w[4].text));
	return MAYBE;
}
