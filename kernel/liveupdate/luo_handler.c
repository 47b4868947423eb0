// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): the list of file handlers.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/string.h>

#include "luo_internal.h"

/* All registered handlers. */
LIST_HEAD(luo_handlers);
DECLARE_RWSEM(luo_handlers_lock);

/**
 * luo_compatible_ok - can a handler or an FLB have this name?
 * @compatible: LIVEUPDATE_HNDL_COMPAT_LENGTH bytes
 *
 * Return: whether it can.
 */
bool luo_compatible_ok(const char *compatible)
{
	return compatible[0] &&
	       strnlen(compatible, LIVEUPDATE_HNDL_COMPAT_LENGTH) <
	       LIVEUPDATE_HNDL_COMPAT_LENGTH;
}

/**
 * luo_handler_find - find a handler by name
 * @compatible: the name
 *
 * Context: luo_handlers_lock held.
 * Return: the handler or NULL.
 */
struct liveupdate_file_handler *luo_handler_find(const char *compatible)
{
	struct liveupdate_file_handler *fh;

	lockdep_assert_held(&luo_handlers_lock);

	list_for_each_entry(fh, &luo_handlers, list) {
		if (!strcmp(fh->compatible, compatible))
			return fh;
	}
	return NULL;
}

/**
 * luo_handler_is_registered - is it one of the registered handlers?
 * @fh: a handler, or where one was
 *
 * Return: whether it is.
 */
bool luo_handler_is_registered(const struct liveupdate_file_handler *fh)
{
	const struct liveupdate_file_handler *other;

	lockdep_assert_held(&luo_handlers_lock);

	list_for_each_entry(other, &luo_handlers, list) {
		if (other == fh)
			return true;
	}
	return false;
}

/**
 * luo_handler_add - add a handler to the list
 * @fh: the handler
 *
 * Context: luo_handlers_lock held for writing.
 * Return: 0, or -EEXIST when another handler has this compatible string.
 */
int luo_handler_add(struct liveupdate_file_handler *fh)
{
	lockdep_assert_held_write(&luo_handlers_lock);

	if (luo_handler_find(fh->compatible))
		return -EEXIST;
	fh->flbs = 0;
	list_add_tail(&fh->list, &luo_handlers);
	return 0;
}

/**
 * luo_handler_del - take a handler off the list
 * @fh: the handler, linked to no FLB
 *
 * Context: luo_handlers_lock held for writing.
 */
void luo_handler_del(struct liveupdate_file_handler *fh)
{
	lockdep_assert_held_write(&luo_handlers_lock);

	list_del(&fh->list);
}

/**
 * luo_handler_get_for - get the handler that takes a file
 * @file: the file
 *
 * Context: may sleep, asks the handlers' can_preserve callbacks.
 * Return: the handler, with a reference to its module; NULL when there is none.
 */
struct liveupdate_file_handler *luo_handler_get_for(struct file *file)
{
	struct liveupdate_file_handler *fh;

	guard(rwsem_read)(&luo_handlers_lock);
	list_for_each_entry(fh, &luo_handlers, list) {
		if (fh->ops->can_preserve(fh, file))
			return try_module_get(fh->ops->owner) ? fh : NULL;
	}
	return NULL;
}

/**
 * luo_handler_get - get a handler by name
 * @compatible: the name
 *
 * Context: may sleep.
 * Return: the handler, with a reference to its module; NULL when there is none.
 */
struct liveupdate_file_handler *luo_handler_get(const char *compatible)
{
	struct liveupdate_file_handler *fh;

	guard(rwsem_read)(&luo_handlers_lock);
	fh = luo_handler_find(compatible);
	return fh && try_module_get(fh->ops->owner) ? fh : NULL;
}
