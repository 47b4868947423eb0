/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The script that GRUB's configuration is, statement by statement.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_GRUB_SCRIPT_H
#define _LUKEEP_GRUB_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

/* A longer statement is cut off; none of grub-mkconfig comes near. */
#define GRUB_WORDS	128

/**
 * enum truth - what is known of a condition
 * @NO:	   it is false
 * @MAYBE: only GRUB can tell
 * @YES:   it is true
 */
enum truth {
	NO,
	MAYBE,
	YES,
};

/**
 * struct grub_word - a word of a statement, with its variables replaced
 * @text:    the word
 * @quoted:  it was in quotes, and so is no keyword
 * @unknown: a variable is in it whose value only GRUB can tell
 * @unset:   a variable is in it that has no value
 */
struct grub_word {
	char *text;
	bool quoted;
	bool unknown;
	bool unset;
};

/**
 * enum grub_end - what ends a statement
 * @GRUB_LINE:	it is complete
 * @GRUB_OPEN:	a block follows, which ends with a statement of GRUB_CLOSE
 * @GRUB_CLOSE: the end of a block; there are no words
 * @GRUB_EOF:	the end of the script; there are no words
 */
enum grub_end {
	GRUB_LINE,
	GRUB_OPEN,
	GRUB_CLOSE,
	GRUB_EOF,
};

/**
 * struct grub_statement - a command with its words, or a keyword
 * @words: the words
 * @nr:	   number of @words
 * @unset: a word is missing, as its variable has no value
 * @end:   what ends it
 */
struct grub_statement {
	struct grub_word words[GRUB_WORDS];
	size_t nr;
	bool unset;
	enum grub_end end;
};

struct grub_variable;

/**
 * struct grub_script - a script that is being read
 * @at:	       what is read next
 * @variables: all variables that have been set
 */
struct grub_script {
	const char *at;
	struct grub_variable *variables;
};

void grub_set(struct grub_script *script, const char *name, const char *value);
const char *grub_get(const struct grub_script *script, const char *name,
		     bool *unknown);
void grub_statement_read(struct grub_script *script,
			 struct grub_statement *statement);
void grub_statement_free(struct grub_statement *statement);
bool grub_is(const struct grub_statement *statement, const char *keyword);
enum truth grub_condition(const struct grub_statement *statement);
void grub_variables_free(struct grub_script *script);

#endif /* _LUKEEP_GRUB_SCRIPT_H */
