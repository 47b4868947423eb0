// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the entries of the list of poisoned pages for the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/spinlock.h>

#include <linux/kho/abi/poison.h>

#include "kho_internal.h"

/* For the next kernel; NULL while there is nothing to write to. */
static struct kho_poison_ser *poison_out __ro_after_init;

/*
 * Protects the entries of @poison_out. Taken with hugetlb_lock held, which
 * interrupts take.
 */
static DEFINE_SPINLOCK(poison_lock);

/* The list has not room for all. */
static bool is_short;

/* The entry of a page, or the number of entries. */
static u64 find_entry(u64 addr)
{
	u64 i;

	for (i = 0; i < poison_out->nr; i++)
		if (poison_out->addrs[i] == addr)
			break;

	return i;
}

/**
 * kho_poison_add - tell the next kernel that a page is poisoned
 * @pfn: its frame number
 *
 * Context: any but NMI.
 * Return: 0, also when it was told before; -ENOSPC with a message when the list
 * is full; -EOPNOTSUPP when nothing is handed over.
 */
int kho_poison_add(unsigned long pfn)
{
	const u64 addr = PFN_PHYS(pfn);
	unsigned long flags;
	int err = 0;
	u64 i;

	if (!poison_out) {
		WRITE_ONCE(is_short, true);
		return -EOPNOTSUPP;
	}

	spin_lock_irqsave(&poison_lock, flags);
	i = find_entry(addr);
	if (i == KHO_POISON_MAX) {
		WRITE_ONCE(is_short, true);
		err = -ENOSPC;
	} else if (i == poison_out->nr) {
		poison_out->addrs[i] = addr;
		/* This processor may be stopped for the jump at any time. */
		smp_store_release(&poison_out->nr, i + 1);
	}
	spin_unlock_irqrestore(&poison_lock, flags);

	if (err)
		pr_warn("the next kernel will not know that the page at %#llx is poisoned, as are %lu others\n",
			addr, KHO_POISON_MAX);

	return err;
}

/**
 * kho_poison_del - do not tell the next kernel that a page is poisoned
 * @pfn: its frame number
 *
 * Context: any but NMI.
 */
void kho_poison_del(unsigned long pfn)
{
	unsigned long flags;
	u64 i;

	if (!poison_out)
		return;

	spin_lock_irqsave(&poison_lock, flags);
	i = find_entry(PFN_PHYS(pfn));
	if (i < poison_out->nr) {
		poison_out->addrs[i] = poison_out->addrs[poison_out->nr - 1];
		/* Twice is better than not at all, should the jump come now. */
		smp_store_release(&poison_out->nr, poison_out->nr - 1);
	}
	spin_unlock_irqrestore(&poison_lock, flags);
}

/**
 * kho_poison_next - find the first poisoned page of a range
 * @pfn: the first page of the range
 * @end: the page behind it
 *
 * Context: any but NMI.
 * Return: the frame number of the page, or @end when there is none.
 */
unsigned long kho_poison_next(unsigned long pfn, unsigned long end)
{
	unsigned long poisoned, flags;
	u64 i;

	if (!poison_out)
		return end;

	spin_lock_irqsave(&poison_lock, flags);
	for (i = 0; i < poison_out->nr; i++) {
		poisoned = PHYS_PFN(poison_out->addrs[i]);
		if (poisoned >= pfn && poisoned < end)
			end = poisoned;
	}
	spin_unlock_irqrestore(&poison_lock, flags);

	return end;
}

/**
 * kho_poison_is_complete - does the list have each poisoned page?
 *
 * Context: any.
 * Return: false when there is no list, or a page found no room there.
 */
bool kho_poison_is_complete(void)
{
	return poison_out && !READ_ONCE(is_short);
}

/**
 * kho_poison_begin - have a list to write to
 * @ser: an empty one, which is handed over
 *
 * Context: boot.
 */
void __init kho_poison_begin(struct kho_poison_ser *ser)
{
	poison_out = ser;
}
