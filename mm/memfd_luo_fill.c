// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: when a retrieved memfd gets its folios.
 *
 * A memfd is retrieved before its folios are in its page cache. So to retrieve a
 * large memfd takes no longer than to retrieve a small one. A folio enters the
 * page cache when it is used first, or a worker puts it there.
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
#include <linux/percpu_counter.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "memfd_luo.h"
#include "memfd_luo_hooks.h"

/* How many memfds there are that lack folios, or have lost some. */
DEFINE_STATIC_KEY_DEFERRED_FALSE(memfd_luo_filling, HZ);

/* Folios that enter together with one that is used; and at a time otherwise. */
#define NR_AROUND		16
#define NR_BATCH		64

/* The worker leaves the CPU to the task that retrieves, which has more to do. */
#define FILL_DELAY		(HZ / 10)

/**
 * struct memfd_luo_fill - a memfd, and the folios that it does not have yet
 * @inode:   the memfd
 * @array:   its records; that of a folio that the memfd has got has no pfn
 * @memcg:   what the folios are charged to
 * @lock:    protects what follows and @array
 * @checked: the pages of @array whose checksum was verified
 * @missing: pages that stat() reports, and that are not in the page cache yet
 * @next:    the first record that the worker did not come to
 * @err:     why folios are lost, 0 if none is
 * @work:    the worker
 * @ending:  the inode is being evicted
 * @done:    the memfd has all its folios, and there is no @array
 *
 * It lives as long as the inode.
 */
struct memfd_luo_fill {
	struct inode *inode;
	struct memfd_luo_array array;
	struct mem_cgroup *memcg;
	struct mutex lock;	/* protects what follows and @array */
	unsigned long *checked;
	u64 missing;
	u64 next;
	int err;
	struct delayed_work work;
	bool ending;
	bool done;
};

/* Verifies the checksum of a page of records, once. */
static bool page_ok(const struct memfd_luo_array *array, unsigned long *checked,
		    u64 page)
{
	const u64 first = page * MEMFD_LUO_PER_PAGE;

	if (!array->sums || test_bit(page, checked))
		return true;
	if (!memfd_luo_page_ok(array->ser + first, array->nr - first,
			       array->sums[page]))
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

static void report_damaged_records(u64 nr)
{
	pr_err("the records of folios from number %llu on are damaged; their memory stays reserved until the next reboot\n",
	       nr);
}

static unsigned long *alloc_checked(const struct memfd_luo_array *array)
{
	if (!array->sums)
		return NULL;
	return kvcalloc(BITS_TO_LONGS(memfd_luo_nr_sums(array->nr)),
			sizeof(long), GFP_KHO_RESTORE);
}

/* What stat() reports of the file, and statfs() of a mount that has a limit. */
static void report_pages(struct inode *inode, s64 nr)
{
	struct shmem_sb_info *sbinfo = inode->i_sb->s_fs_info;

	if (nr < 0)
		inode_sub_bytes(inode, -nr << PAGE_SHIFT);
	else
		inode_add_bytes(inode, nr << PAGE_SHIFT);
	if (sbinfo->max_blocks)
		percpu_counter_add(&sbinfo->used_blocks, nr);
}

/* The memfd got @nr pages: stat() reports those that it did not report before. */
static void count_pages(struct memfd_luo_fill *fill, u64 nr)
{
	const u64 reported = min(nr, fill->missing);

	fill->missing -= reported;
	report_pages(fill->inode, nr - reported);
}

/* The memfd gets no more pages: stat() reports those only that it has. */
static void stop_counting(struct memfd_luo_fill *fill)
{
	report_pages(fill->inode, -(s64)fill->missing);
	fill->missing = 0;
}

/* Puts the folio of a record, whose checksum was verified, in place. */
static int fill_one(struct memfd_luo_fill *fill, u64 nr)
{
	struct memfd_luo_folio_ser *ser = &fill->array.ser[nr];
	struct mem_cgroup *old;
	u64 nr_pages = 0;
	int err;

	if (!ser->pfn)
		return 0;
	if (ser->flags & MEMFD_LUO_FOLIO_LOST) {
		fill->err = fill->err ?: -EIO;
		return -EIO;
	}

	old = set_active_memcg(fill->memcg);
	err = memfd_luo_insert(fill->inode, ser, &nr_pages);
	set_active_memcg(old);
	count_pages(fill, nr_pages);
	if (err) {
		pr_err("folio at index %llu not restored: %d\n", ser->index,
		       err);
		ser->flags |= MEMFD_LUO_FOLIO_LOST;
		fill->err = fill->err ?: err;
		return -EIO;
	}
	ser->pfn = 0;
	return 0;
}

static void free_array(struct memfd_luo_fill *fill)
{
	kvfree(fill->array.ser);
	kvfree(fill->checked);
	fill->array = (struct memfd_luo_array) { };
	fill->checked = NULL;
}

static void fill_done(struct memfd_luo_fill *fill)
{
	free_array(fill);
	/* Pairs with __memfd_luo_is_filling(). */
	smp_store_release(&fill->done, true);
	/* Pairs with memfd_luo_is_filling(). */
	smp_mb__before_atomic();
	static_branch_slow_dec_deferred(&memfd_luo_filling);
}

/* Puts the next folios in place. Returns whether there are more. */
static bool fill_some(struct memfd_luo_fill *fill)
{
	const struct memfd_luo_array *array = &fill->array;
	u64 end = page_end(array, fill->next);

	lockdep_assert_held(&fill->lock);

	if (fill->done || fill->next == array->nr)
		return false;

	if (page_ok(array, fill->checked, fill->next / MEMFD_LUO_PER_PAGE)) {
		end = min(end, fill->next + NR_BATCH);
		for (; fill->next < end; fill->next++)
			fill_one(fill, fill->next);
	} else {
		report_damaged_records(fill->next);
		fill->err = fill->err ?: -EIO;
		fill->next = end;
	}
	if (fill->next < array->nr)
		return true;

	stop_counting(fill);
	/* Lost folios have to be known as long as the memfd can be read. */
	if (!fill->err)
		fill_done(fill);
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

/*
 * Sets *@nr to the number of records up to @index. Returns false if a page of
 * records that is needed for that is damaged.
 */
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
		/* A page of records that is not damaged may have @index. */
		while (fill_some(fill))
			cond_resched();
		return xa_load(&fill->inode->i_mapping->i_pages, index) ?
		       0 : -EIO;
	}
	if (!nr)
		return 0;

	/* The size of a lost folio is unknown: the hole behind it is lost, too. */
	err = fill_one(fill, nr - 1);
	end = min(round_up(nr, NR_AROUND), array->nr);
	for (; !err && nr < end; nr++) {
		if (!page_ok(array, fill->checked, nr / MEMFD_LUO_PER_PAGE))
			break;
		fill_one(fill, nr);
	}
	return err;
}

