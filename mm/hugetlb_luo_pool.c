// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of files of hugetlbfs: accounting of the huge pages that come in
 * to the pools.
 *
 * The previous kernel tells how many huge pages it hands over, for each size and
 * node. From boot on they count as pages in use: they are part of what hugepages=
 * asks for, and what exceeds it is surplus. So all that changes a pool treats them
 * as if their files had been retrieved already. This is known before gigantic
 * pages are allocated, while the command line is parsed.
 *
 * Huge pages that never come in, since LUO cannot read their session, stay in use:
 * their memory is reserved until the next reboot.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "hugetlb_luo: " fmt

#include <linux/hugetlb.h>
#include <linux/hugetlb_luo_hooks.h>
#include <linux/init.h>
#include <linux/kho_early.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/spinlock.h>
#include <linux/xxhash.h>

#include "hugetlb_luo.h"

/* What is to come in and was not taken yet. Protected by hugetlb_lock. */
static struct hugetlb_luo_pool_ser pool_in;

/* It was added to the counters of the pools. Set once, at boot. */
static bool counted;

/* Base pages in it, of sizes that this kernel has. */
static unsigned long awaited;

/*
 * For each pool, surplus pages that are there because they came in. Protected by
 * hugetlb_lock.
 */
static unsigned long surplus_in[HUGE_MAX_HSTATE];

/**
 * hugetlb_luo_hstate - find the pool of a size
 * @order: of the huge pages
 *
 * Return: the pool, or NULL when this kernel has no huge pages of this size.
 */
struct hstate *hugetlb_luo_hstate(unsigned int order)
{
	if (!hugepages_supported() || order >= BITS_PER_LONG - PAGE_SHIFT)
		return NULL;
	return size_to_hstate(PAGE_SIZE << order);
}

/**
 * hugetlb_luo_pool_ok - check the counts of huge pages that came in
 * @ser: the counts
 *
 * Return: whether they are as they were written.
 */
bool hugetlb_luo_pool_ok(const struct hugetlb_luo_pool_ser *ser)
{
	return !strncmp(ser->compatible, HUGETLB_LUO_POOL_NAME,
			sizeof(ser->compatible)) &&
	       ser->nr <= HUGETLB_LUO_COUNTS_MAX &&
	       ser->sum == xxh64(&ser->nr, sizeof(ser->nr) +
				 ser->nr * sizeof(ser->counts[0]), 0);
}

/* Can there be so many pages? */
static bool __init count_ok(const struct hugetlb_luo_count_ser *count)
{
	return count->order && count->order < BITS_PER_LONG - PAGE_SHIFT &&
	       count->nr <= PHYS_PFN(memblock_end_of_DRAM()) >> count->order;
}

/* Nodes of the previous kernel that this one does not have become its first. */
static void __init add_count(const struct hugetlb_luo_count_ser *count)
{
	const int nid = count->nid < MAX_NUMNODES && node_online(count->nid) ?
			count->nid : first_online_node;
	struct hugetlb_luo_count_ser *in;
	u64 i;

	for (i = 0; i < pool_in.nr; i++) {
		in = &pool_in.counts[i];
		if (in->order == count->order && in->nid == nid) {
			in->nr += count->nr;
			return;
		}
	}
	pool_in.counts[pool_in.nr] = *count;
	pool_in.counts[pool_in.nr++].nid = nid;
}

static void __init receive_pool(void)
{
	static struct hugetlb_luo_pool_ser ser __initdata;
	bool ok;
	u64 i;
	int err;

	err = kho_copy_subtree_early(HUGETLB_LUO_POOL_NAME, &ser, sizeof(ser));
	if (err == -ENOENT)
		return;

	ok = !err && hugetlb_luo_pool_ok(&ser);
	for (i = 0; ok && i < ser.nr; i++)
		ok = count_ok(&ser.counts[i]);
	if (!ok) {
		pr_err("what was handed over of the pools of huge pages is damaged; hugepages= allocates as if no huge page came in\n");
		return;
	}
	for (i = 0; i < ser.nr; i++) {
		add_count(&ser.counts[i]);
		kho_memmap_expect(ser.counts[i].order);
	}
}

