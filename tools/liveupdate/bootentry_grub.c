// SPDX-License-Identifier: GPL-2.0
/*
 * The entries of GRUB, with the files as they are found here.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "bootentry.h"
#include "grub.h"
#include "util.h"

/* Where GRUB's file systems may be mounted. */
static const char *const mounts[] = { "", "/boot" };

/*
 * The file that GRUB finds under @path of the file system that it reads, or NULL.
 * With btrfs and ZFS the path begins with the name of a subvolume, in which there
 * is a @.
 */
static char *find_file(const char *root, const char *path)
{
	const char *at = strrchr(path, '@');
	char *file;
	size_t i;

	if (at)
		path = at + strcspn(at, "/");
	for (i = 0; *path == '/' && i < ARRAY_SIZE(mounts); i++) {
		if (asprintf(&file, "%s%s%s", root, mounts[i], path) < 0)
			alloc_failed();
		if (!access(file, F_OK))
			return file;
		free(file);
	}
	return NULL;
}

static void add(struct bootentry **list, const char *root,
		const struct grub_entry *entry, bool chosen)
{
	struct bootentry *e = bootentry_add(list, entry->title);

	e->chosen = chosen;
	e->problem = entry->problem;
	if (!entry->kernel) {
		e->problem = "it loads no Linux";
		return;
	}
	e->options = alloc_copy(entry->options);
	e->kernel = find_file(root, entry->kernel);
	if (!e->kernel && !e->problem)
		e->problem = "its kernel is neither in / nor in /boot";
	if (!entry->initrd)
		return;
	e->initrd = find_file(root, entry->initrd);
	if (!e->initrd && !e->problem)
		e->problem = "its initramfs is neither in / nor in /boot";
}

static void add_menu(struct bootentry **list, const char *root,
		     const struct grub_entry *menu,
		     const struct grub_entry *chosen)
{
	for (; menu; menu = menu->next) {
		if (menu->submenu)
			add_menu(list, root, menu->children, chosen);
		else
			add(list, root, menu, menu == chosen);
	}
}

/* The entries of GRUB, or NULL. */
struct bootentry *bootentry_read_grub(const char *root)
{
	static const char *const folders[] = { "/boot/grub", "/boot/grub2" };
	const struct grub_entry *chosen = NULL;
	struct bootentry *list = NULL;
	struct grub_entry *menu;
	char *folder, *name;
	size_t i;

	for (i = 0; !list && i < ARRAY_SIZE(folders); i++) {
		if (asprintf(&folder, "%s%s", root, folders[i]) < 0)
			alloc_failed();
		menu = grub_read(folder, &name);
		if (name)
			chosen = grub_default(menu, name);
		add_menu(&list, root, menu, chosen);
		grub_free(menu);
		free(folder);
		free(name);
	}
	return list;
}
