// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Preservation of memfds
 *
 * A memfd in a live update session keeps its contents, size, position and seals
 * over the update. Its folios are not copied: they stay where they are, and the
 * next kernel puts them into the page cache of a new memfd.
 *
 * Preserved are memfds on tmpfs, with folios of any order, and like them all
 * files of tmpfs that have no name: what was unlinked, or opened with O_TMPFILE.
 * They come back as memfds. Not taken are memfds of hugetlbfs, and files on
 * tmpfs that have a name. Not carried on are the name of a memfd, the file
 * mode and owner, status flags such as O_APPEND, timestamps, and memory that
 * fallocate() reserved beyond the end of the file. The new memfd is called
 * "memfd:liveupdate" and has the mode of memfd_create()'s default, less the
 * execute bits if it is sealed with F_SEAL_EXEC.
 *
 * While preserved
 *   the folios are pinned, outside the scratch areas; what was swapped out is
 *   brought back. The size and the holes of the file are fixed: truncate(),
 *   writes beyond the end, fallocate() in any mode and MADV_REMOVE fail with
 *   EPERM. F_SEAL_WRITE, which no pinned folio allows, fails with EBUSY; other
 *   seals can be added. All else goes on, in this file and in mappings of it.
 *
 * Holes
 *   stay holes: a sparse file costs no more than the data in it. A write or a
 *   page fault in a hole allocates memory as ever. What came to be so is
 *   preserved as well when the file is frozen; files that did not get new folios
 *   meanwhile are spared the search. khugepaged fills no holes.
 *
 * When retrieved
 *   the memfd is there at once, however large it is. Its folios are put into the
 *   page cache when they are used first, and all the others by a worker. Calls
 *   that concern many of them, such as fallocate(), ftruncate(), lseek() with
 *   SEEK_HOLE and finishing the session, wait for all. What
 *   turns out to be damaged then is lost: see below.
 *
 * When damaged
 *   the record, the list of pages that its records of folios are in, or the
 *   checksums of those: nothing can be retrieved. A page of the records: those
 *   folios are lost, some 1 MiB of a file without huge pages. To read, write or
 *   map them gives EIO or SIGBUS, and to finish the session gives EIO. The
 *   rest of the file is as it was.
 *
 *   What comes from a kernel that does not write checksums is looked through
 *   before it is retrieved, and complete then.
 *
 * When memory failed
 *   the page that failed is lost: to use it gives EIO or SIGBUS, here and in the
 *   next kernel. All else is there. A page that failed in scratch memory, where
 *   nothing can be preserved, is replaced by one that is told to have failed.
 *
 * While frozen
 *   what is there can be read and written, and is handed over as it is when the
 *   CPUs stop. A task that would fill a hole waits, as does one that added
 *   seals: either the kernel goes away, or the update is called off and the
 *   task goes on. So nothing is lost that a task was told is done.
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait_bit.h>
#include <linux/xxhash.h>

#ifdef CONFIG_ARM64_MTE
#include <asm/mte.h>
#endif

#include "internal.h"
#include "memfd_luo.h"

/**
 * struct memfd_luo_folios - pinned and preserved folios of a file
 * @records:  their records
 * @nr_pages: pages in all the folios
 */
struct memfd_luo_folios {
	struct memfd_luo_records records;
	unsigned long nr_pages;
};

/**
 * struct memfd_luo_page - what is handed over of a memfd, but its folios
 * @ser:   the record
 * @sum:   its checksum
 * @count: how large it is
 */
struct memfd_luo_page {
	struct memfd_luo_ser ser;
	struct memfd_luo_sum_ser sum;
	struct memfd_luo_count_ser count;
} __packed;

/**
 * struct memfd_luo - a preserved memfd
 * @page:     its record, in preserved memory
 * @folios:   its folios; their records are preserved if there are any
 * @identity: of the file, which the checksum begins with
 * @sum:      checksum of @identity and the records
 * @locked:   bytes that count as locked memory of a user
 * @ucounts:  of that user
 */
struct memfd_luo {
	struct memfd_luo_page *page;
	struct memfd_luo_folios folios;
	u32 identity;
	u64 sum;
	size_t locked;
	struct ucounts *ucounts;
};

/*
 * So much of the page of a record is zero where nothing is written: what is put
 * there one day has to be told from what an earlier kernel did not write.
 */
#define MEMFD_LUO_CLEARED	256

static_assert(sizeof(struct memfd_luo_page) <= MEMFD_LUO_CLEARED);

static pgoff_t memfd_luo_end_index(loff_t size)
{
	return DIV_ROUND_UP_ULL(size, PAGE_SIZE);
}

/*
 * Fixes the size and the holes of the file. The flags are changed by callbacks
 * for this file only, which never run at the same time.
 *
 * Who writes to the file can hold the inode lock for as long as the memory that
 * is written from lets it wait. This must not keep the freeze from beginning
 * for good, so a task that waits for it here can be killed.
 */
