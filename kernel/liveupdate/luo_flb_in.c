// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): state that files share, in the kernel that
 * receives it.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <trace/events/liveupdate.h>

#include "luo_internal.h"

/**
 * struct luo_flb_in - an FLB that came in from the previous kernel
 * @compatible: its name
 * @key:        own class of @lock
 * @lock:       protects what follows until @required, held over the retrieve callback
 * @files:      files that depend on it and are not finished
 * @users:      liveupdate_flb_get_incoming() without put
 * @status:     0 not retrieved, > 0 retrieved, < 0 the errno of the attempt
 * @finished:   its finish callback was called, or is about to be
 * @required:   it is retrieved, &liveupdate_flb.required, and its finish callback has
 *              not returned
 * @args:       its state
 *
 * Once it is retrieved there is a reference to the module of the FLB.
 */
struct luo_flb_in {
	char compatible[LIVEUPDATE_FLB_COMPAT_LENGTH];

	struct lock_class_key key;
	struct mutex lock;	/* protects what follows until required */
	u64 files;
	u64 users;
	int status;
	bool finished;
	bool required;
	struct liveupdate_flb_op_args args;
};

/*
 * What came in; @err is for all, -ENODATA when nothing did or -EIO when it cannot
 * be read. More may have come in when @damaged. Constant once @known, until then
 * protected by luo_flbs_in_lock.
 */
static struct {
	bool known;
	bool damaged;
	struct luo_flb_in *flbs;
	unsigned int nr;
	int err;
} luo_flbs_in = { .err = -ENODATA };

static DEFINE_MUTEX(luo_flbs_in_lock);

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
		luo_flbs_in.damaged = true;
		return;
	}
	in = luo_flb_in_find(ser->name);
	if (in) {
		pr_err("shared state '%s' came in twice; its memory stays reserved until the next reboot\n",
		       in->compatible);
		in->status = -EIO;
		luo_flbs_in.damaged = true;
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

/* Is a name, or the number of entries, damaged? Not every kernel lets that be seen. */
static bool __init luo_flbs_are_damaged(const struct luo_flb_header_ser *header)
{
	const struct luo_flb_sum_ser *sum = luo_flb_sum_ser(header);

	return sum->magic == LUO_FLB_SUM_MAGIC &&
	       sum->sum != luo_flbs_sum(header);
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

	luo_flbs_in.damaged = luo_flbs_are_damaged(header);
	if (luo_flbs_in.damaged)
		pr_err("list of shared state from the previous kernel is damaged; what is not in it is lost, and stays reserved until the next reboot\n");
	if (header->count) {
		luo_flbs_in.flbs = kcalloc(header->count,
					   sizeof(*luo_flbs_in.flbs),
					   GFP_KHO_RESTORE);
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

/* Unless done before, have the FLB make its object. Keep the result. */
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
	if (err) {
		pr_err("shared state '%s' cannot be retrieved: %pe; its memory stays reserved until the next reboot\n",
		       in->compatible, ERR_PTR(err));
		return;
	}
	in->required = flb->required;
	__module_get(flb->ops->owner);
}

/*
 * Is the FLB over? If it has neither files nor users any more, nobody gets it from
 * now on, and luo_flb_finish() has it to itself.
 */
static bool luo_flb_end(struct luo_flb_in *in, struct liveupdate_flb *flb)
{
	lockdep_assert_held(&in->lock);

	if (in->files || in->users || in->finished)
		return false;
	luo_flb_retrieve(in, flb);
	in->finished = true;
	return true;
}

/*
 * Once, for who has ended it. Without the lock: what the callback waits for may be
 * held by a caller of liveupdate_flb_get_incoming().
 */
static void luo_flb_finish(struct luo_flb_in *in)
{
	if (in->status > 0) {
		in->args.flb->ops->finish(&in->args);
		scoped_guard(mutex, &in->lock)
			in->required = false;
		module_put(in->args.flb->ops->owner);
	}
	trace_luo_flb_finish(in->compatible, 0, min(in->status, 0));
}

static void luo_flb_in_drop_file(struct liveupdate_flb *flb)
{
	struct luo_flb_in *in = luo_flb_in_find(flb->compatible);
	bool end;

	if (!in)
		return;
	scoped_guard(mutex, &in->lock) {
		if (!in->files)
			return;
		in->files--;
		end = luo_flb_end(in, flb);
	}
	if (end)
		luo_flb_finish(in);
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

/**
 * luo_flbs_in_required - is there shared state that files must not leave behind?
 *
 * As long as it is not finished, devices may use memory that came in.
 *
 * Context: may sleep
 * Return: the name of one that is &liveupdate_flb.required, was retrieved, and is not
 * finished; or NULL.
 */
const char *luo_flbs_in_required(void)
{
	for (int i = 0; i < luo_flbs_in.nr; i++) {
		struct luo_flb_in *in = &luo_flbs_in.flbs[i];

		guard(mutex)(&in->lock);
		if (in->required)
			return in->compatible;
	}
	return NULL;
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
 * @flb itself. The caller may hold any lock that the retrieve callback of @flb does
 * not take.
 *
 * On a machine with much memory a call before postcore_initcall takes time: the
 * processor that runs it initialises all the memory that was handed over.
 *
 * Context: may sleep; from early_initcall on
 * Return: 0; -ENODATA when no live update came in, or this state is finished, or
 * being finished; -ENOENT when none of this name came in; -ENODEV when the module
 * of @flb is going away; -EOPNOTSUPP when live update is not in use; -EIO when what
 * came in is damaged, or may have lost this name; or what the retrieve callback failed
 * with, now or before.
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
		return luo_flbs_in.damaged ? -EIO : -ENOENT;
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
 * If all files that depend on @flb were finished meanwhile, and there is no other
 * user, its finish callback is called from here. So the caller must not hold a lock
 * that this takes, unless no file can be finished yet, as before userspace runs.
 *
 * Context: may sleep
 */
void liveupdate_flb_put_incoming(struct liveupdate_flb *flb)
{
	struct luo_flb_in *in = luo_flb_in_find(flb->compatible);
	bool end;

	if (WARN_ON(!in))
		return;

	scoped_guard(mutex, &in->lock) {
		if (WARN_ON(!in->users))
			return;
		in->users--;
		end = luo_flb_end(in, flb);
	}
	if (end)
		luo_flb_finish(in);
	module_put(flb->ops->owner);
}
EXPORT_SYMBOL_GPL(liveupdate_flb_put_incoming);
