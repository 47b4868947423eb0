// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): how modules register file handlers, and the
 * state that files share.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/rwsem.h>

#include "luo_internal.h"

/**
 * liveupdate_register_file_handler - register a handler of a type of file
 * @fh: the handler; must stay as it is until it is unregistered
 *
 * A module calls this when nothing in its initialisation can fail any more: from
 * then on the handler may be in use.
 *
 * Return: 0; -EOPNOTSUPP when live update is not in use; -EINVAL when a required
 * callback or the compatible string is missing; -EEXIST when another handler has
 * this compatible string.
 */
int liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	const struct liveupdate_file_ops *ops = fh->ops;
	int err;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	if (!ops || !ops->can_preserve || !ops->preserve || !ops->unpreserve ||
	    !ops->retrieve || !ops->finish || !luo_compatible_ok(fh->compatible))
		return -EINVAL;

	scoped_guard(rwsem_write, &luo_handlers_lock)
		err = luo_handler_add(fh);
	if (err)
		return err;
	liveupdate_test_register(fh);
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_register_file_handler);

/**
 * liveupdate_unregister_file_handler - unregister a handler
 * @fh: the handler, registered successfully
 *
 * It is unlinked from all FLBs. No file of the handler may be in a session. A
 * module that calls this when it is unloaded need not check this: for each file
 * in a session, LUO has a reference to the module.
 */
void liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh)
{
	if (!liveupdate_enabled())
		return;

	guard(rwsem_write)(&luo_handlers_lock);
	luo_flbs_unlink(fh);
	luo_handler_del(fh);
}
EXPORT_SYMBOL_GPL(liveupdate_unregister_file_handler);

/**
 * liveupdate_register_flb - make the files of a handler depend on shared state
 * @fh:  the handler, registered
 * @flb: the shared state; must stay as it is until it is unregistered
 *
 * Files that are preserved already are not concerned.
 *
 * Context: may sleep
 * Return: 0; -EOPNOTSUPP when live update is not in use; -EINVAL when a callback
 * or the compatible string is missing or @fh is not registered; -EEXIST when
 * @flb is linked to @fh already, or its compatible string is another FLB's;
 * -ENOSPC when there are too many FLBs.
 */
int liveupdate_register_flb(struct liveupdate_file_handler *fh,
			    struct liveupdate_flb *flb)
{
	const struct liveupdate_flb_ops *ops = flb->ops;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	if (!ops || !ops->preserve || !ops->unpreserve || !ops->retrieve ||
	    !ops->finish || !luo_compatible_ok(flb->compatible))
		return -EINVAL;

	guard(rwsem_write)(&luo_handlers_lock);
	if (!luo_handler_is_registered(fh))
		return -EINVAL;
	return luo_flb_link(fh, flb);
}
EXPORT_SYMBOL_GPL(liveupdate_register_flb);

/**
 * liveupdate_unregister_flb - undo liveupdate_register_flb()
 * @fh:  the handler
 * @flb: the shared state
 *
 * When @flb is linked to no handler any more, no file may depend on it. A module
 * that calls this when it is unloaded need not check this: for each preserved
 * file that depends on @flb, LUO has a reference to the module.
 *
 * Context: may sleep
 */
void liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
			       struct liveupdate_flb *flb)
{
	guard(rwsem_write)(&luo_handlers_lock);
	if (luo_handler_is_registered(fh))
		luo_flb_unlink(fh, flb);
}
EXPORT_SYMBOL_GPL(liveupdate_unregister_flb);