static int memfd_luo_set_preserved(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);
	int err = 0;

	if (inode_lock_killable(inode))
		return -EINTR;
	if (info->seals & ~MEMFD_LUO_ALL_SEALS)
		err = -EOPNOTSUPP;
	else if (shmem_is_preserved(inode))
		err = -EBUSY;
	else
		WRITE_ONCE(info->flags, info->flags | SHMEM_F_PRESERVED);
	inode_unlock(inode);
	return err;
}

/* A call that began before may still return EPERM. */
static void memfd_luo_clear_preserved(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);

	WRITE_ONCE(info->flags, info->flags & ~SHMEM_F_PRESERVED);
}

/*
 * From here on no hole is filled. Returns whether folios were added that are
 * not among the @nr_pages preserved ones.
 *
 * The lock of the page cache is what orders this and the filling of holes. The
 * inode lock must not be taken: a task may hold it while it waits, for the thaw
 * of another file, on a page fault.
 */
static bool memfd_luo_set_frozen(struct inode *inode, unsigned long nr_pages)
{
	struct address_space *mapping = inode->i_mapping;
	struct shmem_inode_info *info = SHMEM_I(inode);
	bool grown;

	xa_lock_irq(&mapping->i_pages);
	WRITE_ONCE(info->flags, info->flags | SHMEM_F_FROZEN);
	/*
	 * Preserved folios are never swapped out. What is on its way there or
	 * back is counted in one of the two, or in both, under this lock.
	 */
	grown = mapping->nrpages != nr_pages || READ_ONCE(info->swapped);
	xa_unlock_irq(&mapping->i_pages);

	/* Pairs with __memfd_luo_seals_added(). */
	smp_mb();
	return grown;
}

static void memfd_luo_clear_frozen(struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);

	xa_lock_irq(&inode->i_mapping->i_pages);
	WRITE_ONCE(info->flags, info->flags & ~SHMEM_F_FROZEN);
	xa_unlock_irq(&inode->i_mapping->i_pages);

	/* wake_up_var() must not look for waiters before the flag is clear. */
	smp_mb();
	wake_up_var(&info->flags);
}

int __memfd_luo_wait_thaw(struct inode *inode)
{
	if (wait_var_event_killable(&SHMEM_I(inode)->flags,
				    !shmem_is_frozen(inode)))
		return -EINTR;
	return 0;
}

/*
 * Called with seals just added and no lock held. If the freeze has begun, the
 * seals may have come too late for the record: then the caller must not get to
 * know that they are set.
 */
void __memfd_luo_seals_added(struct inode *inode)
{
	/* Pairs with memfd_luo_set_frozen(): it sees the seals, or we wait. */
	smp_mb();
	memfd_luo_wait_thaw(inode);
}

/*
 * Is this a page that stands for one that is lost, and is not the file's? Those
 * that are the file's stay in it as long as they are pinned.
 */
static bool memfd_luo_is_substitute(struct folio *folio)
{
	return !folio->mapping;
}

static void memfd_luo_unpin(struct folio **pinned, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		if (memfd_luo_is_substitute(pinned[i]))
			kho_poison_del(folio_pfn(pinned[i]));
	unpin_folios(pinned, nr);
}

static void memfd_luo_release(struct memfd_luo_folios *folios)
{
	struct folio *batch[KHO_FOLIO_BATCH] __uninitialized;
	unsigned long i = 0;
	unsigned int nr;

	while (i < folios->records.nr) {
		for (nr = 0; nr < KHO_FOLIO_BATCH && i < folios->records.nr; nr++)
			batch[nr] = pfn_folio(memfd_luo_record_at(&folios->records,
								  i++)->pfn);
		kho_unpreserve_folios(batch, nr);
		memfd_luo_unpin(batch, nr);
		cond_resched();
	}
	memfd_luo_records_free(&folios->records);
	folios->nr_pages = 0;
}

/* Writes the records of @nr folios, which are in one page. */
static void memfd_luo_write(struct memfd_luo_folios *folios,
			    struct folio *const *pinned, unsigned int nr)
{
	struct memfd_luo_folio_ser *ser;
	unsigned long nr_more = 0;
	unsigned int i;

	ser = memfd_luo_record_at(&folios->records, folios->records.nr);
	for (i = 0; i < nr; i++) {
		struct folio *folio = pinned[i];

		/* What is clean now may be written later. */
		ser[i] = (struct memfd_luo_folio_ser) {
			.pfn = folio_pfn(folio),
			.flags = MEMFD_LUO_FOLIO_DIRTY | MEMFD_LUO_FOLIO_UPTODATE,
			.index = folio->index,
		};
		if (folio_test_large(folio))
			nr_more += folio_nr_pages(folio) - 1;
	}
	folios->records.nr += nr;
	folios->nr_pages += nr + nr_more;
}

/* Preserves @nr pinned folios and adds them, or none of them. */
static int memfd_luo_add(struct memfd_luo_folios *folios,
			 struct folio *const *pinned, unsigned int nr)
{
	struct memfd_luo_records *records = &folios->records;
	unsigned int left;
	int err;

