// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): the memory map of preserved gigantic pages.
 *
 * A gigantic page has 262,144 struct pages in 16 MiB, of which hugetlb uses those
 * in the first page of memory. To allocate and to initialise the others would be
 * most of what a gigantic page costs in boot. So from the beginning all of its
 * memory map is that one page, mapped again and again, as hugetlb's optimisation
 * of the vmemmap leaves it: see Documentation/mm/vmemmap_dedup.rst. Whoever looks
 * at any of the struct pages finds a valid one: PageReserved, of the right zone.
 *
 * A folio that is restored by kho_restore_gigantic() stays as it is, until hugetlb
 * calls kho_memmap_restore(). Before any other use kho_memmap_unshare() gives all
 * struct pages memory of their own.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/align.h>
#include <linux/init.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_early.h>
#include <linux/kho_hooks.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/pgalloc.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#include <asm/tlbflush.h>

#include "../../mm/internal.h"
#include "kho_internal.h"

#define GIGANTIC_PAGES		BIT(KHO_GIGANTIC_ORDER)
#define MEMMAP_SIZE		(GIGANTIC_PAGES * sizeof(struct page))
#define NR_ENTRIES		(MEMMAP_SIZE / PAGE_SIZE)
#define NR_TABLES		(MEMMAP_SIZE / PMD_SIZE)

/* Gigantic pages that come in are for hugetlb. */
static bool may_share __initdata;

/* hugetlb_free_vmemmap=off was said: no optimised vmemmap is wanted. */
static bool is_unwanted __initdata;

/* There is such a page. */
static bool any_shared __ro_after_init;

/* The entry that maps a struct page, or NULL if a larger one does. */
static pte_t *first_pte(unsigned long pfn)
{
	const unsigned long addr = (unsigned long)pfn_to_page(pfn);
	pgd_t *pgd = pgd_offset_k(addr);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_leaf(*pud))
		return NULL;
	pmd = pmd_offset(pud, addr);
	if (pmd_none(*pmd) || pmd_leaf(*pmd))
		return NULL;

	return pte_offset_kernel(pmd, addr);
}

/**
 * kho_memmap_is_shared - is a page in a gigantic one of which few struct pages exist?
 * @pfn: the page's frame number
 *
 * It may be a HugeTLB page, also one whose vmemmap hugetlb has optimised.
 *
 * Context: any, once there is a memory map.
 * Return: whether it is; false on a kernel in which no such page came in.
 */
bool kho_memmap_is_shared(unsigned long pfn)
{
	pte_t *pte;

	if (!any_shared)
		return false;
	pte = first_pte(round_down(pfn, GIGANTIC_PAGES));

	return pte && pte_present(ptep_get(pte)) &&
	       pte_pfn(ptep_get(pte)) == pte_pfn(ptep_get(pte + 1));
}

/**
 * kho_memmap_is_preserved - is a page in a preserved one of which few struct pages exist?
 * @pfn: the page's frame number
 *
 * Context: any.
 * Return: whether it is, and nobody restored it.
 */
bool kho_memmap_is_preserved(unsigned long pfn)
{
	pfn = round_down(pfn, GIGANTIC_PAGES);

	return any_shared && kho_marked_order(pfn) == KHO_GIGANTIC_ORDER &&
	       kho_memmap_is_shared(pfn);
}

/**
 * kho_memmap_end - the end of a gigantic page of which few struct pages exist
 * @pfn: a page
 *
 * Context: any, once there is a memory map.
 * Return: the page behind the gigantic page that @pfn is in, or 0 if it is in none.
 */
unsigned long kho_memmap_end(unsigned long pfn)
{
	return kho_memmap_is_shared(pfn) ?
	       round_down(pfn, GIGANTIC_PAGES) + GIGANTIC_PAGES : 0;
}

/* Protects the entries of those that are preserved. Taken before mf_mutex. */
static DEFINE_MUTEX(memmap_lock);

