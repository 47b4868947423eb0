/* SPDX-License-Identifier: GPL-2.0 */
/* A tmpfs that survives an update. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_TMPFS_H
#define _LUKEEP_TMPFS_H

#include <stdbool.h>

#include <jansson.h>
#include <linux/types.h>

/**
 * struct tmpfs - a tmpfs
 * @path: where it is mounted; NULL if there is none
 * @size: how many bytes it can hold, 0 for the kernel's default
 * @huge: when it has huge pages, as in tmpfs(5); NULL for the kernel's default
 */
struct tmpfs {
	char *path;
	__u64 size;
	char *huge;
};

bool tmpfs_is_mounted(const char *path);
int tmpfs_mount(const struct tmpfs *t);
int tmpfs_attach(const struct tmpfs *t, int mount);
int tmpfs_freeze(const struct tmpfs *t);
int tmpfs_thaw(const struct tmpfs *t);
bool tmpfs_is_frozen(const struct tmpfs *t);
__u64 tmpfs_bytes(const struct tmpfs *t);
json_t *tmpfs_describe(const struct tmpfs *t);

#endif /* _LUKEEP_TMPFS_H */