	err = memfd_luo_records_reserve(records, nr);
	if (!err)
		err = kho_preserve_folios(pinned, nr);
	if (err)
		return err;

	left = MEMFD_LUO_PER_PAGE - records->nr % MEMFD_LUO_PER_PAGE;
	left = min(left, nr);
	memfd_luo_write(folios, pinned, left);
	if (left < nr)
		memfd_luo_write(folios, pinned + left, nr - left);
	return 0;
}

/*
 * Where the folios of a batch are: one node, and the last page block found good.
 * The struct pages of a page block are next to each other.
 */
struct memfd_luo_place {
	struct page *pageblock;
	int nid;
};

/* Most often a folio is in the page block of the one before. */
static bool memfd_luo_can_stay(struct folio *folio, struct memfd_luo_place *place)
{
	struct page *page = folio_page(folio, 0);

	if (page >= place->pageblock &&
	    page < place->pageblock + pageblock_nr_pages)
		return true;
	if (place->nid != NUMA_NO_NODE && place->nid != folio_nid(folio))
		return false;
	if (!folio_is_longterm_pinnable(folio))
		return false;
	place->pageblock = pfn_to_page(pageblock_start_pfn(folio_pfn(folio)));
	place->nid = folio_nid(folio);
	return true;
}

/* As try_grab_folio() with FOLL_PIN, but for the statistics. */
static void memfd_luo_grab(struct folio *folio)
{
	if (folio_test_large(folio)) {
		folio_ref_inc(folio);
		atomic_inc(&folio->_pincount);
	} else {
		folio_ref_add(folio, GUP_PIN_COUNTING_BIAS);
	}
}

static void memfd_luo_ungrab(struct folio *folio)
{
	if (folio_test_large(folio)) {
		atomic_dec(&folio->_pincount);
		folio_ref_dec(folio);
	} else {
		folio_ref_sub(folio, GUP_PIN_COUNTING_BIAS);
	}
}

#ifdef CONFIG_ARM64_MTE
/* The tags of memory are in no memory that could be handed over. */
static bool memfd_luo_has_tags(struct folio *folio)
{
	long i, nr = folio_nr_pages(folio);

	if (!system_supports_mte())
		return false;
	for (i = 0; i < nr; i++) {
		if (page_mte_tagged(folio_page(folio, i)))
			return true;
	}
	return false;
}

/* Folios get tags when they are mapped so, also while they are pinned. */
static int memfd_luo_look_for_tags(const struct memfd_luo_folios *folios)
{
	unsigned long i;

	if (!system_supports_mte())
		return 0;
	for (i = 0; i < folios->records.nr; i++) {
		if (memfd_luo_has_tags(pfn_folio(memfd_luo_record_at(&folios->records,
								     i)->pfn)))
			return -EOPNOTSUPP;
		cond_resched();
	}
	return 0;
}
#else
static bool memfd_luo_has_tags(struct folio *folio)
{
	return false;
}

static int memfd_luo_look_for_tags(const struct memfd_luo_folios *folios)
{
	return 0;
}
#endif

/* Has it its contents, and does nobody do anything to it that takes its lock? */
static bool memfd_luo_is_at_rest(struct folio *folio)
{
	const unsigned long flags = READ_ONCE(folio->flags);

	return (flags & (BIT(PG_uptodate) | BIT(PG_locked))) ==
	       BIT(PG_uptodate);
}

/*
 * Pins a folio of the page cache, whose lock is held, if it can stay as it is
 * and where it is.
 */
static bool memfd_luo_pin_ready(struct folio *folio,
				struct memfd_luo_place *place)
{
	if (xa_is_value(folio))
		return false;

	memfd_luo_grab(folio);
	/*
	 * Swap-out, collapse, split and migration lock the folio, and then look
	 * at its references: they see the pin, or we see the lock.
	 */
	smp_mb__after_atomic();
	if (memfd_luo_is_at_rest(folio) && !memfd_luo_has_tags(folio) &&
	    memfd_luo_can_stay(folio, place))
		return true;

	memfd_luo_ungrab(folio);
	return false;
}

/*
 * Pins the next folios from *@start up to @end while they are ready and of one
 * node, and moves *@start behind them. Returns how many.
 */
static unsigned int memfd_luo_pin_all_ready(struct address_space *mapping,
					    pgoff_t *start, pgoff_t end,
					    struct folio **pinned)
{
	struct memfd_luo_place place = { .nid = NUMA_NO_NODE };
	XA_STATE(xas, &mapping->i_pages, *start);
	unsigned int nr = 0;
	struct folio *folio;

	xas_lock_irq(&xas);
	xas_for_each(&xas, folio, end - 1) {
		if (!memfd_luo_pin_ready(folio, &place))
			break;
		pinned[nr++] = folio;
		if (nr == KHO_FOLIO_BATCH)
			break;
	}
	xas_unlock_irq(&xas);
	if (!nr)
		return 0;

