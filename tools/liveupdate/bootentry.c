// SPDX-License-Identifier: GPL-2.0
/*
 * What the boot loader's entries say about an update to a kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "bootentry.h"
#include "message.h"

#define GIVE_ALL "give --kernel and --initrd, and --reuse-cmdline or --append"

/* That of the boot loader which booted this system, or else of any. */
static struct bootentry *read_entries(const char *root)
{
	struct bootentry *list = NULL;

	if (!bootentry_is_systemd_boot(root))
		list = bootentry_read_grub(root);
	return list ?: bootentry_read_bls();
}

static const struct bootentry *find_chosen(const struct bootentry *list)
{
	const struct bootentry *e;

	if (!list) {
		pr_err("there is no entry of a boot loader: neither /boot/grub/grub.cfg nor /boot/grub2/grub.cfg can be read, and \"bootctl list\" shows none: %s%s",
		       geteuid() ? "are you root? Else " : "", GIVE_ALL);
		return NULL;
	}
	for (e = list; e && !e->chosen; )
		e = e->next;
	if (!e) {
		pr_err("only the boot loader can tell which entry it would boot: %s",
		       GIVE_ALL);
	} else if (e->problem) {
		pr_err("the boot loader's default entry \"%s\" cannot be used: %s: %s",
		       e->title, e->problem, GIVE_ALL);
		return NULL;
	}
	return e;
}

/* The first entry that loads this kernel, or NULL. */
static const struct bootentry *find_kernel(const struct bootentry *list,
					   const char *kernel)
{
	struct stat wanted, st;

	if (stat(kernel, &wanted))
		return NULL;
	for (; list; list = list->next) {
		if (list->kernel && !list->problem &&
		    !stat(list->kernel, &st) && st.st_dev == wanted.st_dev &&
		    st.st_ino == wanted.st_ino)
			return list;
	}
	return NULL;
}

static int set(json_t *update, const char *key, const char *text)
{
	if (!json_object_set_new(update, key, json_string(text)))
		return 0;
	pr_err("the %s of the boot loader's entry cannot be sent to the agent: is it UTF-8?",
	       key);
	return -1;
}

/* The command line of an entry, and then the words that were asked for. */
static int set_cmdline(json_t *update, const struct bootentry *e)
{
	const char *append = json_string_value(json_object_get(update,
							       "append"));
	char *words;
	int err;

	if (!append)
		return set(update, "append", e->options);
	if (asprintf(&words, "%s %s", e->options, append) < 0)
		alloc_failed();
	err = set(update, "append", words);
	free(words);
	return err;
}

static int take(json_t *update, const struct bootentry *e)
{
	pr_info("the next kernel is that of the boot loader's entry \"%s\": %s",
		e->title, e->kernel);
	if (set(update, "kernel", e->kernel))
		return -1;
	if (e->initrd && !json_object_get(update, "initrd") &&
	    set(update, "initrd", e->initrd))
		return -1;
	return json_object_get(update, "reuse") ? 0 : set_cmdline(update, e);
}

/*
 * Add to a request for an update what it does not say, from the boot loader's
 * entries in @root: of the default one if it names no kernel, or of the one with
 * its kernel if it says nothing about the command line.
 */
int bootentry_complete(const char *root, json_t *update)
{
	const char *kernel = json_string_value(json_object_get(update,
							       "kernel"));
	const struct bootentry *e;
	struct bootentry *list;
	int err = 0;

	if (kernel && (json_object_get(update, "reuse") ||
		       json_object_get(update, "append")))
		return 0;
	list = read_entries(root);
	if (kernel) {
		e = find_kernel(list, kernel);
		if (!e)
			pr_info("no entry of the boot loader loads the kernel %s",
				kernel);
	} else {
		e = find_chosen(list);
		err = e ? 0 : -1;
	}
	if (e)
		err = take(update, e);
	bootentry_free(list);
	return err;
}
