// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: how a retrieved memfd gets its folios.
 *
 * A memfd is retrieved before its folios are in its page cache, so that this
 * takes no longer when there are more of them. A folio is put there when it is
 * used first, or by a worker in the background.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/kexec_handover.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "memfd_luo.h"

/* In memory only: what the record tells of cannot be had. */
#define FOLIO_LOST		0x800

/* Folios that come with the one that is asked for, and at a time otherwise. */
#define NR_AROUND		16
#define NR_BATCH		64

/* Who retrieves a memfd has to put much to work again, and does it first. */
#define FILL_DELAY		(HZ / 10)

/**
 * struct memfd_luo_fill - a memfd, and the folios that it does not have yet
 * @inode:   the memfd
 * @array:   its records; a folio that it has got is a hole here
 * @memcg:   what the folios are charged to
 * @lock:    protects what follows and @array
 * @checked: the pages of @array that were found to be as they were handed over
 * @told:    pages that stat() tells of, and that are not there yet
 * @next:    the first record that the worker did not come to
 * @err:     why something is lost
 * @work:    the worker
 * @ending:  the memfd goes away
 * @done:    there is nothing left to do or to tell, and no @array
 *
 * It lives as long as the inode.
 */
struct memfd_luo_fill {
	struct inode *inode;
	struct memfd_luo_array array;
	struct mem_cgroup *memcg;
	struct mutex lock;	/* see above */
	unsigned long *checked;
	u64 told;
	u64 next;
	int err;
	struct delayed_work work;
	bool ending;
	bool done;
};

/* Before a record is believed. Each page is looked through once. */
static bool page_ok(const struct memfd_luo_array *array, unsigned long *checked,
		    u64 page)
{
	const u64 first = page * MEMFD_LUO_PER_PAGE;

	if (!array->sums || test_bit(page, checked))
		return true;
	if (memfd_luo_page_sum(array->ser + first, array->nr - first) !=
	    array->sums[page])
		return false;
	__set_bit(page, checked);
	return true;
}

/* The end of the records in the page that number @nr is in. */
static u64 page_end(const struct memfd_luo_array *array, u64 nr)
{
	return min(round_down(nr, MEMFD_LUO_PER_PAGE) + MEMFD_LUO_PER_PAGE,
		   array->nr);
}

static void report_damage(u64 nr)
{
	pr_err("the records of folios from number %llu on are damaged; their memory stays reserved until the next reboot\n",
	       nr);
}

static unsigned long *alloc_checked(const struct memfd_luo_array *array)
{
	/* For want of memory nothing is lost that was handed over. */
	return kvcalloc(BITS_TO_LONGS(memfd_luo_nr_sums(array->nr)),
			sizeof(long), GFP_KERNEL | __GFP_NOFAIL);
}

/* The memfd got @nr pages. */
static void count_pages(struct memfd_luo_fill *fill, u64 nr)
{
	const u64 told = min(nr, fill->told);

	fill->told -= told;
	inode_add_bytes(fill->inode, (nr - told) << PAGE_SHIFT);
}

/* It will get no more. */
static void stop_counting(struct memfd_luo_fill *fill)
{
	inode_sub_bytes(fill->inode, fill->told << PAGE_SHIFT);
	fill->told = 0;
}

/* Give the memfd the folio of a record that can be believed. */
static int fill_one(struct memfd_luo_fill *fill, u64 nr)
{
	struct memfd_luo_folio_ser *ser = &fill->array.ser[nr];
	struct mem_cgroup *old;
	u64 nr_pages = 0;
	int err;

	if (!ser->pfn)
		return 0;
	if (ser->flags & FOLIO_LOST)
		return -EIO;

	old = set_active_memcg(fill->memcg);
	err = memfd_luo_insert(fill->inode, ser, &nr_pages);
	set_active_memcg(old);
	count_pages(fill, nr_pages);
	if (err) {
		pr_err("folio at index %llu not restored: %d\n", ser->index,
		       err);
		ser->flags |= FOLIO_LOST;
		fill->err = fill->err ?: err;
		return -EIO;
	}
	ser->pfn = 0;
	return 0;
}