KHO_EARLY_CLIENT(hugetlb_luo, receive_pool, NULL);

/* How many pages of a size come in, on a node, or on all for NUMA_NO_NODE. */
static unsigned long __init nr_incoming(const struct hstate *h, int nid)
{
	const struct hugetlb_luo_count_ser *in;
	unsigned long nr = 0;
	u64 i;

	for (i = 0; i < pool_in.nr; i++) {
		in = &pool_in.counts[i];
		if (in->order == h->order &&
		    (nid == NUMA_NO_NODE || in->nid == nid))
			nr += in->nr;
	}
	return nr;
}

/**
 * hugetlb_luo_counted - how many pages need not be allocated at boot
 * @h:   a pool
 * @nid: a node, or NUMA_NO_NODE for all
 *
 * Context: boot, from the parsing of the command line on.
 * Return: how many of the pages that the command line asks for come in.
 */
unsigned long __init hugetlb_luo_counted(const struct hstate *h, int nid)
{
	return min(nr_incoming(h, nid), nid == NUMA_NO_NODE ?
		   h->max_huge_pages : h->max_huge_pages_node[nid]);
}

/**
 * hugetlb_luo_next_node - choose the node of a page that is allocated at boot
 * @h:   a pool, for which the command line does not name nodes
 * @nid: the node that is its turn
 *
 * Nodes get the same number of pages, as on a cold boot. What comes in counts.
 *
 * Context: boot, from the parsing of the command line on; several threads.
 * Return: the node that has the fewest pages, or @nid if none comes in.
 */
int __init hugetlb_luo_next_node(struct hstate *h, int nid)
{
	static unsigned long nr[MAX_NUMNODES] __initdata;
	static struct hstate *pool __initdata;
	int node, fewest = first_memory_node;
	unsigned long flags;

	if (!nr_incoming(h, NUMA_NO_NODE))
		return nid;

	/* Gigantic pages are allocated with interrupts off. */
	spin_lock_irqsave(&hugetlb_lock, flags);
	if (pool != h) {
		for_each_node_state(node, N_MEMORY)
			nr[node] = nr_incoming(h, node);
		pool = h;
	}
	for_each_node_state(node, N_MEMORY)
		if (nr[node] < nr[fewest])
			fewest = node;
	nr[fewest]++;
	spin_unlock_irqrestore(&hugetlb_lock, flags);
	return fewest;
}

/* Does the command line ask for pages on certain nodes? */
static bool __init is_by_node(const struct hstate *h)
{
	int nid;

	for_each_online_node(nid)
		if (h->max_huge_pages_node[nid])
			return true;
	return false;
}

static void __init count_in_pool(struct hstate *h)
{
	const bool by_node = is_by_node(h);
	unsigned long persistent, left = hugetlb_luo_counted(h, NUMA_NO_NODE);
	u64 i;

	for (i = 0; i < pool_in.nr; i++) {
		const struct hugetlb_luo_count_ser *in = &pool_in.counts[i];

		if (in->order != h->order)
			continue;
		persistent = min_t(u64, in->nr, by_node ?
				   h->max_huge_pages_node[in->nid] : left);
		left -= min(left, persistent);
		h->nr_huge_pages += in->nr;
		h->nr_huge_pages_node[in->nid] += in->nr;
		h->surplus_huge_pages += in->nr - persistent;
		h->surplus_huge_pages_node[in->nid] += in->nr - persistent;
		surplus_in[hstate_index(h)] += in->nr - persistent;
		awaited += in->nr << in->order;
	}
}

/**
 * hugetlb_luo_count_incoming - count the pages that come in as pages in use
 *
 * Context: called by hugetlb_init(), before it allocates pages.
 */
void __init hugetlb_luo_count_incoming(void)
{
	struct hstate *h;

	spin_lock_irq(&hugetlb_lock);
	for_each_hstate(h)
		count_in_pool(h);
	counted = true;
	spin_unlock_irq(&hugetlb_lock);
}

/**
 * hugetlb_luo_awaited - how many pages of RAM the pools count in vain
 *
 * Huge pages that are not retrieved yet are in the pools, and are no RAM yet.
 *
 * Context: any; after the pools were read, without a lock.
 * Return: the number of base pages, no more than the pools had.
 */
