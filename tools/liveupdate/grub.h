/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GRUB's menu.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_GRUB_H
#define _LUKEEP_GRUB_H

#include <stdbool.h>

/**
 * struct grub_entry - an entry of the menu
 * @next:     the next one
 * @children: entries of a submenu
 * @title:    its title
 * @id:	      its identifier, or ""
 * @submenu:  it is a submenu
 * @maybe:    only GRUB can tell whether it is there
 * @kernel:   path of the kernel as GRUB sees it, NULL if it loads none
 * @initrd:   path of the initramfs, or NULL
 * @options:  the kernel's command line
 * @problem:  why all this cannot be told from outside of GRUB, or NULL
 */
struct grub_entry {
	struct grub_entry *next;
	struct grub_entry *children;
	char *title;
	char *id;
	bool submenu;
	bool maybe;
	char *kernel;
	char *initrd;
	char *options;
	const char *problem;
};

struct grub_entry *grub_read(const char *folder, char **chosen);
const struct grub_entry *grub_default(const struct grub_entry *menu,
				      const char *chosen);
void grub_free(struct grub_entry *menu);

#endif /* _LUKEEP_GRUB_H */
