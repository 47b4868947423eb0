// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the list of poisoned pages, that is, memory that failed,
 * for the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Poisoned pages
 *
 * Memory can fail: the hardware reports an error that it cannot correct, and
 * memory_failure() marks the page as poisoned. A cold boot may leave such pages
 * out, by what firmware says. A kexec does not go through firmware. So each
 * kernel tells the next one which pages are poisoned, in a subtree of their own.
 *
 * A poisoned page that is not preserved is reserved in the next kernel, before
 * anything is allocated there. One in scratch memory is reserved before the
 * first allocation of all. No segment of a kexec image is placed on one.
 *
 * A poisoned page that is preserved stays so, and is marked as poisoned before
 * any initcall but early ones can restore it. What becomes of it is up to the owner:
 * kho_restore_folio() marks a large folio that has such a page, and
 * kho_poisoned_folio() tells before.
 *
 * The next kernel tells its own successor of these pages, too. The list ends
 * with a cold boot, or when a handover is not usable. It has room for one page of
 * addresses. A page that finds no more room is named in a message, and is like
 * any other to the next kernel.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <linux/kho/abi/poison.h>

#include "kho_internal.h"

/**
 * kho_poison_is_new - did a page fail that was marked as poisoned before?
 * @pfn: its frame number
 *
 * The mark may be another page's: those of a preserved gigantic page share a few
 * struct pages.
 *
 * Context: memory_failure().
 * Return: whether nobody was told of it.
 */
bool kho_poison_is_new(unsigned long pfn)
{
	return kho_memmap_is_preserved(pfn) && kho_poison_next(pfn, pfn + 1) != pfn;
}

static int __init make_list(void)
{
	struct kho_poison_ser *ser;
	int err;

	ser = kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	strscpy_pad(ser->compatible, KHO_POISON_COMPATIBLE);
	err = kho_add_subtree(KHO_POISON_NAME, ser, PAGE_SIZE);
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}
	kho_poison_begin(ser);

	return 0;
}

static int __init kho_poison_init(void)
{
	unsigned int i, nr;
	phys_addr_t phys;
	const u64 *addrs;
	int err;

	if (kho_is_enabled()) {
		err = make_list();
		if (err)
			pr_warn("the next kernel will not know which pages are poisoned: %pe\n",
				ERR_PTR(err));
	}

	/* Counted, they are passed on. */
	addrs = kho_poison_incoming(&nr);
	for (i = 0; i < nr; i++)
		num_poisoned_pages_inc(PHYS_PFN(addrs[i]));

	/* Nobody else is going to ask for it. */
	if (is_kho_boot() && !kho_retrieve_subtree(KHO_POISON_NAME, &phys, NULL))
		kho_restore_free(phys_to_virt(phys));

	return 0;
}
postcore_initcall(kho_poison_init);
