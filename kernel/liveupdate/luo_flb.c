// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): state that files share.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: File-lifecycle-bound state
 *
 * Some state does not belong to one file but to all files of a kind: think of
 * the tables of an IOMMU, behind files of many devices. Such state is
 * file-lifecycle-bound (FLB): it is preserved when the first file that depends
 * on it is, and finished when the last one is. Which files depend on it is said
 * by linking it to their handlers, see liveupdate_register_flb().
 *
 * In the kernel that hands over, each file that depends on the state holds it,
 * and so does each liveupdate_flb_get_outgoing() until its put. The first one
 * has it preserved, the last one has it unpreserved.
 *
 * In the next kernel it is held by as many files as the previous kernel says,
 * and by each liveupdate_flb_get_incoming() until its put. The first use has it
 * retrieved. When nothing holds it any more it is finished; it is retrieved
 * first when nobody had done that, so that who finishes it finds an object.
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <trace/events/liveupdate.h>

#include "luo_internal.h"

/**
 * struct luo_flb_in - an FLB that came in from the previous kernel
 * @compatible: its name
 * @key:        own class of @lock
 * @lock:       protects what follows, held over callbacks
 * @files:      files that depend on it and are not finished
 * @users:      liveupdate_flb_get_incoming() without put
 * @status:     0 not retrieved, > 0 retrieved, < 0 the errno for who asks
 * @finished:   nothing is left of it
 * @args:       its state; once it is retrieved the FLB's module is held
 */
struct luo_flb_in {
	char compatible[LIVEUPDATE_FLB_COMPAT_LENGTH];

	struct lock_class_key key;
	struct mutex lock;	/* protects what follows */
	u64 files;
	u64 users;
	int status;
	bool finished;
	struct liveupdate_flb_op_args args;
};

static struct luo_flb_slot luo_flb_slots[LUO_FLB_MAX];

/*
 * What came in; @err is for all, -ENODATA when nothing did or -EIO when it cannot
 * be read. Constant once @known, until then protected by luo_flbs_in_lock.
 */
static struct {
	bool known;
	struct luo_flb_in *flbs;
	unsigned int nr;
	int err;
} luo_flbs_in = { .err = -ENODATA };

static DEFINE_MUTEX(luo_flbs_in_lock);

/* The page of what is handed over. */
static struct luo_flb_header_ser *luo_flbs_ser;

static struct luo_flb_slot *luo_flb_find(struct liveupdate_flb *flb)
{
	lockdep_assert_held(&luo_handlers_lock);

	for (int i = 0; i < LUO_FLB_MAX; i++) {
		if (luo_flb_slots[i].flb == flb)
			return &luo_flb_slots[i];
	}
	return NULL;
}

/* A slot for an FLB that is not registered yet. */
static struct luo_flb_slot *luo_flb_add(struct liveupdate_flb *flb)
{
	static u64 nr;
	struct luo_flb_slot *slot;

	for (int i = 0; i < LUO_FLB_MAX; i++) {
		slot = &luo_flb_slots[i];
		if (slot->flb && !strcmp(slot->flb->compatible, flb->compatible))
			return ERR_PTR(-EEXIST);
	}

	slot = luo_flb_find(NULL);
	if (!slot)
		return ERR_PTR(-ENOSPC);
	slot->flb = flb;
	slot->nr = nr++;
	__mutex_init(&slot->lock, "luo_flb_slot.lock", &slot->key);
	return slot;
}

static u64 luo_flb_bit(const struct luo_flb_slot *slot)
{
	return BIT_ULL(slot - luo_flb_slots);
}

/**
 * luo_flb_any - look up an FLB by its bit
 * @flbs: bits of FLBs, not 0
 *
 * Return: the FLB of the lowest bit.
 */
struct luo_flb_slot *luo_flb_any(u64 flbs)
{
	return &luo_flb_slots[__ffs64(flbs)];
}

/* Of these, the one that was registered first. */
static struct luo_flb_slot *luo_flb_first(u64 flbs)
{
	struct luo_flb_slot *slot, *first = luo_flb_any(flbs);

	while (flbs &= flbs - 1) {
		slot = luo_flb_any(flbs);
		if (slot->nr < first->nr)
			first = slot;
	}
	return first;
}

/* Of these, the one that was registered last. */
static struct luo_flb_slot *luo_flb_last(u64 flbs)
{
	struct luo_flb_slot *slot, *last = luo_flb_any(flbs);