/* Returns -ENOMEM if not all of the pages could be allocated. */
static int alloc_memmap(int nid, struct list_head *pages)
{
	struct page *page, *next;
	unsigned long i;

	for (i = 1; i < NR_ENTRIES; i++) {
		page = alloc_pages_node(nid, GFP_KERNEL | __GFP_RETRY_MAYFAIL, 0);
		if (!page)
			goto free;
		list_add(&page->lru, pages);
	}
	memmap_pages_add(NR_ENTRIES - 1);

	return 0;

free:
	list_for_each_entry_safe(page, next, pages, lru)
		__free_page(page);

	return -ENOMEM;
}

/*
 * Map all but the first struct pages of a gigantic page to @pages. They become as the
 * first ones, but not as the very first @nr ones: as the @nr behind these instead.
 */
static void remap(unsigned long pfn, struct list_head *pages, unsigned int nr)
{
	struct page *head = pfn_to_page(pfn), *page, *next;
	unsigned long addr = (unsigned long)head;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		copy_page(page_address(page), head);
		memcpy(page_address(page), head + nr, nr * sizeof(*head));
		/* The copy has to be seen before the entry. */
		smp_wmb();
		addr += PAGE_SIZE;
		pfn += KHO_MEMMAP_OWN;
		set_pte_at(&init_mm, addr, first_pte(pfn),
			   mk_pte(page, PAGE_KERNEL));
	}
	flush_tlb_kernel_range((unsigned long)head, addr + PAGE_SIZE);
}

/* Of the pages that share a mark one failed, which KHO's list tells. */
static void clear_copied_poison(unsigned long pfn)
{
	const unsigned long end = pfn + GIGANTIC_PAGES;

	if (!kho_has_poison(pfn, KHO_MEMMAP_OWN) || !kho_poison_is_complete())
		return;
	for (; pfn < end; pfn++)
		if (PageHWPoison(pfn_to_page(pfn)) &&
		    kho_poison_next(pfn, pfn + 1) != pfn)
			ClearPageHWPoison(pfn_to_page(pfn));
}

static int unshare(unsigned long pfn)
{
	LIST_HEAD(pages);

	if (alloc_memmap(page_to_nid(pfn_to_page(pfn)), &pages))
		return -ENOMEM;
	/* The mark of a page that fails now could get lost. */
	memory_failure_lock();
	remap(pfn, &pages, 0);
	clear_copied_poison(pfn);
	memory_failure_unlock();

	return 0;
}

/**
 * kho_memmap_unshare - let preserved blocks have all of their struct pages
 * @pfn:      first page of the blocks
 * @nr_pages: how many there are in them
 *
 * Context: may sleep if there is a gigantic page of which few struct pages exist.
 * Return: 0, or -ENOMEM with a message: then some have as few as before.
 */
int kho_memmap_unshare(unsigned long pfn, unsigned long nr_pages)
{
	const unsigned long end = pfn + min(nr_pages, max_pfn);
	phys_addr_t phys;
	int err = 0;

	if (!any_shared)
		return 0;
	pfn = round_up(pfn, GIGANTIC_PAGES);
	for (; pfn < end && !err; pfn += GIGANTIC_PAGES) {
		if (!kho_memmap_is_preserved(pfn))
			continue;
		phys = PFN_PHYS(pfn);
		mutex_lock(&memmap_lock);
		if (kho_memmap_is_preserved(pfn))
			err = unshare(pfn);
		mutex_unlock(&memmap_lock);
	}
	if (err)
		pr_warn("no memory for the memory map of the folio at %pa, it stays preserved\n",
			&phys);

	return err;
}

/* Make a gigantic folio of few struct pages, as HVO leaves it. */
static void make_folio(struct page *head)
{
	unsigned long i;

	for (i = 1; i < KHO_MEMMAP_OWN; i++) {
		__ClearPageReserved(head + i);
		set_page_count(head + i, 0);
		prep_compound_tail(head, i);
	}
	/* Whoever finds this a head has to find the others tails. */
	smp_wmb();
	__SetPageHead(head);
	prep_compound_head(head, KHO_GIGANTIC_ORDER);
}