static void free_array(struct memfd_luo_fill *fill)
{
	vfree(fill->array.ser);
	kvfree(fill->checked);
	fill->array = (struct memfd_luo_array) { };
	fill->checked = NULL;
}

/* Do the next part of all there is to do. Returns whether there is more. */
static bool fill_some(struct memfd_luo_fill *fill)
{
	const struct memfd_luo_array *array = &fill->array;
	u64 end = page_end(array, fill->next);

	lockdep_assert_held(&fill->lock);

	if (fill->next == array->nr)
		return false;

	if (page_ok(array, fill->checked, fill->next / MEMFD_LUO_PER_PAGE)) {
		end = min(end, fill->next + NR_BATCH);
		for (; fill->next < end; fill->next++)
			fill_one(fill, fill->next);
	} else {
		report_damage(fill->next);
		fill->err = fill->err ?: -EIO;
		fill->next = end;
	}
	if (fill->next < array->nr)
		return true;

	stop_counting(fill);
	/* What is lost is to be told as long as somebody can ask for it. */
	if (!fill->err) {
		free_array(fill);
		/* Pairs with __memfd_luo_is_filling(). */
		smp_store_release(&fill->done, true);
	}
	return false;
}

static void fill_worker(struct work_struct *work)
{
	struct memfd_luo_fill *fill = container_of(to_delayed_work(work),
						   struct memfd_luo_fill, work);
	bool more = true;

	while (more && !READ_ONCE(fill->ending)) {
		scoped_guard(mutex, &fill->lock)
			more = fill_some(fill);
		cond_resched();
	}
}

/* Count the records up to @index. Returns false when damage is in the way. */
static bool count_up_to(struct memfd_luo_fill *fill, pgoff_t index, u64 *nr)
{
	const struct memfd_luo_array *array = &fill->array;
	u64 first = 0, end = array->nr;

	while (first < end) {
		u64 mid = first + (end - first) / 2;

		if (!page_ok(array, fill->checked, mid / MEMFD_LUO_PER_PAGE))
			return false;
		if (array->ser[mid].index <= index)
			first = mid + 1;
		else
			end = mid;
	}
	*nr = first;
	return true;
}

static int fill_index(struct memfd_luo_fill *fill, pgoff_t index)
{
	const struct memfd_luo_array *array = &fill->array;
	u64 nr, end;
	int err;

	lockdep_assert_held(&fill->lock);

	if (!count_up_to(fill, index, &nr)) {
		/* It may have a record all the same. */
		while (fill_some(fill))
			cond_resched();
		return xa_load(&fill->inode->i_mapping->i_pages, index) ?
		       0 : -EIO;
	}
	if (!nr)
		return 0;

	/* A folio that is lost takes the hole behind it along. */
	err = fill_one(fill, nr - 1);
	end = min(round_up(nr, NR_AROUND), array->nr);
	for (; !err && nr < end; nr++) {
		if (!page_ok(array, fill->checked, nr / MEMFD_LUO_PER_PAGE))
			break;
		fill_one(fill, nr);
	}
	return err;
}

bool __memfd_luo_is_filling(struct inode *inode)
{
	/* Who is told that all is done finds all in the page cache. */
	return !smp_load_acquire(&SHMEM_I(inode)->fill->done);
}

/*
 * Have the folio at @index in the page cache, unless there is a hole. Returns 0,
 * or -EIO when it is lost.
 */
int __memfd_luo_fill_at(struct inode *inode, pgoff_t index)
{
	struct memfd_luo_fill *fill = SHMEM_I(inode)->fill;

	if (xa_load(&inode->i_mapping->i_pages, index))
		return 0;

	guard(mutex)(&fill->lock);
	return fill->done ? 0 : fill_index(fill, index);
}

/*
 * Have all folios in the page cache. Returns 0, an errno that tells why some are
 * lost, or -EINTR when @killable and killed.
 */