	while (flbs &= flbs - 1) {
		slot = luo_flb_any(flbs);
		if (slot->nr > last->nr)
			last = slot;
	}
	return last;
}

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
	struct luo_flb_slot *slot;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	if (!ops || !ops->preserve || !ops->unpreserve || !ops->retrieve ||
	    !ops->finish || !luo_compatible_ok(flb->compatible))
		return -EINVAL;

	guard(rwsem_write)(&luo_handlers_lock);
	if (!luo_handler_is_registered(fh))
		return -EINVAL;

	slot = luo_flb_find(flb) ?: luo_flb_add(flb);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (fh->flbs & luo_flb_bit(slot))
		return -EEXIST;
	fh->flbs |= luo_flb_bit(slot);
	slot->links++;
	return 0;
}
EXPORT_SYMBOL_GPL(liveupdate_register_flb);

static void luo_flb_unlink(struct liveupdate_file_handler *fh,
			   struct luo_flb_slot *slot)
{
	fh->flbs &= ~luo_flb_bit(slot);
	if (--slot->links)
		return;
	WARN_ON(slot->files || slot->users);
	slot->flb = NULL;
}

/**
 * liveupdate_unregister_flb - undo liveupdate_register_flb()
 * @fh:  the handler
 * @flb: the shared state
 *
 * When @flb is linked to no handler any more, no file may depend on it. For a
 * module that calls this when it is unloaded this is so, because a preserved
 * file holds it.
 *
 * Context: may sleep
 */
void liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
			       struct liveupdate_flb *flb)
{
	struct luo_flb_slot *slot;

	guard(rwsem_write)(&luo_handlers_lock);
	slot = luo_flb_find(flb);
	if (slot && luo_handler_is_registered(fh) &&
	    fh->flbs & luo_flb_bit(slot))
		luo_flb_unlink(fh, slot);
}
EXPORT_SYMBOL_GPL(liveupdate_unregister_flb);

/**
 * luo_flbs_unlink - unlink a handler from all FLBs
 * @fh: the handler, about to be unregistered
 */
void luo_flbs_unlink(struct liveupdate_file_handler *fh)
{
	lockdep_assert_held_write(&luo_handlers_lock);

	for (int i = 0; i < LUO_FLB_MAX; i++) {
		if (fh->flbs & BIT_ULL(i))
			luo_flb_unlink(fh, &luo_flb_slots[i]);
	}
}

static bool luo_flb_is_used(const struct luo_flb_slot *slot)
{
	return slot->files || slot->users;
}

static int luo_flb_preserve(struct luo_flb_slot *slot)
{
	int err;

	guard(mutex)(&slot->lock);
	if (!luo_flb_is_used(slot)) {
		slot->args = (struct liveupdate_flb_op_args) { .flb = slot->flb };
		err = slot->flb->ops->preserve(&slot->args);
		trace_luo_flb_preserve(slot->flb->compatible, !err, err);
		if (err)
			return err;
	}
	slot->files++;
	return 0;
}

/* Drop a file or a user, and the reference to the module. */
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

/*
 * The FLBs that a handler is linked to, each with a reference to its module.
 * Returns -ENODEV when the module of one is going away, which is not among them.
 */
static int luo_flbs_get(struct liveupdate_file_handler *fh, u64 *flbs)
{
	struct luo_flb_slot *slot;
	int err = 0;
	u64 left;

	*flbs = 0;
	guard(rwsem_read)(&luo_handlers_lock);
	for (left = fh->flbs; left; left &= left - 1) {
		slot = luo_flb_any(left);
		if (try_module_get(slot->flb->ops->owner))
			*flbs |= luo_flb_bit(slot);
		else
			err = -ENODEV;
	}
	return err;
}

/**
 * luo_flbs_preserve - have the shared state preserved that a file depends on
 * @fh:   handler of the file, whose module is held
 * @held: output; for luo_flbs_unpreserve()
 *
 * Return: 0, -ENODEV when the module of an FLB is going away, or the errno of an
 * FLB's callback. Then nothing is held.
 */
int luo_flbs_preserve(struct liveupdate_file_handler *fh, u64 *held)
{
	struct luo_flb_slot *slot;
	u64 flbs;
	int err;

	*held = 0;
	err = luo_flbs_get(fh, &flbs);
	for (; flbs; flbs &= ~luo_flb_bit(slot)) {
		slot = luo_flb_first(flbs);
		if (!err)
			err = luo_flb_preserve(slot);
		if (err)
			module_put(slot->flb->ops->owner);
		else
			*held |= luo_flb_bit(slot);
	}

	if (err)
		luo_flbs_unpreserve(*held);
	return err;
}