/**
 * __memfd_luo_is_filling - does a retrieved memfd lack folios?
 * @inode: the memfd, which has a struct memfd_luo_fill
 *
 * Return: true also if it has lost some.
 */
bool __memfd_luo_is_filling(struct inode *inode)
{
	/* If all is done, the caller finds all folios in the page cache. */
	return !smp_load_acquire(&SHMEM_I(inode)->fill->done);
}

/**
 * __memfd_luo_fill_at - put the folio at an index into the page cache
 * @inode: the memfd, which has a struct memfd_luo_fill
 * @index: in pages
 *
 * Context: may sleep. The caller may hold the inode lock and the mmap lock.
 * Return: 0, also if there is a hole; or -EIO if the folio is lost.
 */
int __memfd_luo_fill_at(struct inode *inode, pgoff_t index)
{
	struct memfd_luo_fill *fill = SHMEM_I(inode)->fill;

	if (xa_load(&inode->i_mapping->i_pages, index))
		return 0;

	guard(mutex)(&fill->lock);
	return fill->done ? 0 : fill_index(fill, index);
}

/**
 * __memfd_luo_fill_all - put all folios of a memfd into the page cache
 * @inode:    the memfd, which has a struct memfd_luo_fill
 * @killable: stop when a fatal signal is pending
 *
 * Context: may sleep. The caller may hold the inode lock and the mmap lock.
 * Return: 0, -EINTR if killed, or an errno that says why folios are lost.
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
	if (ser->pfn && !(ser->flags & MEMFD_LUO_FOLIO_LOST))
		kho_restore_free_phys(PFN_PHYS(ser->pfn));
}

/* Frees the folios of the records from @next on. */
static void discard(const struct memfd_luo_array *array, unsigned long *checked,
		    u64 next)
{
	u64 end;

	for (; next < array->nr; next = end) {
		end = page_end(array, next);
		if (!page_ok(array, checked, next / MEMFD_LUO_PER_PAGE)) {
			report_damaged_records(next);
			continue;
		}
		for (; next < end; next++)
			discard_one(&array->ser[next]);
		cond_resched();
	}
}

