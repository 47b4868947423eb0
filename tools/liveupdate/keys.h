/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys of a declaration, for declaration.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_KEYS_H
#define _LUKEEP_KEYS_H

#include "declaration.h"

#define MEMFD_SECTION		"memfd "
#define TMPFS_SECTION		"tmpfs"
#define PROCESS_SECTION		"process"

/**
 * struct reader - a declaration that is being read
 * @svc:    what has been read so far
 * @memfd:  the memfd whose section is read
 * @section: name of the section, NULL before the first one
 * @keys:   the keys of that section
 * @whole:  what they are for
 * @service: there was the section [service]
 * @tmpfs:  there was the section [tmpfs]
 * @process: there was the section [process]
 * @seen:   bit mask of the keys that the section has
 * @kinds:  bit mask of the memfds that have a kind
 * @key:    the key whose value may go on in the next line, or NULL
 * @value:  its value so far
 * @end:    where that ends
 * @line:   the line that is read, 0 before and after
 * @begin:  the line in which @key is
 * @error:  what is wrong; nothing is read after it
 * @wrong:  the line in which that is, 0 for the file as a whole
 */
struct reader {
	struct service *svc;
	struct memfd *memfd;
	const char *section;
	const struct key *keys;
	void *whole;
	bool service;
	bool tmpfs;
	bool process;
	unsigned int seen;
	unsigned int kinds;
	const struct key *key;
	char *value;
	char *end;
	int line;
	int begin;
	char error[512];
	int wrong;
};

/* values.c */
void key_error(struct reader *r, const char *fmt, ...);
const char *key_shown(const char *value);

/* keys.c */
void keys_of_service(struct reader *r);
void keys_of_memfd(struct reader *r, struct memfd *m);
void keys_of_tmpfs(struct reader *r);
void keys_of_process(struct reader *r);
const struct key *key_find(struct reader *r, const char *name);
void key_set(struct reader *r, const struct key *key, const char *value);
bool key_goes_on(const struct key *key);
bool key_begins(const char *line);
void keys_check(struct reader *r);

#endif /* _LUKEEP_KEYS_H */
