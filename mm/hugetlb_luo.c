// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of files of hugetlbfs: the handler that LUO calls.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Preservation of hugetlbfs files
 *
 * A memfd that was made with MFD_HUGETLB keeps its contents, size, position and
 * seals over a live update, as other memfds do. So does each file of hugetlbfs
 * that has no name: what was unlinked, or opened with O_TMPFILE. It comes back as
 * a memfd of huge pages of the same size, of a pool that is as large as the
 * command line of the next kernel asks for: huge pages that come in count.
 *
 * While preserved
 *   the folios are pinned, outside the scratch areas. The size and the holes of
 *   the file are fixed: truncate(), fallocate() in any mode, MADV_REMOVE and a
 *   mapping that would make the file longer fail with EPERM. F_SEAL_WRITE, which
 *   no pinned folio allows, fails with EBUSY. All else goes on.
 *
 * Holes
 *   stay holes. A page fault in a hole takes a huge page as always; it is
 *   preserved when the file is frozen.
 *
 * While frozen
 *   data can be read and written, and are handed over as they are when the CPUs
 *   stop. A task that would fill a hole waits, as does one that added seals.
 */
#define pr_fmt(fmt) "hugetlb_luo: " fmt

#include <linux/err.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "hugetlb_luo.h"

static bool hugetlb_luo_can_preserve(struct liveupdate_file_handler *handler,
				     struct file *file)
{
	struct inode *inode = file_inode(file);

	/* Neither memory of shmget(), nor files that have a name. */
	return is_file_hugepages(file) && !inode->i_nlink &&
	       !IS_PRIVATE(inode) && S_ISREG(inode->i_mode) &&
	       inode->i_sb->s_magic == HUGETLBFS_MAGIC;
}

static unsigned long hugetlb_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);
}

/* Writes what may have changed since the file was preserved. */
static void hugetlb_luo_write_record(struct hugetlb_luo *hl, struct file *file)
{
	struct hugetlb_luo_ser *ser = hl->ser;
	struct inode *inode = file_inode(file);
	u64 seed = hl->identity;

	ser->pos = READ_ONCE(file->f_pos);
	ser->size = i_size_read(inode);
	ser->seals = READ_ONCE(HUGETLBFS_I(inode)->seals);
	ser->nr_folios = hl->records.nr;
	if (ser->nr_folios)
		seed = memfd_luo_records_seal(&hl->records, hl->identity);
	ser->sum = hugetlb_luo_sum(ser, seed);
}

static struct hugetlb_luo *hugetlb_luo_alloc(struct file *file, u32 identity)
{
	struct hugetlb_luo *hl;

	hl = kzalloc(sizeof(*hl), GFP_KERNEL_ACCOUNT);
	if (!hl)
		return ERR_PTR(-ENOMEM);
	hl->ser = kho_alloc_preserve(sizeof(*hl->ser));
	if (IS_ERR(hl->ser)) {
		int err = PTR_ERR(hl->ser);

		kfree(hl);
		return ERR_PTR(err);
	}
	hl->order = huge_page_order(hstate_file(file));
	hl->ser->order = hl->order;
	hl->identity = identity;
	return hl;
}

static void hugetlb_luo_free(struct hugetlb_luo *hl)
{
	kho_unpreserve_free(hl->ser);
	kfree(hl);
}

static int hugetlb_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct inode *inode = file_inode(args->file);
	struct hugetlb_luo *hl;
	int err;

	if (!memfd_luo_may_preserve(args->file))
		return -EPERM;
	hl = hugetlb_luo_alloc(args->file, args->identity);
	if (IS_ERR(hl))
		return PTR_ERR(hl);
	err = hugetlb_luo_set_preserved(inode);
	if (err)
		goto err_free;
	err = hugetlb_luo_make_room(hl, inode);
	if (err) {
		memfd_luo_records_free(&hl->records);
		goto err_clear;
	}
	err = hugetlb_luo_collect(hl, inode);
	if (err)
		goto err_drop;

	hugetlb_luo_write_record(hl, args->file);
	args->serialized_data = virt_to_phys(hl->ser);
	args->private_data = hl;
	return 0;

err_drop:
	hugetlb_luo_drop(hl);
err_clear:
	hugetlb_luo_clear_preserved(inode);
err_free:
	hugetlb_luo_free(hl);
	return err;
}

static void hugetlb_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo *hl = args->private_data;

	hugetlb_luo_drop(hl);
	hugetlb_luo_clear_preserved(file_inode(args->file));
	hugetlb_luo_free(hl);
}

static int hugetlb_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct inode *inode = file_inode(args->file);
	struct hugetlb_luo *hl = args->private_data;
	int err = 0;

	if (hugetlb_luo_set_frozen(inode, hl->records.nr << hl->order))
		err = hugetlb_luo_collect(hl, inode);
	if (err) {
		hugetlb_luo_clear_frozen(inode);
		return err;
	}
	hugetlb_luo_write_record(hl, args->file);
	return 0;
}

static void hugetlb_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	hugetlb_luo_clear_frozen(file_inode(args->file));
}

static const struct liveupdate_file_ops hugetlb_luo_ops = {
	.can_preserve = hugetlb_luo_can_preserve,
	.preserve = hugetlb_luo_preserve,
	.unpreserve = hugetlb_luo_unpreserve,
	.freeze = hugetlb_luo_freeze,
	.unfreeze = hugetlb_luo_unfreeze,
	.retrieve = hugetlb_luo_retrieve,
	.finish = hugetlb_luo_finish,
	.get_id = hugetlb_luo_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler hugetlb_luo_handler = {
	.ops = &hugetlb_luo_ops,
	.compatible = HUGETLB_LUO_FH_COMPATIBLE,
};

static int __init hugetlb_luo_init(void)
{
	int err = liveupdate_register_file_handler(&hugetlb_luo_handler);

	if (!err) {
		err = hugetlb_luo_flb_register(&hugetlb_luo_handler);
		if (err)
			liveupdate_unregister_file_handler(&hugetlb_luo_handler);
	}
	if (!err)
		return 0;
	hugetlb_luo_settle();
	if (err == -EOPNOTSUPP)
		return 0;
	pr_err("files of hugetlbfs cannot be preserved: handler not registered: %d\n",
	       err);
	return err;
}
late_initcall(hugetlb_luo_init);
