// SPDX-License-Identifier: GPL-2.0
/*
 * A list of the boot loader's entries.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdlib.h>

#include "alloc.h"
#include "bootentry.h"

/* Add an entry at the end, to be filled in. */
struct bootentry *bootentry_add(struct bootentry **list, const char *title)
{
	struct bootentry *e = alloc_zeroed(sizeof(*e));

	e->title = alloc_copy(title);
	while (*list)
		list = &(*list)->next;
	*list = e;
	return e;
}

void bootentry_free(struct bootentry *list)
{
	struct bootentry *e;

	while ((e = list)) {
		list = e->next;
		free(e->title);
		free(e->kernel);
		free(e->initrd);
		free(e->options);
		free(e);
	}
}