	*start = folio_next_index(pinned[nr - 1]);
	node_stat_mod_folio(pinned[0], NR_FOLL_PIN_ACQUIRED, nr);
	return nr;
}

/*
 * Takes a pin on @folio, of which a reference is held, if it is still the
 * file's and has its contents in place: then it can neither be swapped out nor
 * split nor replaced any more. Returns -EAGAIN if it is not, and -EHWPOISON if it
 * is poisoned and cannot stay where it is.
 */
static int memfd_luo_try_pin(struct address_space *mapping, struct folio *folio)
{
	int err = -EAGAIN;

	if (xa_is_value(folio))
		return err;

	/* Swap-out and collapse work on the locked folio. */
	folio_lock(folio);
	if (folio->mapping == mapping && folio_test_uptodate(folio)) {
		if (folio_contain_hwpoisoned_page(folio) &&
		    !folio_is_longterm_pinnable(folio))
			err = -EHWPOISON;
		else if (memfd_luo_has_tags(folio))
			err = -EOPNOTSUPP;
		else
			err = try_grab_folio(folio, 1, FOLL_PIN);
	}
	folio_unlock(folio);
	return err;
}

/* Makes a page that the next kernel is told is poisoned, and pins it. */
static int memfd_luo_pin_substitute(pgoff_t index, struct folio **pinned)
{
	struct folio *folio = folio_alloc(GFP_USER | __GFP_ZERO, 0);
	int err;

	if (!folio)
		return -ENOMEM;

	folio->index = index;
	/* Untold, it would be a page full of zeroes. */
	err = kho_poison_add(folio_pfn(folio)) ? -EIO : 0;
	if (!err) {
		memfd_luo_grab(folio);
		node_stat_mod_folio(folio, NR_FOLL_PIN_ACQUIRED, 1);
		*pinned = folio;
	}
	/* The pin is what keeps it. */
	folio_put(folio);
	return err;
}

/*
 * A poisoned folio cannot be moved to where it may be preserved: its contents
 * are lost. So preserve another page in its place, which counts as poisoned. Of
 * a huge folio just the poisoned page is lost: split it, and return -EAGAIN.
 */
static int memfd_luo_pin_lost(struct address_space *mapping,
			      struct folio *folio, struct folio **pinned)
{
	int err = -EAGAIN;

	folio_lock(folio);
	if (folio->mapping == mapping) {
		if (!folio_test_large(folio))
			err = memfd_luo_pin_substitute(folio->index, pinned);
		else if (split_folio(folio))
			err = -EBUSY;
	}
	folio_unlock(folio);
	return err;
}

/*
 * Swaps in what belongs at @index, or zeroes a folio that was allocated and
 * never written. Returns -ENOENT for a hole.
 */
static int memfd_luo_make_ready(struct inode *inode, pgoff_t index)
{
	struct folio *folio;
	int err;

	err = shmem_get_folio(inode, index, 0, &folio, SGP_NOALLOC);
	if (err)
		return err;
	folio_unlock(folio);
	folio_put(folio);
	return 0;
}

/*
 * Pins folios up to the first that cannot be, and moves *@next behind them.
 * Returns how many, and in *@err why the next one cannot be.
 */
static unsigned int memfd_luo_pin_batch(struct address_space *mapping,
					struct folio_batch *fbatch,
					struct folio **pinned, pgoff_t *next,
					long *err)
{
	unsigned int i;

	for (i = 0; i < folio_batch_count(fbatch); i++) {
		pinned[i] = fbatch->folios[i];
		*err = memfd_luo_try_pin(mapping, pinned[i]);
		if (*err)
			break;
		*next = folio_next_index(pinned[i]);
	}
	if (!i && *err == -EHWPOISON) {
		*err = memfd_luo_pin_lost(mapping, fbatch->folios[0], pinned);
		if (!*err)
			*next = folio_next_index(pinned[i++]);
	}
	return i;
}

/*
 * Waits for the next folios from *@start up to @end, brings them to where they
 * can stay, pins them, and moves *@start behind them. Returns how many, 0 to be
 * asked again.
 */
static long memfd_luo_pin_others(struct inode *inode, pgoff_t *start,
				 pgoff_t end, struct folio **pinned)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t indices[PAGEVEC_SIZE];
	struct folio_batch fbatch;
	unsigned int i, nr;
	pgoff_t next = *start;
	long err = 0;

	folio_batch_init(&fbatch);
	nr = find_get_entries(mapping, &next, end - 1, &fbatch, indices);
	i = memfd_luo_pin_batch(mapping, &fbatch, pinned, &next, &err);
	/* Migration below cannot do with more references than the pins. */
	folio_batch_remove_exceptionals(&fbatch);
	folios_put(&fbatch);

	if (!nr) {
		*start = end;
		return 0;
	}
	if (!i && err == -EAGAIN) {
		err = memfd_luo_make_ready(inode, indices[0]);
		if (err == -ENOENT) {
			*start = indices[0] + 1;
			err = 0;
		}
		return err;
	}
	if (!i)
		return err;

	/* This moves them out of scratch; it takes all pins unless it is 0. */
	if (!memfd_luo_is_substitute(pinned[0]))
		err = check_and_migrate_movable_folios(i, pinned,
						       __GFP_RETRY_MAYFAIL);
	if (err)
		return err == -EAGAIN ? 0 : err;
	*start = next;
	return i;
}