unsigned long hugetlb_luo_awaited(void)
{
	/* Pairs with hugetlb_luo_settle(). */
	smp_rmb();
	return READ_ONCE(awaited);
}

/**
 * hugetlb_luo_surplus - how many surplus pages there are because they came in
 * @h: a pool
 *
 * These do not count against nr_overcommit_hugepages. Pages are not told apart:
 * when surplus pages were freed, those that are left may be the ones that came in.
 *
 * Context: hugetlb_lock held; called before a surplus page is added.
 * Return: the number of huge pages.
 */
unsigned long hugetlb_luo_surplus(struct hstate *h)
{
	unsigned long *nr = &surplus_in[hstate_index(h)];

	lockdep_assert_held(&hugetlb_lock);
	*nr = min(*nr, h->surplus_huge_pages);
	return *nr;
}

/* Let a page be on another node than was told. */
static void move_count(struct hstate *h, int from, int to)
{
	h->nr_huge_pages_node[from]--;
	h->nr_huge_pages_node[to]++;
	if (h->surplus_huge_pages_node[from]) {
		h->surplus_huge_pages_node[from]--;
		h->surplus_huge_pages_node[to]++;
	}
}

/* One page less is to come in: of this node, if there is one left. */
static struct hugetlb_luo_count_ser *take_count(struct hstate *h, int nid)
{
	struct hugetlb_luo_count_ser *in, *any = NULL;
	u64 i;

	for (i = 0; counted && i < pool_in.nr; i++) {
		in = &pool_in.counts[i];
		if (in->order != h->order || !in->nr)
			continue;
		any = in;
		if (in->nid == nid)
			break;
	}
	if (any) {
		any->nr--;
		WRITE_ONCE(awaited, awaited - (1UL << h->order));
	}
	return any;
}

/**
 * hugetlb_luo_take - account a page that came in
 * @h:   its pool
 * @nid: the node that it is on
 *
 * A page that was not announced is surplus.
 *
 * Context: hugetlb_lock held.
 */
void hugetlb_luo_take(struct hstate *h, int nid)
{
	const struct hugetlb_luo_count_ser *in = take_count(h, nid);

	lockdep_assert_held(&hugetlb_lock);

	if (!in) {
		surplus_in[hstate_index(h)] = hugetlb_luo_surplus(h) + 1;
		h->nr_huge_pages++;
		h->nr_huge_pages_node[nid]++;
		h->surplus_huge_pages++;
		h->surplus_huge_pages_node[nid]++;
	} else if (in->nid != nid) {
		move_count(h, in->nid, nid);
	}
}

static u64 settle_count(struct hstate *h, const struct hugetlb_luo_count_ser *in)
{
	const u64 nr = in->nr;
	unsigned long surplus;

	surplus = min_t(u64, nr, h->surplus_huge_pages_node[in->nid]);
	h->nr_huge_pages -= nr;
	h->nr_huge_pages_node[in->nid] -= nr;
	h->surplus_huge_pages -= surplus;
	h->surplus_huge_pages_node[in->nid] -= surplus;
	h->max_huge_pages = h->nr_huge_pages - h->surplus_huge_pages;
	return nr;
}

/**
 * hugetlb_luo_settle - take what does not come in out of the pools
 *
 * That is: folios that are lost. After this, none is expected any more.
 *
 * Context: may sleep.
 */
void hugetlb_luo_settle(void)
{
	struct hstate *h;
	u64 i, lost = 0;

	spin_lock_irq(&hugetlb_lock);
	WRITE_ONCE(awaited, 0);
	/* Pairs with hugetlb_luo_awaited(): it never subtracts too much. */
	smp_wmb();
	for (i = 0; i < pool_in.nr; i++) {
		h = hugetlb_luo_hstate(pool_in.counts[i].order);
		if (counted && h)
			lost += settle_count(h, &pool_in.counts[i]);
	}
	pool_in.nr = 0;
	spin_unlock_irq(&hugetlb_lock);
	if (lost)
		pr_warn("%llu huge pages of the previous kernel are lost, the pools are smaller by these\n",
			lost);
}