/**
 * kho_memmap_claim - claim a gigantic page of which few struct pages exist
 * @pfn: its first page
 *
 * Context: may sleep.
 * Return: whether there is one in which no page failed, and the caller got it. Then
 * it is a folio with a reference.
 */
bool kho_memmap_claim(unsigned long pfn)
{
	bool claimed;

	if (!any_shared || !IS_ALIGNED(pfn, GIGANTIC_PAGES))
		return false;
	mutex_lock(&memmap_lock);
	memory_failure_lock();
	claimed = kho_memmap_is_preserved(pfn) &&
		  !kho_has_poison(pfn, KHO_MEMMAP_OWN) && kho_claim_pages(pfn, 1);
	if (claimed)
		make_folio(pfn_to_page(pfn));
	memory_failure_unlock();
	mutex_unlock(&memmap_lock);

	return claimed;
}

/**
 * kho_memmap_restore - let a HugeTLB page have all of its struct pages
 * @folio: the page, of which few exist; it has no reference
 *
 * It does what hugetlb_vmemmap_restore_folio() is for. That of some 6.12 leaves
 * copies of the first struct pages behind, which the page allocator takes for bad.
 *
 * Context: may sleep. No lock of this file's: memory_failure() is a caller.
 * Return: 0, or -ENOMEM: then nothing changed.
 */
int kho_memmap_restore(struct folio *folio)
{
	LIST_HEAD(pages);

	/* Who tries to get a reference of any page writes to the page of a head. */
	synchronize_rcu();
	if (alloc_memmap(folio_nid(folio), &pages))
		return -ENOMEM;
	remap(folio_pfn(folio), &pages, sizeof(*folio) / sizeof(struct page));

	return 0;
}

/**
 * kho_memmap_expect - share the memory map of folios that are for hugetlb
 * @order: their order; only gigantic pages of one size are dealt with
 *
 * Other preserved blocks of this order may be claimed while the kernel boots.
 *
 * Context: early clients' receive functions.
 */
void __init kho_memmap_expect(unsigned int order)
{
	may_share |= order == KHO_GIGANTIC_ORDER;
}

/**
 * kho_memmap_overlap - are there few struct pages for a part of a range?
 * @phys: physical address of the range
 * @size: its size in bytes
 *
 * Context: early boot, once there is a memory map.
 * Return: whether there are.
 */
bool __init kho_memmap_overlap(phys_addr_t phys, u64 size)
{
	const unsigned long end = PFN_UP(phys + size);
	unsigned long pfn = round_down(PFN_DOWN(phys), GIGANTIC_PAGES);

	for (; any_shared && pfn < end; pfn += GIGANTIC_PAGES)
		if (kho_memmap_is_shared(pfn))
			return true;

	return false;
}

static int __init parse_free_vmemmap(char *str)
{
	bool on;

	if (str && !kstrtobool(str, &on))
		is_unwanted = !on;

	return 0;
}
early_param("hugetlb_free_vmemmap", parse_free_vmemmap);

/*
 * A preserved gigantic page of which nobody claimed any, that is on one node and in
 * one zone. Zones are not known yet: all but ZONE_MOVABLE begin at such a boundary.
 */
static bool __init can_share(unsigned long pfn, int nid)
{
	const phys_addr_t phys = PFN_PHYS(pfn), size = PFN_PHYS(GIGANTIC_PAGES);
	unsigned long start, end;

	return may_share && !is_unwanted && is_power_of_2(sizeof(struct page)) &&
	       !zone_movable_wanted() && kho_tree_has_only(phys, KHO_GIGANTIC_ORDER) &&
	       memblock_is_region_reserved_kho(phys, size) &&
	       !kho_scratch_overlap(phys, size) &&
	       memblock_search_pfn_nid(pfn, &start, &end) == nid &&
	       end >= pfn + GIGANTIC_PAGES;
}

