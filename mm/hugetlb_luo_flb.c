// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of files of hugetlbfs: telling the next kernel how many huge pages
 * all preserved files have.
 *
 * That is state which the files share. It is named in a subtree as well, since
 * the next kernel reads it before there is a page allocator.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/xxhash.h>

#include "hugetlb_luo.h"

/* For the next kernel; NULL while no file is preserved. */
static struct hugetlb_luo_pool_ser *pool_out;

/* Protects what @pool_out points to. Files of several sessions are counted. */
static DEFINE_MUTEX(pool_lock);

static struct hugetlb_luo_count_ser *find_count(unsigned int order, int nid)
{
	struct hugetlb_luo_count_ser *count = pool_out->counts;

	for (; count < pool_out->counts + pool_out->nr; count++)
		if (count->order == order && count->nid == nid)
			return count;
	if (pool_out->nr == HUGETLB_LUO_COUNTS_MAX)
		return NULL;
	*count = (struct hugetlb_luo_count_ser) { .order = order, .nid = nid };
	pool_out->nr++;
	return count;
}

static void write_sum(void)
{
	pool_out->sum = xxh64(&pool_out->nr, sizeof(pool_out->nr) +
			      pool_out->nr * sizeof(pool_out->counts[0]), 0);
}

/**
 * hugetlb_luo_count - count huge pages of a preserved file
 * @order: of each
 * @nid:   the node that they are on
 * @nr:    how many more are preserved, or less if negative
 *
 * Context: may sleep; while the shared state is preserved.
 * Return: 0, or -ENOSPC when there are too many sizes and nodes.
 */
int hugetlb_luo_count(unsigned int order, int nid, long nr)
{
	struct hugetlb_luo_count_ser *count;
	int err = 0;

	mutex_lock(&pool_lock);
	count = find_count(order, nid);
	if (count)
		count->nr += nr;
	else
		err = -ENOSPC;
	write_sum();
	mutex_unlock(&pool_lock);
	return err;
}

static int hugetlb_luo_flb_preserve(struct liveupdate_flb_op_args *args)
{
	struct hugetlb_luo_pool_ser *ser;
	int err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	strscpy_pad(ser->compatible, HUGETLB_LUO_POOL_NAME);
	err = kho_add_subtree(HUGETLB_LUO_POOL_NAME, ser, sizeof(*ser));
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}

	mutex_lock(&pool_lock);
	pool_out = ser;
	write_sum();
	mutex_unlock(&pool_lock);
	args->data = virt_to_phys(ser);
	args->obj = ser;
	return 0;
}

static void hugetlb_luo_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	mutex_lock(&pool_lock);
	pool_out = NULL;
	mutex_unlock(&pool_lock);
	kho_remove_subtree(args->obj);
	kho_unpreserve_free(args->obj);
}

/* The counts were read at boot, from the subtree. */
static int hugetlb_luo_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	if (!kho_is_preserved(args->data, sizeof(struct hugetlb_luo_pool_ser)) ||
	    !hugetlb_luo_pool_ok(phys_to_virt(args->data)))
		return -EINVAL;
	args->obj = phys_to_virt(args->data);
	return 0;
}

/* No file is left that has huge pages to come. */
static void hugetlb_luo_flb_finish(struct liveupdate_flb_op_args *args)
{
	hugetlb_luo_settle();
	kho_restore_free(args->obj);
}

static const struct liveupdate_flb_ops hugetlb_luo_flb_ops = {
	.preserve = hugetlb_luo_flb_preserve,
	.unpreserve = hugetlb_luo_flb_unpreserve,
	.retrieve = hugetlb_luo_flb_retrieve,
	.finish = hugetlb_luo_flb_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_flb hugetlb_luo_flb = {
	.ops = &hugetlb_luo_flb_ops,
	.compatible = HUGETLB_LUO_POOL_NAME,
};

/**
 * hugetlb_luo_flb_register - let files depend on the counts of huge pages
 * @fh: the handler of the files
 *
 * Context: may sleep; boot, when the pools are there.
 * Return: 0, or an errno of liveupdate_register_flb().
 */
int hugetlb_luo_flb_register(struct liveupdate_file_handler *fh)
{
	void *obj;
	int err;

	err = liveupdate_register_flb(fh, &hugetlb_luo_flb);
	if (err)
		return err;

	/*
	 * If no file can come in, no huge page does. If only the state is damaged,
	 * files do.
	 */
	err = liveupdate_flb_get_incoming(&hugetlb_luo_flb, &obj);
	if (!err)
		liveupdate_flb_put_incoming(&hugetlb_luo_flb);
	else if (err == -ENODATA || err == -EOPNOTSUPP)
		hugetlb_luo_settle();
	return 0;
}