/*
 * Pins and preserves the folios from @index up to @end, and adds them to
 * @folios. On failure those added so far are left to the caller.
 */
static int memfd_luo_collect(struct inode *inode, pgoff_t index, pgoff_t end,
			     struct memfd_luo_folios *folios)
{
	struct folio *pinned[KHO_FOLIO_BATCH] __uninitialized;
	unsigned int pin_flags;
	int err = 0;
	long nr;

	/* What is swapped in shall lie where it may be pinned. */
	pin_flags = memalloc_pin_save();
	while (index < end && !err) {
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}

		nr = memfd_luo_pin_all_ready(inode->i_mapping, &index, end,
					     pinned);
		if (!nr)
			nr = memfd_luo_pin_others(inode, &index, end, pinned);
		if (nr > 0) {
			err = memfd_luo_add(folios, pinned, nr);
			if (err)
				memfd_luo_unpin(pinned, nr);
		} else {
			err = nr;
		}
		cond_resched();
	}
	memalloc_pin_restore(pin_flags);
	return err;
}

/* Collects what lies between the folios that are preserved already. */
static int memfd_luo_collect_new(struct inode *inode,
				 const struct memfd_luo_folios *old,
				 struct memfd_luo_folios *new)
{
	pgoff_t end = memfd_luo_end_index(i_size_read(inode));
	const struct memfd_luo_folio_ser *ser;
	pgoff_t index = 0;
	unsigned long i;
	int err;

	for (i = 0; i < old->records.nr; i++) {
		ser = memfd_luo_record_at(&old->records, i);
		if (index < ser->index) {
			err = memfd_luo_collect(inode, index, ser->index, new);
			if (err)
				return err;
		}
		index = ser->index + folio_nr_pages(pfn_folio(ser->pfn));
		cond_resched();
	}
	return memfd_luo_collect(inode, index, end, new);
}

/* Puts the records of both in order. */
static int memfd_luo_join(const struct memfd_luo_records *old,
			  const struct memfd_luo_records *new,
			  struct memfd_luo_records *joined)
{
	const unsigned long nr = old->nr + new->nr;
	struct memfd_luo_folio_ser *a, *b;
	unsigned long i = 0, j = 0;
	int err;

	err = memfd_luo_records_reserve(joined, nr);
	if (err)
		return err;

	while (joined->nr < nr) {
		a = i < old->nr ? memfd_luo_record_at(old, i) : NULL;
		b = j < new->nr ? memfd_luo_record_at(new, j) : NULL;
		if (!b || (a && a->index < b->index)) {
			*memfd_luo_record_at(joined, joined->nr++) = *a;
			i++;
		} else {
			*memfd_luo_record_at(joined, joined->nr++) = *b;
			j++;
		}
	}
	return 0;
}

/* Preserves records, with which those of @memfd are replaced. */
static int memfd_luo_replace(struct memfd_luo *memfd,
			     struct memfd_luo_records *records)
{
	struct memfd_luo_ser *ser = &memfd->page->ser;
	struct kho_vmalloc preserved;
	int err;

	err = memfd_luo_records_preserve(records, memfd->identity, &preserved,
					 &memfd->sum);
	if (err)
		return err;

	if (memfd->folios.records.nr)
		kho_unpreserve_vmalloc(&ser->folios);
	memfd_luo_records_free(&memfd->folios.records);
	memfd->folios.records = *records;
	ser->folios = preserved;
	ser->nr_folios = records->nr;
	return 0;
}

/* Adds @new to the folios of @memfd. On failure all is as before. */
static int memfd_luo_merge(struct memfd_luo *memfd,
			   struct memfd_luo_folios *new)
{
	struct memfd_luo_records joined = {};
	int err;

	if (memfd->folios.records.nr) {
		err = memfd_luo_join(&memfd->folios.records, &new->records,
				     &joined);
		if (!err)
			err = memfd_luo_replace(memfd, &joined);
		if (err)
			memfd_luo_records_free(&joined);
		else
			memfd_luo_records_free(&new->records);
	} else {
		err = memfd_luo_replace(memfd, &new->records);
	}
	if (!err)
		memfd->folios.nr_pages += new->nr_pages;
	return err;
}

/*
 * Is there as much memory as the file has? Nothing is preserved in scratch, nor
 * in memory that the next kernel does not know of, which is movable. A file that
 * is larger than the rest would be moved there until tasks are killed.
 */
