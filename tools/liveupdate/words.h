/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Splitting commands into words.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_WORDS_H
#define _LUKEEP_WORDS_H

#include <stdbool.h>

char **words_split(const char *command, bool resolve, const char **error);
void words_free(char **words);

#endif /* _LUKEEP_WORDS_H */