/**
 * luo_flbs_unpreserve - undo luo_flbs_preserve()
 * @held: what that gave
 */
void luo_flbs_unpreserve(u64 held)
{
	struct luo_flb_slot *slot;

	for (; held; held &= ~luo_flb_bit(slot)) {
		slot = luo_flb_last(held);
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
 * luo_flbs_freeze - write out all shared state that files depend on
 *
 * Called with luo_rwsem held for writing, when all sessions are frozen.
 */
void luo_flbs_freeze(void)
{
	struct luo_flb_ser *ser = (struct luo_flb_ser *)(luo_flbs_ser + 1);
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
	luo_flbs_ser->count = nr;
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
	luo_flbs_ser = ser;
	*flbs_pa = virt_to_phys(ser);
	return 0;
}

/**
 * luo_flbs_unpublish - undo luo_flbs_publish()
 */
void __init luo_flbs_unpublish(void)
{
	kho_unpreserve_free(luo_flbs_ser);
	luo_flbs_ser = NULL;
}

static struct luo_flb_in *luo_flb_in_find(const char *compatible)
{
	for (int i = 0; i < luo_flbs_in.nr; i++) {
		if (!strcmp(luo_flbs_in.flbs[i].compatible, compatible))
			return &luo_flbs_in.flbs[i];
	}
	return NULL;
}

static void __init luo_flb_receive(const struct luo_flb_ser *ser)
{
	struct luo_flb_in *in;

	if (!luo_compatible_ok(ser->name)) {
		pr_err("shared state from the previous kernel has no valid name; its memory stays reserved until the next reboot\n");
		return;
	}
	in = luo_flb_in_find(ser->name);
	if (in) {
		pr_err("shared state '%s' came in twice; its memory stays reserved until the next reboot\n",
		       in->compatible);
		in->status = -EIO;
		return;
	}

	in = &luo_flbs_in.flbs[luo_flbs_in.nr++];
	strscpy(in->compatible, ser->name);
	lockdep_register_key(&in->key);
	__mutex_init(&in->lock, "luo_flb_in.lock", &in->key);
	in->files = ser->count;
	in->args.data = ser->data;
	if (!in->files) {
		pr_err("no file depends on shared state '%s' from the previous kernel; its memory stays reserved until the next reboot\n",
		       in->compatible);
		in->status = -EIO;
	}
}

static void __init luo_flbs_read(void)
{
	struct luo_flb_header_ser *header;
	const struct luo_flb_ser *ser;
	struct luo_received received;

	luo_header_receive(&received);
	if (received.damaged) {
		luo_flbs_in.err = -EIO;
		return;
	}
	if (!received.flbs_pa)
		return;

	header = luo_find_page(received.flbs_pa);
	/* Of large pages, other kernels use more than LUO_FLB_MAX entries. */
	if (!header || header->pgcnt != 1 || header->count > LUO_FLB_PER_PAGE) {
		pr_err("shared state of files from the previous kernel is damaged; its memory stays reserved until the next reboot\n");
		luo_flbs_in.err = -EIO;
		return;
	}

	if (header->count) {
		/* What came in must not be lost to a moment's lack of memory. */
		luo_flbs_in.flbs = kcalloc(header->count,
					   sizeof(*luo_flbs_in.flbs),
					   GFP_KERNEL | __GFP_NOFAIL);
		ser = (const struct luo_flb_ser *)(header + 1);
		for (u64 i = 0; i < header->count; i++)
			luo_flb_receive(&ser[i]);
	}
	luo_flbs_in.err = 0;
	kho_restore_free(header);
}

/**
 * luo_flbs_receive - read the FLBs that came in, unless that is done
 *
 * The first caller reads them. That is luo_init(), unless a driver asks for its
 * FLB before.
 *
 * Context: may sleep; from early_initcall on
 */
void __ref luo_flbs_receive(void)
{
	guard(mutex)(&luo_flbs_in_lock);
	if (luo_flbs_in.known)
		return;
	luo_flbs_read();
	luo_flbs_in.known = true;
}

/* Unless done before, have the FLB make its object. The outcome is remembered. */
static void luo_flb_retrieve(struct luo_flb_in *in, struct liveupdate_flb *flb)
{
	int err;

	if (in->status)
		return;

	in->args.flb = flb;
	err = flb->ops->retrieve(&in->args);
	if (WARN_ON_ONCE(err > 0))
		err = -EIO;
	in->status = err ?: 1;
	trace_luo_flb_retrieve(in->compatible, in->files, err);
	if (err)
		pr_err("shared state '%s' cannot be retrieved: %pe; its memory stays reserved until the next reboot\n",
		       in->compatible, ERR_PTR(err));
	else
		__module_get(flb->ops->owner);
}

/* Finish an FLB that nothing holds any more. */
static void luo_flb_finish(struct luo_flb_in *in, struct liveupdate_flb *flb)
{
	if (in->files || in->users || in->finished)
		return;

	luo_flb_retrieve(in, flb);
	if (in->status > 0) {
		in->args.flb->ops->finish(&in->args);
		module_put(in->args.flb->ops->owner);
	}
	trace_luo_flb_finish(in->compatible, 0, min(in->status, 0));
	in->finished = true;
}

static void luo_flb_in_drop_file(struct liveupdate_flb *flb)
{
	struct luo_flb_in *in = luo_flb_in_find(flb->compatible);

	if (!in)
		return;
	guard(mutex)(&in->lock);
	if (in->files) {
		in->files--;
		luo_flb_finish(in, flb);
	}
}

/**
 * luo_flbs_finish - a file that came in does not need shared state any more
 * @fh: its handler, whose module is held
 *
 * What was registered last comes first.
 */
void luo_flbs_finish(struct liveupdate_file_handler *fh)
{
	struct luo_flb_slot *slot;
	u64 flbs;

	luo_flbs_get(fh, &flbs);
	for (; flbs; flbs &= ~luo_flb_bit(slot)) {
		slot = luo_flb_last(flbs);
		luo_flb_in_drop_file(slot->flb);
		module_put(slot->flb->ops->owner);
	}
}

static int luo_flb_in_get(struct luo_flb_in *in, struct liveupdate_flb *flb,
			  void **obj)
{
	guard(mutex)(&in->lock);
	if (in->finished)
		return -ENODATA;
	luo_flb_retrieve(in, flb);
	if (in->status < 0)
		return in->status;
	in->users++;
	*obj = in->args.obj;
	return 0;
}

/**
 * liveupdate_flb_get_incoming - use shared state from the previous kernel
 * @flb: the shared state; need not be registered
 * @obj: output; what its retrieve callback made
 *
 * It is not finished before liveupdate_flb_put_incoming(). Not for callbacks of
 * @flb itself.
 *
 * On a machine with much memory a call before postcore_initcall takes time: it
 * has all the memory initialised that was handed over, by one processor.
 *
 * Context: may sleep; from early_initcall on
 * Return: 0; -ENODATA when no live update came in, or this state is finished;
 * -ENOENT when none of this name came in; -ENODEV when the module of @flb is going away;
 * -EOPNOTSUPP when live update is not in use; -EIO when what came in is damaged;
 * or what the retrieve callback failed with, now or before.
 */
int liveupdate_flb_get_incoming(struct liveupdate_flb *flb, void **obj)
{
	struct luo_flb_in *in;
	int err;

	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	luo_flbs_receive();
	if (luo_flbs_in.err)
		return luo_flbs_in.err;
	in = luo_flb_in_find(flb->compatible);
	if (!in)
		return -ENOENT;
	if (!try_module_get(flb->ops->owner))
		return -ENODEV;

	err = luo_flb_in_get(in, flb, obj);
	if (err)
		module_put(flb->ops->owner);
	return err;
}
EXPORT_SYMBOL_GPL(liveupdate_flb_get_incoming);

/**
 * liveupdate_flb_put_incoming - undo liveupdate_flb_get_incoming()
 * @flb: the shared state
 *
 * Context: may sleep
 */
void liveupdate_flb_put_incoming(struct liveupdate_flb *flb)
{
	struct luo_flb_in *in = luo_flb_in_find(flb->compatible);

	if (WARN_ON(!in))
		return;

	scoped_guard(mutex, &in->lock) {
		if (WARN_ON(!in->users))
			return;
		in->users--;
		luo_flb_finish(in, flb);
	}
	module_put(flb->ops->owner);
}
EXPORT_SYMBOL_GPL(liveupdate_flb_put_incoming);
