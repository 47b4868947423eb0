/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of bench share: see bench.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define PAGE		4096UL

enum layout { CONTIGUOUS, ALTERNATE, HALF };

struct file {
	int fd;
	size_t pages;
	uint64_t *map;
};

/* bench_util.c */
unsigned long long clock_read(void);
__attribute__((format(printf, 1, 2)))
void report(const char *format, ...);
__attribute__((noreturn))
void fail(const char *what);
void end(void);
long checked(long result, const char *what);
void step(const char *name, long long count);
const char *param(const char *name);
size_t number_param(const char *name, size_t otherwise);
void write_file(const char *path, const char *text);
void set_up(void);

/* bench_pages.c */
enum layout layout(void);
void expect_pages(size_t pages);
void fill(struct file *file, size_t pages);
void thin_out(const struct file *file, enum layout layout);
void report_pages(void);

/* bench_tmpfs.c */
int tmpfs_make(size_t nr);
unsigned long tmpfs_check(int root, size_t nr);

/* bench_pipe.c */
void fill_pipe(struct file *file, size_t pages);
unsigned long check_pipe(int fd);

/* bench_use.c */
void use(void);

#endif /* BENCH_H */