/**
 * __memfd_luo_fill_end - free the folios that a memfd did not get
 * @inode: the memfd, which is being evicted and has a struct memfd_luo_fill
 *
 * Context: may sleep. Waits for the worker.
 */
void __memfd_luo_fill_end(struct inode *inode)
{
	struct memfd_luo_fill *fill = SHMEM_I(inode)->fill;

	WRITE_ONCE(fill->ending, true);
	cancel_delayed_work_sync(&fill->work);
	stop_counting(fill);
	if (!fill->done) {
		discard(&fill->array, fill->checked, fill->next);
		fill_done(fill);
	}
	mem_cgroup_put(fill->memcg);
	SHMEM_I(inode)->fill = NULL;
	kfree(fill);
}

/**
 * memfd_luo_warn_of_limit - warn of memory that exceeds the limit of a cgroup
 * @nr_pages: pages that the caller's memory cgroup is going to be charged for
 *
 * Folios that came in are charged beyond the limit of a memory cgroup, since they
 * would be lost otherwise. As long as the cgroup is beyond its limit, its tasks
 * can be killed when they allocate more. Warn before any folio is charged: then
 * there is time to raise the limit.
 */
void memfd_luo_warn_of_limit(u64 nr_pages)
{
#ifdef CONFIG_MEMCG
	struct mem_cgroup *m, *memcg;
	u64 room = U64_MAX;

	if (mem_cgroup_disabled())
		return;
	memcg = get_mem_cgroup_from_mm(current->mm);
	for (m = memcg; m; m = parent_mem_cgroup(m))
		room = min(room, READ_ONCE(m->memory.max));
	room += mem_cgroup_get_nr_swap_pages(memcg);
	if (room < nr_pages)
		pr_warn("a memfd or tmpfs of %llu pages is charged to a memory cgroup with room for %llu in RAM and swap: raise its memory.max, or its tasks are killed\n",
			nr_pages, room);
	mem_cgroup_put(memcg);
#endif
}

/**
 * memfd_luo_fill_begin - have a memfd get its folios when they are used
 * @inode:    the memfd, which no other task has access to yet
 * @array:    the records of its folios, freed by kvfree() with the memfd
 * @nr_pages: pages in the folios; 0 when that is not known
 *
 * The folios are charged to the caller's memory cgroup.
 *
 * Context: may sleep. Takes the lock of CPU hotplug.
 */
void memfd_luo_fill_begin(struct inode *inode,
			  const struct memfd_luo_array *array, u64 nr_pages)
{
	struct memfd_luo_fill *fill;

	fill = kzalloc(sizeof(*fill), GFP_KHO_RESTORE);
	fill->inode = inode;
	fill->array = *array;
	fill->memcg = get_mem_cgroup_from_mm(current->mm);
	mutex_init(&fill->lock);
	fill->checked = alloc_checked(array);
	fill->missing = nr_pages;
	report_pages(inode, nr_pages);
	INIT_DELAYED_WORK(&fill->work, fill_worker);
	static_branch_deferred_inc(&memfd_luo_filling);
	SHMEM_I(inode)->fill = fill;
	queue_delayed_work(system_unbound_wq, &fill->work, FILL_DELAY);
}

/**
 * memfd_luo_fill_now - put the few folios of a new file in place
 * @inode: the file, which no other task has access to yet
 * @array: the records of its folios, whose checksums were verified. The caller
 *         frees them; those of lost folios are marked
 *
 * To set up a file for later costs as much as a few folios.
 *
 * Context: may sleep.
 * Return: true, or false if folios are lost: then memfd_luo_fill_begin() is to be
 * called, which has the file tell.
 */
bool memfd_luo_fill_now(struct inode *inode,
			const struct memfd_luo_array *array)
{
	struct memfd_luo_fill fill = {
		.inode = inode,
		.array = *array,
		.memcg = get_mem_cgroup_from_mm(current->mm),
	};
	u64 nr;

	for (nr = 0; nr < array->nr; nr++)
		fill_one(&fill, nr);
	mem_cgroup_put(fill.memcg);
	return !fill.err;
}

/**
 * memfd_luo_discard - free folios that were not retrieved
 * @array: their records; holes and damaged pages of records are skipped
 *
 * Context: may sleep. Logs damage.
 */
void memfd_luo_discard(const struct memfd_luo_array *array)
{
	unsigned long *checked = alloc_checked(array);

	discard(array, checked, 0);
	kvfree(checked);
}
