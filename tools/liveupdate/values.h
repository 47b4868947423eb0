/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The values of keys, for keys.c: each function takes one into a field.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_VALUES_H
#define _LUKEEP_VALUES_H

struct reader;

void value_command(struct reader *r, void *field, const char *value);
void value_huge(struct reader *r, void *field, const char *value);
void value_count(struct reader *r, void *field, const char *value);
void value_hugetlb(struct reader *r, void *field, const char *value);
void value_container(struct reader *r, void *field, const char *value);
void value_if_failed(struct reader *r, void *field, const char *value);
void value_if_lost(struct reader *r, void *field, const char *value);
void value_kind(struct reader *r, void *field, const char *value);
void value_mount_point(struct reader *r, void *field, const char *value);
void value_pages(struct reader *r, void *field, const char *value);
void value_path(struct reader *r, void *field, const char *value);
void value_signal(struct reader *r, void *field, const char *value);
void value_size(struct reader *r, void *field, const char *value);
void value_thp(struct reader *r, void *field, const char *value);
void value_time(struct reader *r, void *field, const char *value);
void value_yes_no(struct reader *r, void *field, const char *value);

#endif /* _LUKEEP_VALUES_H */
