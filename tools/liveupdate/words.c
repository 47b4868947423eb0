// SPDX-License-Identifier: GPL-2.0
/*
 * Splitting commands into words, by the rules that are in lukeep.conf(5):
 * quotations, backslashes and variables of the environment, and nothing else.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define BLANKS		" \t"
#define DIGITS		"0123456789"

/* What these begin is the shell's, and no word of a command. */
#define SHELL_ONLY	"|&;<>"
#define REDIRECTIONS	"<>"

/* A backslash in double quotes stands for itself before anything else. */
#define DOUBLE_QUOTED	"\"\\$`"

/**
 * struct splitter - a command that is being split
 * @at:	     what is to come
 * @resolve: put in the values of variables
 * @out:     the words so far, with a NUL after each
 * @len:     length of the last one
 * @error:   what is wrong, NULL when nothing is
 */
struct splitter {
	const char *at;
	bool resolve;
	FILE *out;
	size_t len;
	const char *error;
};

static void fail(struct splitter *s, const char *error)
{
	s->error = error;
}

static void put(struct splitter *s, char c)
{
	fputc(c, s->out);
	s->len++;
}

static size_t name_length(const char *at)
{
	const char *c = at;

	while (*c == '_' || isalpha((unsigned char)*c) ||
	       (c != at && isdigit((unsigned char)*c)))
		c++;
	return c - at;
}

static void put_value(struct splitter *s, const char *name, size_t len)
{
	char *copy = strndup(name, len);
	const char *value = copy ? getenv(copy) : NULL;

	if (!copy)
		fail(s, "out of memory");
	while (value && *value)
		put(s, *value++);
	free(copy);
}

/* $NAME, ${NAME}, or $$ for a dollar. */
static void put_variable(struct splitter *s)
{
	bool brace = s->at[1] == '{';
	const char *name = s->at + 1 + brace;
	size_t len = name_length(name);

	if (s->at[1] == '$') {
		put(s, '$');
		s->at += 2;
		return;
	}
	if (!len || (brace && name[len] != '}')) {
		fail(s,
		     "after a $ comes the name of a variable, as in $NAME or ${NAME}: write $$ for a dollar");
		return;
	}
	if (s->resolve)
		put_value(s, name, len);
	else
		put(s, '$');
	s->at = name + len + brace;
}

static void put_escaped(struct splitter *s, char quote)
{
	char c = *++s->at;

	if (!c) {
		fail(s,
		     "leave out the backslash at the end: a command goes on by itself in lines that are indented");
		return;
	}
	if (quote && !strchr(DOUBLE_QUOTED, c))
		put(s, '\\');
	put(s, c);
	s->at++;
}

/* As in "a | b" or "a 2>&1". */
static bool is_for_shell(const char *word)
{
	const char *redirection = word + strspn(word, DIGITS);

	return strchr(SHELL_ONLY, *word) ||
	       (*redirection && strchr(REDIRECTIONS, *redirection));
}

/* A word of nothing but variables that are empty or not set is none. */
static bool read_word(struct splitter *s)
{
	bool quoted = false;
	char c, quote = 0;

	s->len = 0;
	if (*s->at == '#')
		fail(s,
		     "there are no comments behind a command: give the comment a line of its own, or quote the word that begins with #");
	else if (is_for_shell(s->at))
		fail(s,
		     "a command is not run by a shell: quote a word that begins with | & ; < or >, or run sh -c '...'");
	while (!s->error && (c = *s->at) && (quote || !strchr(BLANKS, c))) {
		if (c == quote) {
			quote = 0;
			s->at++;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			quoted = true;
			s->at++;
		} else if (c == '$' && quote != '\'') {
			put_variable(s);
		} else if (c == '\\' && quote != '\'') {
			put_escaped(s, quote);
		} else {
			put(s, c);
			s->at++;
		}
	}
	if (!s->error && quote)
		fail(s, "a quotation is not closed");
	if (!s->len && !quoted)
		return false;
	fputc('\0', s->out);
	return true;
}

/* Pointers to the @nr words in @text, which they take over. */
static char **list(char *text, size_t nr)
{
	char **words = calloc(nr + 1, sizeof(*words));
	size_t i;

	if (!words || !nr) {
		free(text);
		return words;
	}
	words[0] = text;
	for (i = 1; i < nr; i++)
		words[i] = words[i - 1] + strlen(words[i - 1]) + 1;
	return words;
}

/*
 * Split @command. Without @resolve the variables do not have to be set, and the
 * words only tell that there are any. Returns them with a NULL at the end, or
 * NULL with what is wrong in @error.
 */
char **words_split(const char *command, bool resolve, const char **error)
{
	struct splitter s = { .at = command, .resolve = resolve };
	char *text = NULL;
	size_t size, nr = 0;

	*error = "out of memory";
	s.out = open_memstream(&text, &size);
	if (!s.out)
		return NULL;
	for (;;) {
		s.at += strspn(s.at, BLANKS);
		if (!*s.at || s.error)
			break;
		nr += read_word(&s);
	}
	if (ferror(s.out))
		s.error = "out of memory";
	if (fclose(s.out) || s.error) {
		*error = s.error ?: "out of memory";
		free(text);
		return NULL;
	}
	return list(text, nr);
}

void words_free(char **words)
{
	if (words)
		free(words[0]);
	free(words);
}
