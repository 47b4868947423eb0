/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of interop share: see interop.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef INTEROP_H
#define INTEROP_H

#include "luo_util.h"

#define MIB		(1024 * 1024UL)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

enum layout {
	FULL,		/* all of it is written */
	EMPTY,		/* nothing is, it has but its size */
	SPARSE,		/* some pages apart */
	FAR,		/* some pages far apart */
	COMB,		/* every second page */
	UNWRITTEN,	/* all of it is allocated, the second page is written */
	HUGE,		/* as FULL, of huge pages */
	UNLINKED,	/* as FULL, a file without a name on tmpfs */
};

struct file {
	size_t size;
	enum layout layout;
	off_t pos;
	unsigned int flags;	/* of memfd_create(); MFD_ALLOW_SEALING if 0 */
	int add_seals;
	int seals;		/* it has besides; -1 if that does not matter */
};

/* interop_result.c; failed() notes the first reason, and is always false. */
extern char why[256];

bool failed(const char *format, ...);
void tell(const char *name);

/* interop_file.c */
int interop_make_file(const struct file *file, __u64 seed);
bool interop_file_is_kept(int fd, const struct file *file, __u64 seed);

/* interop_areas.c */
int interop_run_areas(const char *verb);

#endif /* INTEROP_H */
