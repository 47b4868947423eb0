/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): frees pages to the buddy allocator by the bits of a word.
 *
 * A part of page_alloc.c, which alone includes it, as it uses static functions
 * from there. Preserved pages can be many and isolated: the pages between them are
 * freed with the zone's lock taken once for a word of them, see
 * kernel/liveupdate/kho_unit.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_KHO_FREE_H
#define _MM_KHO_FREE_H

#ifdef CONFIG_KEXEC_HANDOVER

/*
 * Free pages whose struct pages are as boot initialised them, but for the reference:
 * no flag of any but the first is to be cleared. Returns false if they may be others.
 */
static bool __meminit kho_free_fresh(struct page *page, unsigned int order,
				     enum meminit_context context)
{
	if (context != MEMINIT_EARLY)
		return false;
	if (__free_pages_prepare(page, order, true))
		free_one_page(page_zone(page), page, page_to_pfn(page), order,
			      FPI_TO_TAIL);

	return true;
}

/*
 * The first naturally aligned block of pages, as bits, and its order. Most often
 * the next page is in use.
 */
static __always_inline unsigned long first_buddy(unsigned long bits,
						 unsigned int *order)
{
	unsigned long first = bits & -bits;
	unsigned int bit, nr;

	*order = 0;
	if (!(bits & (first << 1)))
		return first;

	bit = __ffs(bits);
	bits = ~(bits >> bit);
	nr = bits ? __ffs(bits) : BITS_PER_LONG;
	*order = min_t(unsigned int, ilog2(nr), bit ? __ffs(bit) : UINT_MAX);

	return ((2UL << ((1U << *order) - 1)) - 1) << bit;
}

/* Make the pages ready to be freed. Returns those that can be. */
static unsigned long __init prepare_core_bits(struct page *page,
					      unsigned long bits)
{
	unsigned long left, block, good = bits;
	unsigned int bit, order, i;

	for (left = bits; left; left ^= block) {
		bit = __ffs(left);
		block = first_buddy(left, &order);
		for (i = 0; i < 1U << order; i++)
			set_page_count(page + bit + i, 0);
		clear_page_tag_ref(page + bit);
		if (!free_pages_prepare(page + bit, order))
			good ^= block;
	}

	return good;
}

/**
 * free_pages_core_bits - __free_pages_core() for a word of pages
 * @pfn:  what the first bit stands for, a multiple of BITS_PER_LONG
 * @bits: which pages to free
 *
 * The pages have one migratetype, their struct pages are initialised and not
 * PageReserved.
 *
 * Context: boot.
 * Return: how many were freed.
 */
unsigned int __init free_pages_core_bits(unsigned long pfn, unsigned long bits)
{
	struct page *page = pfn_to_page(pfn);
	unsigned int nr, migratetype, bit, order;
	unsigned long flags, block;
	struct zone *zone;

	if (!bits)
		return 0;

	zone = page_zone(page + __ffs(bits));
	if (page_zone(page + __fls(bits)) != zone) {
		for_each_set_bit(bit, &bits, BITS_PER_LONG)
			__free_pages_core(page + bit, 0, MEMINIT_EARLY);
		return hweight_long(bits);
	}

	bits = prepare_core_bits(page, bits);
	nr = hweight_long(bits);
	migratetype = get_pfnblock_migratetype(page, pfn);
	atomic_long_add(nr, &zone->managed_pages);

	spin_lock_irqsave(&zone->lock, flags);
	for (; bits; bits ^= block) {
		bit = __ffs(bits);
		block = first_buddy(bits, &order);
		__free_one_page(page + bit, pfn + bit, zone, order, migratetype,
				FPI_TO_TAIL);
	}
	spin_unlock_irqrestore(&zone->lock, flags);

	return nr;
}

#else
static inline bool kho_free_fresh(struct page *page, unsigned int order,
				  enum meminit_context context)
{
	return false;
}
#endif /* CONFIG_KEXEC_HANDOVER */

#endif /* _MM_KHO_FREE_H */
