// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): poisoned pages, that is, memory that failed.
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
 * its owner can take it back. What becomes of it is up to the owner:
 * kho_restore_folio() marks a large folio that has such a page, and
 * kho_poisoned_folio() tells before.
 *
 * The next kernel tells its own successor of these pages, too. The list ends
 * with a cold boot, or when a handover is not usable. It has room for one page of
 * addresses. A page that finds no more room is named in a message, and is like
 * any other to the next kernel.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <linux/kho/abi/poison.h>

#include <asm/early_ioremap.h>
#include <asm/sections.h>

#include "kho_internal.h"

/* Entries that fit a page. */
#define POISON_MAX	((PAGE_SIZE - sizeof(struct kho_poison_ser)) / sizeof(u64))

/*
 * At most so many are reserved before memblock can have more regions than those
 * that it begins with.
 */
#define POISON_FIRST	32

/* For the next kernel; NULL while there is nothing to write to. */
static struct kho_poison_ser *poison_out __ro_after_init;

/*
 * Protects the entries of @poison_out. Taken with hugetlb_lock held, which
 * interrupts take.
 */
static DEFINE_SPINLOCK(poison_lock);

/* What the previous kernel told, until it is passed on. */
static struct {
	u64 blob;
	u64 size;
	unsigned int nr;
	u64 addrs[POISON_MAX];
} poison_in __initdata;

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

	if (!poison_out)
		return -EOPNOTSUPP;

	spin_lock_irqsave(&poison_lock, flags);
	i = find_entry(addr);
	if (i == POISON_MAX) {
		err = -ENOSPC;
	} else if (i == poison_out->nr) {
		poison_out->addrs[i] = addr;
		/* This processor may be stopped for the jump at any time. */
		smp_store_release(&poison_out->nr, i + 1);
	}
	spin_unlock_irqrestore(&poison_lock, flags);

	if (err)
		pr_warn("the next kernel will not know that the page at %#llx is poisoned, as are %lu others\n",
			addr, POISON_MAX);

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
 * kho_poisoned_folio - has a preserved folio poisoned pages?
 * @phys: its physical address
 *
 * What has, can be taken back as single pages by kho_restore_pages(), so that
 * nothing but the poisoned ones is lost.
 *
 * Context: any but NMI.
 * Return: the number of all its pages when some are poisoned, else 0.
 */
unsigned long kho_poisoned_folio(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys), i;
	int order;

	if (!atomic_long_read(&num_poisoned_pages))
		return 0;

	order = PAGE_ALIGNED(phys) ? kho_preserved_order(pfn) : -1;
	for (i = 0; order >= 0 && i < 1UL << order; i++)
		if (PageHWPoison(pfn_to_page(pfn + i)))
			return 1UL << order;

	return 0;
}

/* The number of entries of a list of @size bytes, or -EINVAL. */
VISIBLE_IF_KUNIT long kho_poison_entries(const struct kho_poison_ser *ser,
					 u64 size)
{
	if (size < sizeof(*ser) || size > PAGE_SIZE ||
	    strncmp(ser->compatible, KHO_POISON_COMPATIBLE,
		    KHO_POISON_COMPAT_LENGTH) ||
	    ser->nr > (size - sizeof(*ser)) / sizeof(u64))
		return -EINVAL;

	return ser->nr;
}

static bool __init is_known(u64 addr)
{
	unsigned int i;

	for (i = 0; i < poison_in.nr; i++)
		if (poison_in.addrs[i] == addr)
			return true;

	return false;
}

static void __init copy_entries(const struct kho_poison_ser *ser, long nr)
{
	unsigned int ignored = 0;
	long i;

	for (i = 0; i < nr; i++) {
		u64 addr = ser->addrs[i];

		if (!PAGE_ALIGNED(addr) ||
		    !memblock_is_region_memory(addr, PAGE_SIZE))
			ignored++;
		else if (!is_known(addr))
			poison_in.addrs[poison_in.nr++] = addr;
	}
	if (ignored)
		pr_warn("%u poisoned pages of the previous kernel are no RAM, ignored\n",
			ignored);
}

static bool __init find_list(phys_addr_t fdt_phys)
{
	void *fdt = early_memremap(fdt_phys, KHO_FDT_SIZE);
	int err;

	if (!fdt)
		return false;

	err = kho_find_subtree_in(fdt, KHO_POISON_NAME, &poison_in.blob,
				  &poison_in.size);
	early_memunmap(fdt, KHO_FDT_SIZE);
	if (err)
		poison_in.blob = 0;

	return err != -ENOENT;
}

