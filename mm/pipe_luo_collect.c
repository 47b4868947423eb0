// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of pipes: collecting and preserving what is in a pipe.
 *
 * Nobody else uses the buffers of the pipe meanwhile, see pipe_luo_hide().
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/swap.h>

#include "internal.h"
#include "pipe_luo.h"

/**
 * struct pipe_luo_run - buffers whose data follow each other in one folio
 * @buf:   the first
 * @folio: the folio
 * @nr:    how many buffers; the pipe has so many references to the folio by them
 * @len:   bytes
 */
struct pipe_luo_run {
	struct pipe_buffer *buf;
	struct folio *folio;
	unsigned int nr;
	unsigned int len;
};

static phys_addr_t pipe_luo_start(const struct pipe_buffer *buf)
{
	return page_to_phys(buf->page) + buf->offset;
}

/* The buffers from @slot on that are a run; one at least. */
static struct pipe_luo_run pipe_luo_find_run(const struct pipe_luo *pl,
					     unsigned int slot)
{
	struct pipe_buffer *buf = pipe_buf(pl->pipe, slot);
	struct pipe_luo_run run = {
		.buf = buf,
		.folio = page_folio(buf->page),
		.nr = 1,
		.len = buf->len,
	};

	if (buf->flags & PIPE_BUF_FLAG_PACKET)
		return run;
	while (++slot != pl->head) {
		buf = pipe_buf(pl->pipe, slot);
		if (page_folio(buf->page) != run.folio ||
		    pipe_luo_start(buf) != pipe_luo_start(run.buf) + run.len ||
		    buf->flags & PIPE_BUF_FLAG_PACKET)
			break;
		run.nr++;
		run.len += buf->len;
	}
	return run;
}

/* Is the folio in memory that can be preserved? Most often the one before was. */
static bool pipe_luo_can_stay(struct pipe_luo *pl, struct folio *folio)
{
	const unsigned long pageblock = pageblock_start_pfn(folio_pfn(folio));

	if (pageblock == pl->pageblock)
		return true;
	if (!folio_is_longterm_pinnable(folio))
		return false;
	pl->pageblock = pageblock;
	return true;
}

/*
 * Does the pipe alone have the folio, by this run? Then nobody writes to it, and
 * nobody moves, splits or frees it either: the references forbid that, also while
 * it is on an LRU list. Only for anonymous memory, and for what this handler put
 * into the pipe, it is certain that each buffer has a reference.
 */
static bool pipe_luo_is_only_owner(const struct pipe_luo_run *run)
{
	struct folio *folio = run->folio;

	if (run->buf->ops != &pipe_luo_buf_ops &&
	    (!folio_test_anon(folio) || folio_test_ksm(folio) ||
	     folio_test_hugetlb(folio)))
		return false;
	if (folio_mapped(folio))
		return false;
	/* The swap cache has references, too. */
	if (folio_test_swapcache(folio) && folio_trylock(folio)) {
		folio_free_swap(folio);
		folio_unlock(folio);
	}
	return folio_ref_count(folio) == run->nr && !memfd_luo_has_tags(folio);
}

/* There is room for it. */
static void pipe_luo_add_record(struct pipe_luo *pl,
				const struct pipe_buffer *buf, u64 pfn,
				u64 offset, u32 len)
{
	*pipe_luo_record_at(&pl->records, pl->records.nr++) =
		(struct pipe_luo_data_ser) {
			.pfn = pfn,
			.flags = buf->flags & PIPE_BUF_FLAG_PACKET ?
				 PIPE_LUO_DATA_PACKET : 0,
			.offset = offset,
			.len = len,
		};
}

static bool pipe_luo_is_zero(const struct pipe_buffer *buf)
{
	return (is_zero_page(buf->page) ||
		is_huge_zero_folio(page_folio(buf->page))) &&
	       buf->offset + buf->len <= PAGE_SIZE;
}

/* Has the buffer refer to a copy of its data. */
static int pipe_luo_copy(struct pipe_luo *pl, struct pipe_buffer *buf)
{
	struct folio *copy;

	if (folio_contain_hwpoisoned_page(page_folio(buf->page)))
		return -EHWPOISON;
	/* If there is no memory for that, no task is killed. */
	copy = folio_alloc(GFP_USER | __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL,
			   get_order(buf->len));
	if (!copy)
		return -ENOMEM;
	memcpy(folio_address(copy), page_address(buf->page) + buf->offset,
	       buf->len);
	pipe_buf_release(pl->pipe, buf);
	*buf = (struct pipe_buffer) {
		.page = folio_page(copy, 0),
		.len = buf->len,
		.ops = &pipe_luo_buf_ops,
		.flags = buf->flags & PIPE_BUF_FLAG_PACKET,
	};
	return 0;
}