static void __init share(unsigned long pfn, int nid)
{
	unsigned long addr = (unsigned long)pfn_to_page(pfn), i;
	void *head, *table;
	pgd_t *pgd;
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;
	pte_t pte;

	head = memblock_alloc_try_nid_raw((1 + NR_TABLES) * PAGE_SIZE, PAGE_SIZE,
					  __pa(MAX_DMA_ADDRESS),
					  MEMBLOCK_ALLOC_ACCESSIBLE, nid);
	if (!head)
		return;
	pgd = vmemmap_pgd_populate(addr, nid);
	p4d = pgd ? vmemmap_p4d_populate(pgd, addr, nid) : NULL;
	pud = p4d ? vmemmap_pud_populate(p4d, addr, nid) : NULL;
	if (!pud) {
		memblock_free(head, (1 + NR_TABLES) * PAGE_SIZE);
		return;
	}

	pte = pfn_pte(PHYS_PFN(__pa(head)), PAGE_KERNEL);
	pmd = pmd_offset(pud, addr);
	for (i = 0, table = head; i < NR_TABLES; i++) {
		table += PAGE_SIZE;
		memset64(table, pte_val(pte), PTRS_PER_PTE);
		pmd_populate_kernel(&init_mm, pmd + i, table);
	}
	any_shared = true;
	/* All of it is counted by who calls us. */
	memmap_boot_pages_add(1 - (long)NR_ENTRIES);
}

/**
 * kho_populate_memmap - map the struct pages of a section in a gigantic page
 * @pfn: first page of the section
 * @nid: its node
 *
 * Context: called by sparse_init_nid(), section by section.
 * Return: the struct pages; NULL if they are to be mapped as any other.
 */
struct page * __init kho_populate_memmap(unsigned long pfn, int nid)
{
	BUILD_BUG_ON(GIGANTIC_PAGES % PAGES_PER_SECTION);

	if (!is_kho_boot())
		return NULL;
	if (IS_ALIGNED(pfn, GIGANTIC_PAGES) && can_share(pfn, nid))
		share(pfn, nid);

	return kho_memmap_is_shared(pfn) ? pfn_to_page(pfn) : NULL;
}

/* As memmap_init_range() does, but for a section's bitmap at a time. */
static void __init set_movable(unsigned long pfn)
{
	const unsigned long end = pfn + GIGANTIC_PAGES;

	static_assert(NR_PAGEBLOCK_BITS == 4 && !PB_migrate);
	for (; pfn < end; pfn += PAGES_PER_SECTION)
		memset(section_to_usemap(__pfn_to_section(pfn)),
		       MIGRATE_MOVABLE << NR_PAGEBLOCK_BITS | MIGRATE_MOVABLE,
		       SECTION_BLOCKFLAGS_BITS / BITS_PER_BYTE);
}

static void __init init_shared(unsigned long pfn, unsigned long zone, int nid)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long i;

	for (i = 0; i < KHO_MEMMAP_OWN; i++) {
		__init_single_page(page + i, pfn + i, zone, nid);
		__SetPageReserved(page + i);
	}
	kho_mark_block(page, KHO_GIGANTIC_ORDER);
	set_movable(pfn);
	highest_memmap_pfn = max(highest_memmap_pfn, pfn + GIGANTIC_PAGES - 1);
}

/**
 * kho_next_memmap - find what of a range is to be initialised as any memory map
 * @pfn:  the page behind what was found last; set to the first page found
 * @end:  set to the page behind it
 * @stop: where the range ends, which is in one zone
 * @zone: the zone
 * @nid:  its node
 *
 * Struct pages that are passed over are initialised.
 *
 * Context: called by memmap_init_zone_range().
 * Return: false when there is nothing left.
 */
bool __init kho_next_memmap(unsigned long *pfn, unsigned long *end,
			    unsigned long stop, unsigned long zone, int nid)
{
	for (; *pfn < stop && kho_memmap_is_shared(*pfn); *pfn += GIGANTIC_PAGES)
		init_shared(*pfn, zone, nid);
	*end = any_shared ? *pfn : stop;
	while (*end < stop && (*end == *pfn || !kho_memmap_is_shared(*end)))
		*end = min(stop, round_down(*end, GIGANTIC_PAGES) + GIGANTIC_PAGES);

	return *pfn < stop;
}