static bool memfd_luo_fits(struct inode *inode)
{
	unsigned long nr = inode->i_mapping->nrpages +
			   READ_ONCE(SHMEM_I(inode)->swapped);
	unsigned long room = 0;
	struct zone *zone;

	for_each_populated_zone(zone)
		if (zone_idx(zone) != ZONE_MOVABLE)
			room += zone_managed_pages(zone) - zone_cma_pages(zone);

	return nr < room;
}

/* Preserves the folios that are not yet. On failure all is as before. */
static int memfd_luo_update(struct memfd_luo *memfd, struct inode *inode)
{
	struct memfd_luo_folios new = {};
	int err;

	err = memfd_luo_collect_new(inode, &memfd->folios, &new);
	if (!err && new.records.nr)
		err = memfd_luo_merge(memfd, &new);
	if (err || !new.records.nr)
		memfd_luo_release(&new);
	return err;
}

/*
 * Pinned folios are locked memory of the user who has them preserved, as with
 * SHM_LOCK. What the freeze adds is not counted: it must not fail for that.
 */
static int memfd_luo_account(struct memfd_luo *memfd)
{
	struct ucounts *ucounts = current_ucounts();
	size_t size = memfd->folios.nr_pages << PAGE_SHIFT;

	if (!size || capable(CAP_IPC_LOCK))
		return 0;
	if (!user_shm_lock(size, ucounts))
		return -ENOMEM;
	memfd->locked = size;
	memfd->ucounts = ucounts;
	return 0;
}

static bool memfd_luo_can_preserve(struct liveupdate_file_handler *handler,
				   struct file *file)
{
	struct inode *inode = file_inode(file);

	/* Not the kernel's own; nor what can be found by its name later. */
	return shmem_file(file) && !inode->i_nlink && !IS_PRIVATE(inode);
}

static unsigned long memfd_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);
}

/* Sets what may change while the file is preserved. */
static void memfd_luo_record(struct memfd_luo *memfd, struct file *file)
{
	struct memfd_luo_page *page = memfd->page;
	struct inode *inode = file_inode(file);

	page->ser.pos = READ_ONCE(file->f_pos);
	page->ser.size = i_size_read(inode);
	page->ser.seals = READ_ONCE(SHMEM_I(inode)->seals);

	page->sum.magic = MEMFD_LUO_SUM_MAGIC;
	page->sum.sum = xxh64(&page->ser, sizeof(page->ser), memfd->sum);

	page->count.magic = MEMFD_LUO_COUNT_MAGIC;
	page->count.nr_pages = memfd->folios.nr_pages;
}

/* Who may only read a file must not keep its owner from changing it. */
static bool memfd_luo_may_preserve(struct file *file)
{
	return file->f_mode & FMODE_WRITE ||
	       inode_owner_or_capable(file_mnt_idmap(file), file_inode(file));
}

static struct memfd_luo *memfd_luo_alloc(u32 identity)
{
	struct memfd_luo_page *page;
	struct memfd_luo *memfd;

	memfd = kzalloc(sizeof(*memfd), GFP_KERNEL_ACCOUNT);
	if (!memfd)
		return ERR_PTR(-ENOMEM);
	page = kho_alloc_preserve_dirty(sizeof(*page));
	if (IS_ERR(page)) {
		kfree(memfd);
		return ERR_CAST(page);
	}
	memset(page, 0, MEMFD_LUO_CLEARED);
	memfd->page = page;
	memfd->identity = identity;
	memfd->sum = identity;
	return memfd;
}

static void memfd_luo_free(struct memfd_luo *memfd)
{
	if (memfd->locked)
		user_shm_unlock(memfd->locked, memfd->ucounts);
	kho_unpreserve_free(memfd->page);
	kfree(memfd);
}

static void memfd_luo_let_go(struct memfd_luo *memfd)
{
	if (memfd->folios.records.nr)
		kho_unpreserve_vmalloc(&memfd->page->ser.folios);
	memfd_luo_release(&memfd->folios);
}

static int memfd_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct inode *inode = file_inode(args->file);
	struct memfd_luo *memfd;
	int err;

	if (!memfd_luo_may_preserve(args->file))
		return -EPERM;
	memfd = memfd_luo_alloc(args->identity);
	if (IS_ERR(memfd))
		return PTR_ERR(memfd);
	err = memfd_luo_fill_all(inode, true);
	if (!err && !memfd_luo_fits(inode))
		err = -ENOMEM;
	if (!err)
		err = memfd_luo_set_preserved(inode);
	if (err)
		goto err_free;
	err = memfd_luo_update(memfd, inode);
	if (err)
		goto err_clear;
	err = memfd_luo_account(memfd);
	if (err)
		goto err_release;

	memfd_luo_record(memfd, args->file);
	args->serialized_data = virt_to_phys(memfd->page);
	args->private_data = memfd;
	return 0;

err_release:
	memfd_luo_let_go(memfd);
err_clear:
	memfd_luo_clear_preserved(inode);
err_free:
	memfd_luo_free(memfd);
	return err;
}

static void memfd_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo *memfd = args->private_data;

	memfd_luo_let_go(memfd);
	memfd_luo_clear_preserved(file_inode(args->file));
	memfd_luo_free(memfd);
}

