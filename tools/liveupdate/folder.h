/* SPDX-License-Identifier: GPL-2.0 */
/* The folder that a service has. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_FOLDER_H
#define _LUKEEP_FOLDER_H

#include <jansson.h>
#include <sys/stat.h>

int folder_make(const char *name, const char *run_dir);
int folder_stat(const char *name, const char *run_dir, struct stat *st);
json_t *folder_pack(const char *name, const char *run_dir);
void folder_give(const char *name, const char *run_dir, const json_t *packed);

#endif /* _LUKEEP_FOLDER_H */
