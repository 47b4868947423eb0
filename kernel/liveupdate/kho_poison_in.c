// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the list of poisoned pages of the previous kernel: reading
 * it, and keeping off these pages.
 *
 * What poisoned pages are is told in kho_poison.c.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <linux/kho/abi/poison.h>

#include <asm/early_ioremap.h>
#include <asm/sections.h>

#include "kho_internal.h"

/*
 * At most so many are reserved before memblock can have more regions than those
 * that it begins with.
 */
#define POISON_FIRST	32

/* What the previous kernel told, until kho_poison.c passes it on. */
static struct {
	u64 blob;
	u64 size;
	unsigned int nr;
	u64 addrs[KHO_POISON_MAX];
} poison_in __initdata;

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

/* The array of scratch areas cannot be read yet. */
static bool __init is_marked_scratch(u64 addr)
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
		else if (first < POISON_FIRST && is_marked_scratch(addr) &&
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
	if (!kho_claimable_early(poison_in.blob, poison_in.size))
		return warn_ignored();

	for (i = 0; i < poison_in.nr; i++) {
		u64 addr = poison_in.addrs[i];

		if (kho_tree_has_page(addr) ||
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
 * kho_readable_early - can memory that came in be read?
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * Early in boot a processor does not survive it to read memory that failed.
 *
 * Context: early boot, from kho_memory_init_early() on, until memblock is gone.
 * Return: true when all of it was preserved, see kho_claimable_early(), and no page of it
 * is poisoned.
 */
bool __init kho_readable_early(phys_addr_t phys, u64 size)
{
	unsigned int i;

	for (i = 0; i < poison_in.nr; i++)
		if (memblock_addrs_overlap(poison_in.addrs[i], PAGE_SIZE, phys,
					   size))
			return false;

	return kho_claimable_early(phys, size);
}

/**
 * kho_poison_drop - go on as if the previous kernel had told of no page
 *
 * Context: early boot, when the handover is not usable.
 */
void __init kho_poison_drop(void)
{
	poison_in.nr = 0;
}

/**
 * kho_poison_mark - mark the poisoned pages
 *
 * Context: called by kho_memory_ready() and kho_memory_release_late(), when the
 * struct pages of all that is reserved or preserved are initialised. The first
 * call does it. Nobody restores or frees anything of that before.
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

/**
 * kho_poison_incoming - the pages of which the previous kernel told
 * @nr: set to their number
 *
 * Context: boot, after kho_memory_init_early().
 * Return: their physical addresses.
 */
const u64 * __init kho_poison_incoming(unsigned int *nr)
{
	*nr = poison_in.nr;
	return poison_in.addrs;
}