static int memfd_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct inode *inode = file_inode(args->file);
	struct memfd_luo *memfd = args->private_data;
	int err = 0;

	if (memfd_luo_set_frozen(inode, memfd->folios.nr_pages))
		err = memfd_luo_update(memfd, inode);
	if (!err)
		err = memfd_luo_look_for_tags(&memfd->folios);
	if (err) {
		memfd_luo_clear_frozen(inode);
		return err;
	}
	memfd_luo_record(memfd, args->file);
	return 0;
}

static void memfd_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	memfd_luo_clear_frozen(file_inode(args->file));
}

static bool memfd_luo_ser_ok(const struct memfd_luo_ser *ser)
{
	u64 max = (u64)ser->folios.total_pages *
		  (PAGE_SIZE / sizeof(struct memfd_luo_folio_ser));

	return !ser->flags && !(ser->seals & ~MEMFD_LUO_ALL_SEALS) &&
	       ser->size <= MAX_LFS_FILESIZE && ser->pos <= MAX_LFS_FILESIZE &&
	       (!ser->nr_folios || ser->nr_folios <= max);
}

/* What is still to be checked of records that have no checksums. */
struct memfd_luo_check {
	u64 nr;
	pgoff_t end;
};

static int memfd_luo_check_records(const void *data, size_t size, void *arg)
{
	const struct memfd_luo_folio_ser *ser = data;
	struct memfd_luo_check *check = arg;
	size_t i, nr = min_t(u64, check->nr, size / sizeof(*ser));

	for (i = 0; i < nr; i++, ser++) {
		if (!ser->pfn)
			continue;
		if (ser->flags & ~(MEMFD_LUO_FOLIO_DIRTY |
				   MEMFD_LUO_FOLIO_UPTODATE) ||
		    ser->index >= check->end ||
		    !kho_is_preserved(PFN_PHYS(ser->pfn), PAGE_SIZE))
			return -EINVAL;
	}
	check->nr -= nr;
	return 0;
}

/* The checksums of an array so far; @pos goes from its begin to its end. */
struct memfd_luo_summing {
	struct xxh64_state pages;
	struct xxh64_state table;
	u64 table_start;
	u64 end;
	u64 pos;
};

static int memfd_luo_sum_pages(const void *data, size_t size, void *arg)
{
	struct memfd_luo_summing *s = arg;

	for (; size && s->pos < s->end; size -= PAGE_SIZE, data += PAGE_SIZE) {
		u64 phys = __pa(data);
		u64 start = max(s->pos, s->table_start);
		u64 end = min(s->pos + PAGE_SIZE, s->end);

		xxh64_update(&s->pages, &phys, sizeof(phys));
		if (start < end)
			xxh64_update(&s->table, data + (start - s->pos),
				     end - start);
		s->pos += PAGE_SIZE;
	}
	return 0;
}

/* Are the pages of the array, and the checksums in it, those that were written? */
static bool memfd_luo_sum_ok(const struct memfd_luo_page *page, u32 identity)
{
	const u64 nr = page->ser.nr_folios;
	struct memfd_luo_summing s = {
		.table_start = nr * sizeof(struct memfd_luo_folio_ser),
		.end = memfd_luo_array_size(nr),
	};
	struct memfd_luo_sums sums;
	u64 sum = identity;

	if (nr) {
		xxh64_reset(&s.pages, 0);
		xxh64_reset(&s.table, 0);
		if (kho_read_vmalloc(&page->ser.folios, memfd_luo_sum_pages,
				     &s) || s.pos < s.end)
			return false;
		sums.pages = xxh64_digest(&s.pages);
		sums.table = xxh64_digest(&s.table);
		sum = memfd_luo_sum(&sums, identity);
	}
	return page->sum.magic == MEMFD_LUO_SUM_MAGIC &&
	       page->sum.sum == xxh64(&page->ser, sizeof(page->ser), sum);
}

/* The previous kernel knows no checksums: look at each record. */
static bool memfd_luo_records_ok(const struct memfd_luo_ser *ser)
{
	struct memfd_luo_check check = {
		.nr = ser->nr_folios,
		.end = memfd_luo_end_index(ser->size),
	};

	return !ser->nr_folios ||
	       !kho_read_vmalloc(&ser->folios, memfd_luo_check_records, &check);
}

/*
 * The record that was handed over, in place, or NULL. Nothing is taken back
 * before it is checked: a damaged address may lead to memory of others.
 */
static struct memfd_luo_ser *
memfd_luo_find_record(const struct liveupdate_file_op_args *args)
{
	const u64 data = args->serialized_data;
	struct memfd_luo_page *page;

	if (kho_is_preserved(data, sizeof(*page))) {
		page = phys_to_virt(data);
		if (memfd_luo_ser_ok(&page->ser) &&
		    (args->identity ? memfd_luo_sum_ok(page, args->identity) :
				      memfd_luo_records_ok(&page->ser)))
			return &page->ser;
	}

	pr_err("what was handed over of a memfd at %#llx is damaged; its memory stays reserved until the next reboot\n",
	       data);
	return NULL;
}