int __memfd_luo_fill_all(struct inode *inode, bool killable)
{
	struct memfd_luo_fill *fill = SHMEM_I(inode)->fill;
	bool more = true;

	while (more) {
		if (killable && fatal_signal_pending(current))
			return -EINTR;
		scoped_guard(mutex, &fill->lock)
			more = !fill->done && fill_some(fill);
		cond_resched();
	}
	return fill->err;
}

static void discard_one(const struct memfd_luo_folio_ser *ser)
{
	if (ser->pfn && !(ser->flags & FOLIO_LOST))
		kho_restore_free_phys(PFN_PHYS(ser->pfn));
}

/* From record @next on. */
static void discard(const struct memfd_luo_array *array, unsigned long *checked,
		    u64 next)
{
	u64 end;

	for (; next < array->nr; next = end) {
		end = page_end(array, next);
		if (!page_ok(array, checked, next / MEMFD_LUO_PER_PAGE)) {
			report_damage(next);
			continue;
		}
		for (; next < end; next++)
			discard_one(&array->ser[next]);
		cond_resched();
	}
}

/* Free what the memfd has not got, as it goes away. */
void __memfd_luo_fill_end(struct inode *inode)
{
	struct memfd_luo_fill *fill = SHMEM_I(inode)->fill;

	WRITE_ONCE(fill->ending, true);
	cancel_delayed_work_sync(&fill->work);
	stop_counting(fill);
	if (!fill->done) {
		discard(&fill->array, fill->checked, fill->next);
		free_array(fill);
	}
	mem_cgroup_put(fill->memcg);
	SHMEM_I(inode)->fill = NULL;
	kfree(fill);
}

/*
 * Folios that came in are charged beyond the limit of a memory cgroup, since they
 * would be lost otherwise. Tell while something can be done about it: as long as
 * it is beyond its limit, the cgroup's tasks are killed for want of memory.
 */
static void look_at_limit(struct mem_cgroup *memcg, u64 nr_pages)
{
#ifdef CONFIG_MEMCG
	u64 room = U64_MAX;
	struct mem_cgroup *m;

	if (mem_cgroup_disabled() || !memcg)
		return;
	for (m = memcg; m; m = parent_mem_cgroup(m))
		room = min(room, READ_ONCE(m->memory.max));
	room += mem_cgroup_get_nr_swap_pages(memcg);
	if (room < nr_pages)
		pr_warn("a memfd of %llu pages is charged to a memory cgroup with room for %llu in RAM and swap: raise its memory.max, or its tasks are killed\n",
			nr_pages, room);
#endif
}

/**
 * memfd_luo_fill_begin - give a memfd its folios, sooner or later
 * @inode:    the memfd, that nobody else knows of yet
 * @array:    the records of its folios, which this takes over
 * @nr_pages: pages in the folios; 0 when that is not known
 *
 * The folios are charged to the caller's memory cgroup.
 */
void memfd_luo_fill_begin(struct inode *inode,
			  const struct memfd_luo_array *array, u64 nr_pages)
{
	struct memfd_luo_fill *fill;

	fill = kzalloc(sizeof(*fill), GFP_KERNEL | __GFP_NOFAIL);
	fill->inode = inode;
	fill->array = *array;
	fill->memcg = get_mem_cgroup_from_mm(current->mm);
	mutex_init(&fill->lock);
	fill->checked = alloc_checked(array);
	fill->told = nr_pages;
	inode_add_bytes(inode, nr_pages << PAGE_SHIFT);
	look_at_limit(fill->memcg, nr_pages);
	INIT_DELAYED_WORK(&fill->work, fill_worker);
	SHMEM_I(inode)->fill = fill;
	queue_delayed_work(system_unbound_wq, &fill->work, FILL_DELAY);
}

/**
 * memfd_luo_discard - free folios that nobody wants
 * @array: their records; holes are skipped, and so is what is damaged
 */
void memfd_luo_discard(const struct memfd_luo_array *array)
{
	unsigned long *checked = alloc_checked(array);

	discard(array, checked, 0);
	kvfree(checked);
}
