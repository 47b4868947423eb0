/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of files of hugetlbfs: putting a folio that was handed over into a
 * pool and into the page cache of its new file, and allocating huge pages for a
 * preserved file.
 *
 * A part of mm/hugetlb.c, which alone includes it, as it uses static functions
 * from there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_HUGETLB_LUO_INSERT_H
#define _MM_HUGETLB_LUO_INSERT_H

#include <linux/hugetlb_luo_hooks.h>
#include <linux/sched/mm.h>

/*
 * Folios of a preserved file are wanted where they can stay: then the freeze need not
 * move them. A folio elsewhere is better than none.
 */
static bool hugetlb_luo_prefers_pinnable(struct vm_area_struct *vma)
{
	return hugetlb_luo_is_preserved(file_inode(vma->vm_file)) &&
	       vma->vm_flags & VM_MAYSHARE;
}

/* A folio of the pool, under hugetlb_lock, or a surplus one, without it. */
static struct folio *hugetlb_luo_alloc_any(struct hstate *h,
					   struct vm_area_struct *vma,
					   unsigned long addr, long chg,
					   bool pool)
{
	return pool ? dequeue_hugetlb_folio_vma(h, vma, addr, chg) :
		      alloc_buddy_hugetlb_folio_with_mpol(h, vma, addr);
}

/* As hugetlb_luo_alloc_any(), for preserved files as well. */
static struct folio *hugetlb_luo_alloc(struct hstate *h,
				       struct vm_area_struct *vma,
				       unsigned long addr, long chg, bool pool)
{
	struct folio *folio;
	unsigned int flags;

	if (hugetlb_luo_prefers_pinnable(vma)) {
		flags = memalloc_pin_save();
		folio = hugetlb_luo_alloc_any(h, vma, addr, chg, pool);
		memalloc_pin_restore(flags);
		if (folio)
			return folio;
	}
	return hugetlb_luo_alloc_any(h, vma, addr, chg, pool);
}

#ifdef CONFIG_LIVEUPDATE_HUGETLB

#include <linux/cgroup.h>
#include <linux/kexec_handover.h>
#include <linux/memcontrol.h>
#include <linux/page_counter.h>

#include "hugetlb_luo.h"

/**
 * hugetlb_luo_restore - restore a folio that came in
 * @h:    the pool that it is for
 * @phys: its physical address
 *
 * Of a gigantic page only those struct pages may exist that HVO keeps. That stays
 * so, whether or not HVO is on, unless pages are poisoned.
 *
 * Context: may sleep.
 * Return: the folio, for hugetlb_luo_prepare() if it is of the pool's order; or
 * NULL, with a message, if there is none.
 */
struct folio *hugetlb_luo_restore(struct hstate *h, phys_addr_t phys)
{
#ifdef CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP
	struct folio *folio;

	if (hstate_is_gigantic(h) && kho_memmap_is_shared(PHYS_PFN(phys))) {
		static_branch_inc(&hugetlb_optimize_vmemmap_key);
		folio = kho_restore_gigantic(phys);
		if (folio) {
			folio_set_hugetlb_vmemmap_optimized(folio);
			return folio;
		}
		static_branch_dec(&hugetlb_optimize_vmemmap_key);
	}
#endif
	return kho_restore_folio(phys);
}

#ifdef CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP
/* Has a folio whose vmemmap is optimised come in, or is it as one that did? */
bool hugetlb_luo_is_optimized(struct folio *folio)
{
	return folio_order(folio) > MAX_PAGE_ORDER &&
	       kho_memmap_is_shared(folio_pfn(folio));
}

/**
 * hugetlb_luo_restore_vmemmap - let a huge page have all of its struct pages
 * @folio: what hugetlb_luo_is_optimized() is true of, without a reference
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM: then nothing changed.
 */
int hugetlb_luo_restore_vmemmap(struct folio *folio)
{
	int err = kho_memmap_restore(folio);

	if (!err) {
		folio_clear_hugetlb_vmemmap_optimized(folio);
		static_branch_dec(&hugetlb_optimize_vmemmap_key);
	}
	return err;
}
#endif

/**
 * hugetlb_luo_prepare - make a folio that came in a huge page
 * @h:      its pool
 * @folio:  the folio, of the pool's order, just restored, with one reference
 * @folios: it is added to these, for hugetlb_luo_adopt()
 *
 * Context: may sleep.
 */
void hugetlb_luo_prepare(struct hstate *h, struct folio *folio,
			 struct list_head *folios)
{
	/* Others, which look at any page, have a reference for a moment only. */
	while (!folio_ref_freeze(folio, 1))
		cond_resched();
	init_new_hugetlb_folio(h, folio);
	/* Before the tail pages may become read-only. */
	hugetlb_luo_adopt_poison(folio);
	list_add(&folio->lru, folios);
}

/**
 * hugetlb_luo_adopt - add huge pages to a pool, in use
 * @h:      the pool
 * @folios: huge pages from hugetlb_luo_prepare(); each has one reference then
 *
 * To optimise the vmemmap of many at a time saves a grace period for each.
 *
 * When the last reference is dropped, a folio goes to the pool, or to the page
 * allocator if the pool has more pages than were asked for.
 *
 * Context: may sleep.
 */