/* Takes the array over, to be freed with vfree(). */
static int memfd_luo_take_array(const struct liveupdate_file_op_args *args,
				const struct memfd_luo_ser *ser,
				struct memfd_luo_array *array)
{
	*array = (struct memfd_luo_array) { .nr = ser->nr_folios };
	if (!array->nr)
		return 0;

	array->ser = kho_restore_vmalloc(&ser->folios);
	if (!array->ser)
		return -ENOMEM;
	if (args->identity)
		array->sums = (u64 *)(array->ser + array->nr);
	return 0;
}

/* A memfd as described by @ser, but empty. */
static struct file *memfd_luo_new_file(const struct memfd_luo_ser *ser)
{
	struct inode *inode;
	struct file *file;
	int err;

	file = shmem_file_setup("memfd:liveupdate", ser->size, VM_NORESERVE);
	if (IS_ERR(file))
		return file;
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->f_flags |= O_LARGEFILE;
	file->f_pos = ser->pos;

	inode = file_inode(file);
	/*
	 * The mode was not handed over, but F_SEAL_EXEC was almost surely set
	 * by MFD_NOEXEC_SEAL. Never make executable what was not.
	 */
	if (ser->seals & F_SEAL_EXEC)
		inode->i_mode &= ~0111;

	/* Sealed while empty, F_SEAL_WRITE has no folios to look through. */
	SHMEM_I(inode)->seals = 0;
	err = memfd_fcntl(file, F_ADD_SEALS, ser->seals);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

/*
 * How many pages the file is going to have, 0 when the previous kernel did not
 * say. That is no number to rely on, but it can be told until they are there.
 */
static u64 memfd_luo_count(const struct memfd_luo_ser *ser)
{
	const struct memfd_luo_page *page = (const void *)ser;
	const u64 nr = page->count.nr_pages;

	if (page->count.magic != MEMFD_LUO_COUNT_MAGIC ||
	    nr < ser->nr_folios ||
	    nr > memfd_luo_end_index(ser->size) + BIT(MAX_PAGECACHE_ORDER))
		return 0;
	return nr;
}

/*
 * Before there is a file, nothing of what was handed over is taken back. After
 * that, all of it is consumed, whether or not it succeeds.
 */
static int memfd_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_array array;
	struct memfd_luo_ser *ser;
	struct file *file;
	u64 nr_pages;
	int err;

	ser = memfd_luo_find_record(args);
	if (!ser)
		return -EINVAL;
	nr_pages = memfd_luo_count(ser);
	file = memfd_luo_new_file(ser);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = memfd_luo_take_array(args, ser, &array);
	if (err)
		goto put_file;
	kho_restore_free(ser);
	if (array.nr)
		memfd_luo_fill_begin(file_inode(file), &array, nr_pages);
	/* Who cannot know that all is well finds out before it says so. */
	if (!args->identity || !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		err = memfd_luo_fill_all(file_inode(file), false);
	if (err)
		goto put_file;
	args->file = file;
	return 0;

put_file:
	fput(file);
	return err;
}

/* Frees all that was handed over. */
static void memfd_luo_drop(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_ser *ser = memfd_luo_find_record(args);
	struct memfd_luo_array array;

	if (!ser || memfd_luo_take_array(args, ser, &array))
		return;
	if (array.nr)
		memfd_luo_discard(&array);
	vfree(array.ser);
	kho_restore_free(ser);
}

static void memfd_luo_finish(struct liveupdate_file_op_args *args)
{
	/* At the latest here who has the file learns that not all of it is there. */
	if (args->retrieve_status > 0) {
		if (memfd_luo_fill_all(file_inode(args->file), false))
			args->retrieve_status = -EIO;
		return;
	}
	/* Retrieve may have failed before or after it consumed all. */
	if (!args->retrieve_status ||
	    kho_is_preserved(args->serialized_data, sizeof(struct memfd_luo_page)))
		memfd_luo_drop(args);
}

static const struct liveupdate_file_ops memfd_luo_ops = {
	.can_preserve = memfd_luo_can_preserve,
	.preserve = memfd_luo_preserve,
	.unpreserve = memfd_luo_unpreserve,
	.freeze = memfd_luo_freeze,
	.unfreeze = memfd_luo_unfreeze,
	.retrieve = memfd_luo_retrieve,
	.finish = memfd_luo_finish,
	.get_id = memfd_luo_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler memfd_luo_handler = {
	.ops = &memfd_luo_ops,
	.compatible = MEMFD_LUO_FH_COMPATIBLE,
};

static int __init memfd_luo_init(void)
{
	int err = liveupdate_register_file_handler(&memfd_luo_handler);

	if (!err || err == -EOPNOTSUPP)
		return 0;
	pr_err("memfds cannot be preserved: handler not registered: %d\n", err);
	return err;
}
late_initcall(memfd_luo_init);
