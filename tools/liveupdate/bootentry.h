/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The boot loader's entries: kernels, each with an initramfs and a command line.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_BOOTENTRY_H
#define _LUKEEP_BOOTENTRY_H

#include <stdbool.h>

#include <jansson.h>

/**
 * struct bootentry - an entry of the boot loader's menu
 * @next:    the next one
 * @title:   its title
 * @kernel:  file of its kernel, NULL if it is not found
 * @initrd:  file of its initramfs, or NULL
 * @options: its command line
 * @problem: why it cannot be used, or NULL
 * @chosen:  it is the one that is booted by default
 */
struct bootentry {
	struct bootentry *next;
	char *title;
	char *kernel;
	char *initrd;
	char *options;
	const char *problem;
	bool chosen;
};

/* bootentry.c */
int bootentry_complete(const char *root, json_t *update);

/* bootentry_bls.c */
bool bootentry_is_systemd_boot(const char *root);
struct bootentry *bootentry_read_bls(void);

/* bootentry_grub.c */
struct bootentry *bootentry_read_grub(const char *root);

/* bootentry_list.c */
struct bootentry *bootentry_add(struct bootentry **list, const char *title);
void bootentry_free(struct bootentry *list);

#endif /* _LUKEEP_BOOTENTRY_H */