void hugetlb_luo_adopt(struct hstate *h, struct list_head *folios)
{
	struct folio *folio, *next;

	hugetlb_vmemmap_optimize_folios(h, folios);
	spin_lock_irq(&hugetlb_lock);
	list_for_each_entry_safe(folio, next, folios, lru) {
		hugetlb_luo_take(h, folio_nid(folio));
		list_move(&folio->lru, &h->hugepage_activelist);
		folio_ref_unfreeze(folio, 1);
	}
	spin_unlock_irq(&hugetlb_lock);
}

#ifdef CONFIG_CGROUP_HUGETLB
/* Charges the task's cgroup beyond any limit: the memory is in use already. */
static struct hugetlb_cgroup *hugetlb_luo_charge(struct hstate *h, bool rsvd)
{
	const int idx = hstate_index(h);
	struct cgroup_subsys_state *css;
	struct hugetlb_cgroup *h_cg;

	if (hugetlb_cgroup_disabled())
		return NULL;
	css = task_get_css(current, hugetlb_cgrp_id);
	h_cg = container_of(css, struct hugetlb_cgroup, css);
	page_counter_charge(rsvd ? &h_cg->rsvd_hugepage[idx] :
				   &h_cg->hugepage[idx],
			    pages_per_huge_page(h));
	/* As with other charges, only a reservation keeps the reference. */
	if (!rsvd)
		css_put(css);
	return h_cg;
}
#else
static struct hugetlb_cgroup *hugetlb_luo_charge(struct hstate *h, bool rsvd)
{
	return NULL;
}
#endif

/* As alloc_hugetlb_folio() charges a folio for which nothing was reserved. */
static void hugetlb_luo_charge_folio(struct hstate *h, struct folio *folio)
{
	const long nr_pages = pages_per_huge_page(h);
	struct mem_cgroup *memcg = get_mem_cgroup_from_current();
	struct hugetlb_cgroup *h_cg = hugetlb_luo_charge(h, false);
	struct hugetlb_cgroup *rsvd = hugetlb_luo_charge(h, true);

	spin_lock_irq(&hugetlb_lock);
	hugetlb_cgroup_commit_charge(hstate_index(h), nr_pages, h_cg, folio);
	hugetlb_cgroup_commit_charge_rsvd(hstate_index(h), nr_pages, rsvd,
					  folio);
	spin_unlock_irq(&hugetlb_lock);

	/* No task is killed for this: it could be the one that holds the file. */
	if (!mem_cgroup_hugetlb_try_charge(memcg, GFP_KHO_RESTORE |
					   __GFP_NORETRY, nr_pages))
		mem_cgroup_commit_charge(folio, memcg);
	mem_cgroup_put(memcg);
}

/* Whose limits do not matter, as there are none. */
static struct mem_cgroup *hugetlb_luo_root_memcg(void)
{
#ifdef CONFIG_MEMCG
	return root_mem_cgroup;
#else
	return NULL;
#endif
}

/*
 * The contents would be lost if memory was short for a moment: try until there is
 * some, as GFP_KHO_RESTORE does. The nodes of the page cache are charged to nobody:
 * the folio may have taken its cgroup beyond a limit, where no other charge succeeds.
 */
static int hugetlb_luo_add_to_page_cache(struct folio *folio,
					 struct address_space *mapping,
					 pgoff_t idx)
{
	const u32 hash = hugetlb_fault_mutex_hash(mapping, idx);
	struct mem_cgroup *memcg = set_active_memcg(hugetlb_luo_root_memcg());
	int err;

	for (;;) {
		mutex_lock(&hugetlb_fault_mutex_table[hash]);
		err = hugetlb_add_to_page_cache(folio, mapping, idx);
		mutex_unlock(&hugetlb_fault_mutex_table[hash]);
		if (err != -ENOMEM)
			break;
		schedule_timeout_uninterruptible(1);
	}
	set_active_memcg(memcg);
	return err;
}

/**
 * hugetlb_luo_insert - put an adopted folio into the page cache of a file
 * @inode: the file, which has no subpool and that no user knows yet
 * @folio: from hugetlb_luo_adopt(), with one reference, which stays the caller's
 * @index: where it belongs, in base pages, aligned to its size
 *
 * The folio is charged to the cgroups of the task.
 *
 * Context: may sleep.
 * Return: 0, or -EEXIST if there is a folio in its place.
 */
int hugetlb_luo_insert(struct inode *inode, struct folio *folio, pgoff_t index)
{
	struct hstate *h = hstate_inode(inode);
	struct resv_map *resv = inode_resv_map(inode);
	const pgoff_t idx = index >> huge_page_order(h);
	long chg, needed;
	int err;

	while ((chg = region_chg(resv, idx, idx + 1, &needed)) == -ENOMEM)
		schedule_timeout_uninterruptible(1);
	if (!chg) {
		region_abort(resv, idx, idx + 1, needed);
		return -EEXIST;
	}

	hugetlb_luo_charge_folio(h, folio);
	__folio_mark_uptodate(folio);
	err = hugetlb_luo_add_to_page_cache(folio, inode->i_mapping, idx);
	if (err) {
		region_abort(resv, idx, idx + 1, needed);
		return err;
	}
	region_add(resv, idx, idx + 1, needed, NULL, NULL);
	/* What failed cannot be copied. */
	if (!folio_test_hwpoison(folio))
		folio_set_hugetlb_migratable(folio);
	folio_unlock(folio);
	return 0;
}

#endif /* CONFIG_LIVEUPDATE_HUGETLB */

#endif /* _MM_HUGETLB_LUO_INSERT_H */
