// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): state that files share, in the kernel that
 * hands it over.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rwsem.h>
#include <linux/string.h>

#include <trace/events/liveupdate.h>

#include "kho_internal.h"
#include "luo_internal.h"

/* The page of what is handed over. */
static struct luo_flb_header_ser *luo_flbs_out;

/* Whatever the image of the next kernel says. For one that says nothing. */
static bool luo_trust_next;

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX	"liveupdate."
module_param_named(trust_next, luo_trust_next, bool, 0644);
MODULE_PARM_DESC(trust_next, "the next kernel is known to take devices over, although its image does not say so");

static bool luo_flb_is_used(const struct luo_flb_slot *slot)
{
	return slot->files || slot->users;
}

/* Let the next kernel have the state? @takes: what its image says */
static bool luo_flb_may_go(const struct liveupdate_flb *flb, bool takes)
{
	if (!flb->required || takes || READ_ONCE(luo_trust_next))
		return true;
	pr_err("the next kernel does not say that it takes over '%s': load one that does by kexec_file_load() (kexec -s), and do not switch it off on its command line\n",
	       flb->compatible);
	return false;
}

static int luo_flb_preserve(struct luo_flb_slot *slot)
{
	int err;

	guard(mutex)(&slot->lock);
	if (!luo_flb_is_used(slot)) {
		if (!luo_flb_may_go(slot->flb,
				    kho_loaded_takes(slot->flb->compatible)))
			return -EOPNOTSUPP;
		slot->args = (struct liveupdate_flb_op_args) { .flb = slot->flb };
		err = slot->flb->ops->preserve(&slot->args);
		trace_luo_flb_preserve(slot->flb->compatible, !err, err);
		if (err)
			return err;
	}
	slot->files++;
	return 0;
}

/* Drop a file or a user, and its reference to the module. */
static void luo_flb_put(struct luo_flb_slot *slot, u64 *count)
{
	struct module *owner = slot->flb->ops->owner;

	scoped_guard(mutex, &slot->lock) {
		--*count;
		if (!luo_flb_is_used(slot)) {
			slot->flb->ops->unpreserve(&slot->args);
			trace_luo_flb_unpreserve(slot->flb->compatible, 0, 0);
		}
	}
	module_put(owner);
}

/**
 * luo_flbs_preserve - have the shared state preserved that a file depends on
 * @fh:   handler of the file, whose module is held
 * @flbs: output; bits of the FLBs, for luo_flbs_unpreserve()
 *
 * Context: may sleep, calls the FLBs' callbacks.
 * Return: 0; -ENODEV when the module of an FLB is going away; -EOPNOTSUPP when a
 * kernel is loaded that must take it over and does not; or the errno of an FLB's
 * callback. Then @flbs is of no use.
 */
int luo_flbs_preserve(struct liveupdate_file_handler *fh, u64 *flbs)
{
	struct luo_flb_slot *slot;
	u64 left;
	int err;

	*flbs = 0;
	err = luo_flbs_get(fh, &left);
	for (; left; left &= ~luo_flb_bit(slot)) {
		slot = luo_flb_first(left);
		if (!err)
			err = luo_flb_preserve(slot);
		if (err)
			module_put(slot->flb->ops->owner);
		else
			*flbs |= luo_flb_bit(slot);
	}

	if (err)
		luo_flbs_unpreserve(*flbs);
	return err;
}

/**
 * luo_flbs_unpreserve - undo luo_flbs_preserve()
 * @flbs: its output
 *
 * Context: may sleep, calls the FLBs' callbacks.
 */
void luo_flbs_unpreserve(u64 flbs)
{
	struct luo_flb_slot *slot;

	for (; flbs; flbs &= ~luo_flb_bit(slot)) {
		slot = luo_flb_last(flbs);
		luo_flb_put(slot, &slot->files);
	}
}