static bool __init read_list(void)
{
	struct kho_poison_ser *ser;
	long nr;

	if (!poison_in.blob || !memblock_is_map_memory(poison_in.blob) ||
	    !memblock_is_region_memory(poison_in.blob, PAGE_SIZE))
		return false;

	ser = early_memremap(poison_in.blob, PAGE_SIZE);
	if (!ser)
		return false;
	nr = kho_poison_entries(ser, poison_in.size);
	if (nr > 0)
		copy_entries(ser, nr);
	early_memunmap(ser, PAGE_SIZE);

	return nr >= 0;
}

static bool __init in_kernel(u64 addr)
{
	return memblock_addrs_overlap(addr, PAGE_SIZE, __pa_symbol(_text),
				      __pa_symbol(_end) - __pa_symbol(_text));
}

static bool __init in_scratch(u64 addr)
{
	const struct memblock_region *r;

	for_each_mem_region(r)
		if (r->flags & MEMBLOCK_KHO_SCRATCH &&
		    memblock_addrs_overlap(addr, PAGE_SIZE, r->base, r->size))
			return true;

	return false;
}

static void __init warn_ignored(void)
{
	pr_warn("the list of poisoned pages of the previous kernel is of another version or damaged, ignored\n");
	poison_in.nr = 0;
}

/**
 * kho_poison_receive - read which pages are poisoned, and keep off scratch's
 * @fdt_phys: physical address of the root FDT, which was checked
 *
 * Context: called by kho_populate(), when scratch is marked and nothing is
 * allocated yet.
 */
void __init kho_poison_receive(phys_addr_t fdt_phys)
{
	unsigned int i, first = 0;

	if (!find_list(fdt_phys))
		return;
	if (!read_list())
		return warn_ignored();

	for (i = 0; i < poison_in.nr; i++) {
		u64 addr = poison_in.addrs[i];

		if (in_kernel(addr))
			pr_warn("this kernel lies on a poisoned page, at %#llx; boot with nokaslr to avoid that\n",
				addr);
		else if (first < POISON_FIRST && in_scratch(addr) &&
			 !memblock_reserve(addr, PAGE_SIZE))
			first++;
	}
}

/**
 * kho_poison_reserve - keep off all other poisoned pages
 *
 * Context: called by kho_memory_init_early(), when all that is preserved is known.
 */
void __init kho_poison_reserve(void)
{
	unsigned int i;

	if (!poison_in.nr)
		return;
	/* Until now it could do no harm. */
	if (!kho_is_preserved_early(poison_in.blob, poison_in.size))
		return warn_ignored();

	for (i = 0; i < poison_in.nr; i++) {
		u64 addr = poison_in.addrs[i];

		if (kho_in_preserved_early(addr) ||
		    (memblock_is_reserved(addr) &&
		     !memblock_is_region_reserved_kho(addr, PAGE_SIZE)))
			continue;
		if (memblock_reserve(addr, PAGE_SIZE))
			pr_err("no memory to note that the page at %#llx is poisoned, it may be used\n",
			       addr);
	}
	pr_info("%u pages are poisoned, by what the previous kernel told\n",
		poison_in.nr);
}

/**
 * kho_poison_forget - go on as if nothing had been told
 */
void __init kho_poison_forget(void)
{
	poison_in.nr = 0;
}

/**
 * kho_poison_mark - mark the poisoned pages
 *
 * Context: called by kho_memory_ready() and kho_memory_release_late(), when the
 * struct pages of all that is reserved or preserved are initialised; the first
 * call, which does it, comes before anybody takes anything back.
 */
void __init kho_poison_mark(void)
{
	static bool marked __initdata;
	unsigned int i;

	if (marked)
		return;
	marked = true;
	for (i = 0; i < poison_in.nr; i++)
		SetPageHWPoison(pfn_to_page(PHYS_PFN(poison_in.addrs[i])));
}

static int __init put_out(void)
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
	poison_out = ser;

	return 0;
}

static int __init kho_poison_init(void)
{
	phys_addr_t phys;
	unsigned int i;
	int err;

	if (kho_is_enabled()) {
		err = put_out();
		if (err)
			pr_warn("the next kernel will not know which pages are poisoned: %pe\n",
				ERR_PTR(err));
	}

	/* Counted, they are passed on. */
	for (i = 0; i < poison_in.nr; i++)
		num_poisoned_pages_inc(PHYS_PFN(poison_in.addrs[i]));

	/* Nobody else is going to ask for it. */
	if (is_kho_boot() && !kho_retrieve_subtree(KHO_POISON_NAME, &phys, NULL))
		kho_restore_free(phys_to_virt(phys));

	return 0;
}
postcore_initcall(kho_poison_init);
