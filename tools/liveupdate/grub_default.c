// SPDX-License-Identifier: GPL-2.0
/*
 * The entry of GRUB's menu that is booted by default.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "grub.h"

static const struct grub_entry *find_by_number(const struct grub_entry *menu,
					       unsigned long number)
{
	for (; menu && !menu->maybe && number; menu = menu->next)
		number--;
	return menu && !menu->maybe ? menu : NULL;
}

/* What a name names in a menu: a number, a title, or an identifier. */
static const struct grub_entry *find_by_name(const struct grub_entry *menu,
					     const char *name)
{
	const struct grub_entry *e;

	if (strspn(name, "0123456789") == strlen(name))
		return find_by_number(menu, strtoul(name, NULL, 10));
	for (e = menu; e; e = e->next) {
		if (!strcmp(e->title, name) || !strcmp(e->id, name))
			return e;
	}
	/* GRUB takes the first one then. */
	return find_by_number(menu, 0);
}

/* Cut off the first of the names with > between; >> stands for a > in one. */
static char *cut_name(char *names)
{
	char *to = names;

	while (*names && (*names != '>' || names[1] == '>')) {
		names += *names == '>';
		*to++ = *names++;
	}
	if (*names)
		names++;
	*to = '\0';
	return names;
}

/*
 * The entry that @chosen names, as in "submenu>entry". NULL when there is none, or
 * when only GRUB can tell.
 */
const struct grub_entry *grub_default(const struct grub_entry *menu,
				      const char *chosen)
{
	const struct grub_entry *e;
	char *names = alloc_copy(chosen), *name = names, *rest;

	do {
		rest = cut_name(name);
		e = find_by_name(menu, name);
		menu = e ? e->children : NULL;
		name = rest;
	} while (e && e->submenu);
	free(names);
	return e;
}