/**
 * liveupdate_flb_get_outgoing - use shared state that is preserved
 * @flb: the shared state
 * @obj: output; what its preserve callback made
 *
 * It remains preserved until liveupdate_flb_put_outgoing(). Not for callbacks of
 * @flb itself.
 *
 * Context: may sleep
 * Return: 0; -ENOENT while no preserved file depends on it; -ENODEV when its
 * module is going away; -EOPNOTSUPP when live update is not in use.
 */
int liveupdate_flb_get_outgoing(struct liveupdate_flb *flb, void **obj)
{
	struct luo_flb_slot *slot;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;

	scoped_guard(rwsem_read, &luo_handlers_lock) {
		slot = luo_flb_find(flb);
		if (!slot)
			return -ENOENT;
		if (!try_module_get(flb->ops->owner))
			return -ENODEV;
	}

	scoped_guard(mutex, &slot->lock) {
		if (slot->files) {
			slot->users++;
			*obj = slot->args.obj;
			return 0;
		}
	}
	module_put(flb->ops->owner);
	return -ENOENT;
}
EXPORT_SYMBOL_GPL(liveupdate_flb_get_outgoing);

/**
 * liveupdate_flb_put_outgoing - undo liveupdate_flb_get_outgoing()
 * @flb: the shared state
 *
 * Context: may sleep
 */
void liveupdate_flb_put_outgoing(struct liveupdate_flb *flb)
{
	struct luo_flb_slot *slot;

	scoped_guard(rwsem_read, &luo_handlers_lock)
		slot = luo_flb_find(flb);
	if (!WARN_ON(!slot || !slot->users))
		luo_flb_put(slot, &slot->users);
}
EXPORT_SYMBOL_GPL(liveupdate_flb_put_outgoing);

/**
 * luo_flbs_check_image - can an image be given all state that files depend on?
 * @image: an image that hands over
 *
 * Files may be preserved at the same time, unless luo_rwsem is held for writing.
 *
 * Return: 0, or -EOPNOTSUPP with a message.
 */
int luo_flbs_check_image(const struct kimage *image)
{
	guard(rwsem_read)(&luo_handlers_lock);
	for (int i = 0; i < LUO_FLB_MAX; i++) {
		struct luo_flb_slot *slot = &luo_flb_slots[i];

		if (slot->flb && READ_ONCE(slot->files) &&
		    !luo_flb_may_go(slot->flb,
				    kho_next_takes(image, slot->flb->compatible)))
			return -EOPNOTSUPP;
	}
	return 0;
}

/**
 * luo_flbs_freeze - write out all shared state that files depend on
 *
 * Called with luo_rwsem held for writing, when all sessions are frozen.
 */
void luo_flbs_freeze(void)
{
	struct luo_flb_sum_ser *sum = luo_flb_sum_ser(luo_flbs_out);
	struct luo_flb_ser *ser = (struct luo_flb_ser *)(luo_flbs_out + 1);
	u64 nr = 0;

	for (int i = 0; i < LUO_FLB_MAX; i++) {
		struct luo_flb_slot *slot = &luo_flb_slots[i];

		if (!slot->files)
			continue;
		strscpy_pad(ser[nr].name, slot->flb->compatible);
		ser[nr].data = slot->args.data;
		ser[nr].count = slot->files;
		nr++;
	}
	luo_flbs_out->count = nr;
	sum->magic = LUO_FLB_SUM_MAGIC;
	sum->sum = luo_flbs_sum(luo_flbs_out);
}

/**
 * luo_flbs_publish - set up what is handed over
 * @flbs_pa: output; the physical address of its page, which lists nothing yet
 *
 * Return: 0 or an errno.
 */
int __init luo_flbs_publish(u64 *flbs_pa)
{
	struct luo_flb_header_ser *ser = kho_alloc_preserve(PAGE_SIZE);

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->pgcnt = 1;
	luo_flbs_out = ser;
	*flbs_pa = virt_to_phys(ser);
	return 0;
}

/**
 * luo_flbs_unpublish - undo luo_flbs_publish()
 */
void __init luo_flbs_unpublish(void)
{
	kho_unpreserve_free(luo_flbs_out);
	luo_flbs_out = NULL;
}