/* Makes a record of a copy, or of zeroes. */
static int pipe_luo_collect_copy(struct pipe_luo *pl, struct pipe_buffer *buf)
{
	int err;

	/* Only copies take long: what stays takes a hundred instructions a page here. */
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	/* The next kernel has no buffers that are empty. */
	if (!buf->len)
		return 0;
	/* Waits for data from a file, and fails for what is lost. */
	err = pipe_buf_confirm(pl->pipe, buf);
	if (err)
		return err;
	if (pipe_luo_is_zero(buf)) {
		pipe_luo_add_record(pl, buf, 0, 0, buf->len);
		return 0;
	}
	err = pipe_luo_copy(pl, buf);
	if (!err)
		pipe_luo_add_record(pl, buf, page_to_pfn(buf->page), 0, buf->len);
	return err;
}

/* Makes records of the run from *@slot on, and moves *@slot behind it. */
static int pipe_luo_collect_run(struct pipe_luo *pl, unsigned int *slot)
{
	struct pipe_luo_run run = pipe_luo_find_run(pl, *slot);
	unsigned long pfn = folio_pfn(run.folio);
	unsigned int end = *slot + run.nr;
	int err = 0;

	if (run.len && pipe_luo_is_only_owner(&run) &&
	    pipe_luo_can_stay(pl, run.folio)) {
		pipe_luo_add_record(pl, run.buf, pfn,
				    pipe_luo_start(run.buf) - PFN_PHYS(pfn),
				    run.len);
		*slot = end;
	}
	while (*slot != end && !err)
		err = pipe_luo_collect_copy(pl, pipe_buf(pl->pipe, (*slot)++));
	return err;
}

/*
 * The folios of the records from *@next on up to @end, as many as there is room
 * for in @folios. Moves *@next behind their records.
 */
static unsigned int pipe_luo_next_folios(const struct pipe_luo *pl,
					 unsigned long *next, unsigned long end,
					 struct folio **folios)
{
	unsigned int nr = 0;
	u64 pfn;

	while (*next < end && nr < KHO_FOLIO_BATCH) {
		pfn = pipe_luo_record_at(&pl->records, (*next)++)->pfn;
		if (pfn)
			folios[nr++] = pfn_folio(pfn);
	}
	return nr;
}

static void pipe_luo_unpreserve_folios(const struct pipe_luo *pl,
				       unsigned long end)
{
	struct folio *folios[KHO_FOLIO_BATCH] __uninitialized;
	unsigned long next = 0;
	unsigned int nr;

	while ((nr = pipe_luo_next_folios(pl, &next, end, folios))) {
		kho_unpreserve_folios(folios, nr);
		cond_resched();
	}
}

static int pipe_luo_preserve_folios(const struct pipe_luo *pl)
{
	struct folio *folios[KHO_FOLIO_BATCH] __uninitialized;
	unsigned long next = 0, done = 0;
	unsigned int nr;
	int err;

	while ((nr = pipe_luo_next_folios(pl, &next, pl->records.nr, folios))) {
		err = kho_preserve_folios(folios, nr);
		if (err) {
			pipe_luo_unpreserve_folios(pl, done);
			return err;
		}
		done = next;
		cond_resched();
	}
	return 0;
}

/**
 * pipe_luo_collect - make records of what is in a pipe, and preserve it
 * @pl: the pipe, whose buffers nobody else uses; it has no records yet
 *
 * Buffers may get copies of their data. These stay, also on failure.
 *
 * Context: may sleep.
 * Return: 0; -EINTR if killed; -ENOMEM; -EHWPOISON if memory that has to be copied
 * has failed; -EIO or -ENODATA if data are lost; or an errno of
 * kho_preserve_folios(). On failure there are no records.
 */
int pipe_luo_collect(struct pipe_luo *pl)
{
	unsigned int slot = pl->pipe->tail;
	int err;

	err = memfd_luo_records_reserve(&pl->records,
					pipe_occupancy(pl->head, slot));
	/* Lists of pages that are to be put on an LRU list have references. */
	lru_add_drain_all();
	while (slot != pl->head && !err)
		err = pipe_luo_collect_run(pl, &slot);
	if (!err)
		err = pipe_luo_preserve_folios(pl);
	if (err)
		memfd_luo_records_free(&pl->records);
	return err;
}

/**
 * pipe_luo_drop - undo pipe_luo_collect()
 * @pl: the pipe; its record is not updated
 *
 * Context: may sleep.
 */
void pipe_luo_drop(struct pipe_luo *pl)
{
	pipe_luo_unpreserve_folios(pl, pl->records.nr);
	memfd_luo_records_free(&pl->records);
}
