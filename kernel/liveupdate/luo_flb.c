// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): the registered FLBs, state that files
 * share, and which handlers they are linked to.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: File-lifecycle-bound state
 *
 * Some state does not belong to one file but to all files of a kind, such as
 * the tables of an IOMMU, which files of many devices need. Such state is
 * file-lifecycle-bound (FLB): it is preserved with the first file that depends
 * on it, and finished with the last one. A file depends on the state that its
 * handler is linked to, see liveupdate_register_flb().
 *
 * In the kernel that hands over, each file that depends on the state counts as a
 * user of it, and so does each liveupdate_flb_get_outgoing() until its put. The
 * first user has the state preserved, the last one has it unpreserved.
 *
 * In the next kernel, the users are as many files as the previous kernel says,
 * and each liveupdate_flb_get_incoming() until its put. The first use has the
 * state retrieved. After the last one it is finished. If it was not retrieved
 * until then it is retrieved first, so that the finish callback has an object.
 */

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/string.h>

#include "luo_internal.h"

/* Each FLB has the same slot as long as a handler is linked to it. */
struct luo_flb_slot luo_flb_slots[LUO_FLB_MAX];

/**
 * luo_flbs_sum - checksum of the page by which FLBs are handed over
 * @header: the page
 *
 * Return: the checksum.
 */
u64 luo_flbs_sum(const struct luo_flb_header_ser *header)
{
	return crc32_le(~0, (const u8 *)header,
			PAGE_SIZE - sizeof(struct luo_flb_sum_ser));
}

/**
 * luo_flb_find - find the slot of an FLB
 * @flb: the FLB; NULL for a free slot
 *
 * Context: luo_handlers_lock held.
 * Return: the slot or NULL.
 */
struct luo_flb_slot *luo_flb_find(struct liveupdate_flb *flb)
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

/**
 * luo_flb_bit - the bit that stands for an FLB
 * @slot: its slot
 *
 * Return: the bit, as in &liveupdate_file_handler.flbs.
 */
u64 luo_flb_bit(const struct luo_flb_slot *slot)
{
	return BIT_ULL(slot - luo_flb_slots);
}

/**
 * luo_flb_any - of some FLBs, any one
 * @flbs: bits of FLBs, not 0
 *
 * Return: the slot of the lowest bit.
 */
struct luo_flb_slot *luo_flb_any(u64 flbs)
{
	return &luo_flb_slots[__ffs64(flbs)];
}

/**
 * luo_flb_first - of some FLBs, the one that was registered first
 * @flbs: bits of FLBs, not 0
 *
 * Return: its slot.
 */
struct luo_flb_slot *luo_flb_first(u64 flbs)
{
	struct luo_flb_slot *slot, *first = luo_flb_any(flbs);

	while (flbs &= flbs - 1) {
		slot = luo_flb_any(flbs);
		if (slot->nr < first->nr)
			first = slot;
	}
	return first;
}

/**
 * luo_flb_last - of some FLBs, the one that was registered last
 * @flbs: bits of FLBs, not 0
 *
 * Return: its slot.
 */
struct luo_flb_slot *luo_flb_last(u64 flbs)
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
 * luo_flb_link - link an FLB to a handler
 * @fh:  the handler, registered
 * @flb: the FLB
 *
 * Context: luo_handlers_lock held for writing.
 * Return: 0; -EEXIST when they are linked already, or the compatible string is
 * another FLB's; -ENOSPC when there are too many FLBs.
 */
int luo_flb_link(struct liveupdate_file_handler *fh, struct liveupdate_flb *flb)
{
	struct luo_flb_slot *slot;

	lockdep_assert_held_write(&luo_handlers_lock);

	slot = luo_flb_find(flb) ?: luo_flb_add(flb);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (fh->flbs & luo_flb_bit(slot))
		return -EEXIST;
	fh->flbs |= luo_flb_bit(slot);
	slot->links++;
	return 0;
}

static void luo_flb_unlink_slot(struct liveupdate_file_handler *fh,
				struct luo_flb_slot *slot)
{
	fh->flbs &= ~luo_flb_bit(slot);
	if (--slot->links)
		return;
	WARN_ON(slot->files || slot->users);
	slot->flb = NULL;
}

/**
 * luo_flb_unlink - undo luo_flb_link(), if it was done
 * @fh:  the handler
 * @flb: the FLB
 *
 * Context: luo_handlers_lock held for writing.
 */
void luo_flb_unlink(struct liveupdate_file_handler *fh,
		    struct liveupdate_flb *flb)
{
	struct luo_flb_slot *slot;

	lockdep_assert_held_write(&luo_handlers_lock);

	slot = luo_flb_find(flb);
	if (slot && fh->flbs & luo_flb_bit(slot))
		luo_flb_unlink_slot(fh, slot);
}

/**
 * luo_flbs_unlink - unlink a handler from all FLBs
 * @fh: the handler, about to be unregistered
 *
 * Context: luo_handlers_lock held for writing.
 */
void luo_flbs_unlink(struct liveupdate_file_handler *fh)
{
	lockdep_assert_held_write(&luo_handlers_lock);

	while (fh->flbs)
		luo_flb_unlink_slot(fh, luo_flb_any(fh->flbs));
}

/**
 * luo_flbs_get - get the FLBs that a handler is linked to
 * @fh:   the handler, whose module is held
 * @flbs: output; their bits, each with a reference to the module of the FLB
 *
 * Context: may sleep.
 * Return: 0; -ENODEV when the module of one is going away, which is not among
 * @flbs.
 */
int luo_flbs_get(struct liveupdate_file_handler *fh, u64 *flbs)
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
