// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of files of hugetlbfs: making the file in the next kernel, or
 * freeing what nobody retrieved.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "hugetlb_luo: " fmt

#include <linux/bitmap.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/hugetlb_luo_hooks.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "hugetlb_luo.h"

static bool ser_ok(const struct hugetlb_luo_ser *ser)
{
	return ser->order && ser->order < BITS_PER_LONG - PAGE_SHIFT &&
	       !(ser->seals & ~MEMFD_LUO_ALL_SEALS) &&
	       ser->size <= MAX_LFS_FILESIZE && ser->pos <= MAX_LFS_FILESIZE &&
	       ser->nr_folios <= ser->folios.total_pages * MEMFD_LUO_PER_PAGE;
}

static bool sum_ok(const struct hugetlb_luo_ser *ser, u32 identity)
{
	u64 sum;

	return memfd_luo_records_sum(&ser->folios, ser->nr_folios, identity,
				     &sum) &&
	       ser->sum == hugetlb_luo_sum(ser, sum);
}

/* Finds the record and checks it, before memory that it names is restored. */
static struct hugetlb_luo_ser *
find_record(const struct liveupdate_file_op_args *args)
{
	const u64 data = args->serialized_data;
	struct hugetlb_luo_ser *ser;

	if (kho_is_preserved(data, sizeof(*ser))) {
		ser = phys_to_virt(data);
		if (ser_ok(ser) && sum_ok(ser, args->identity))
			return ser;
	}
	pr_err("what was handed over of a file of hugetlbfs at %#llx is damaged; its memory stays reserved until the next reboot\n",
	       data);
	return NULL;
}

/*
 * Restores a folio for its pool. Returns whether there is one: if no file is to
 * have it, a folio with poisoned pages is free memory but for these.
 */
static bool restore_folio(struct hstate *h, u64 pfn, bool has_file,
			  struct list_head *folios)
{
	struct folio *folio;

	if (!has_file && kho_poisoned_folio(PFN_PHYS(pfn))) {
		kho_restore_free_phys(PFN_PHYS(pfn));
		return false;
	}
	folio = hugetlb_luo_restore(h, PFN_PHYS(pfn));
	if (!folio)
		return false;
	if (folio_order(folio) != huge_page_order(h)) {
		folio_put(folio);
		return false;
	}
	hugetlb_luo_prepare(h, folio, folios);
	return true;
}

static int insert_folio(struct inode *inode, struct folio *folio,
			const struct memfd_luo_folio_ser *record)
{
	if (record->flags ||
	    !IS_ALIGNED(record->index, folio_nr_pages(folio)) ||
	    record->index >= memfd_luo_end_index(i_size_read(inode)))
		return -EINVAL;
	return hugetlb_luo_insert(inode, folio, record->index);
}

/*
 * Consumes the folios of @nr records, which are in one page: puts each into its
 * pool and into @inode, or without one frees it. Returns why folios are lost.
 */
static int consume_records(struct hstate *h,
			   const struct memfd_luo_folio_ser *records,
			   unsigned int nr, struct inode *inode)
{
	DECLARE_BITMAP(restored, MEMFD_LUO_PER_PAGE) = {};
	struct folio *folio;
	LIST_HEAD(folios);
	unsigned int i;
	int err = 0, ret;

	for (i = 0; i < nr; i++) {
		if (!h)
			kho_restore_free_phys(PFN_PHYS(records[i].pfn));
		else if (restore_folio(h, records[i].pfn, inode, &folios))
			__set_bit(i, restored);
		else
			err = -EIO;
		cond_resched();
	}
	if (h)
		hugetlb_luo_adopt(h, &folios);
	for_each_set_bit(i, restored, nr) {
		folio = pfn_folio(records[i].pfn);
		ret = inode ? insert_folio(inode, folio, &records[i]) : 0;
		err = err ?: ret;
		/* The page cache has its own references. */
		folio_put(folio);
		cond_resched();
	}
	return err;
}

/* Consumes all folios, as consume_records() does. */
static int consume_folios(const struct hugetlb_luo_ser *ser,
			  const struct memfd_luo_folio_ser *records,
			  struct inode *inode)
{
	struct hstate *h = hugetlb_luo_hstate(ser->order);
	const u64 *sums = (const u64 *)(records + ser->nr_folios);
	int err = 0, ret;
	u64 i;

	for (i = 0; i < ser->nr_folios; i += MEMFD_LUO_PER_PAGE) {
		ret = -EIO;
		if (!memfd_luo_page_ok(&records[i], ser->nr_folios - i,
				       sums[i / MEMFD_LUO_PER_PAGE]))
			pr_err("the records of folios from number %llu on are damaged; their memory stays reserved until the next reboot\n",
			       i);
		else
			ret = consume_records(h, &records[i],
					      min(ser->nr_folios - i,
						  MEMFD_LUO_PER_PAGE), inode);
		err = err ?: ret;
	}
	return err;
}

/*
 * Consumes all that was handed over, as consume_folios() does. Returns -ENOMEM if
 * not even the records could be read.
 */
static int consume(struct hugetlb_luo_ser *ser, struct inode *inode)
{
	struct memfd_luo_folio_ser *records = NULL;
	int err;

	if (ser->folios.total_pages) {
		records = kho_restore_vmalloc(&ser->folios);
		if (!records)
			return -ENOMEM;
	}
	err = consume_folios(ser, records, inode);
	vfree(records);
	kho_restore_free(ser);
	if (err && inode) {
		pr_err("a file of huge pages has lost some: what was not restored gives EIO or SIGBUS\n");
		hugetlb_luo_set_lost(inode);
	}
	return 0;
}

/* Makes a file as described by @ser, but without folios. */
static struct file *new_file(const struct hugetlb_luo_ser *ser)
{
	struct file *file;
	int err;

	file = hugetlb_file_setup("memfd:liveupdate", ser->size, VM_NORESERVE,
				  HUGETLB_ANONHUGE_INODE,
				  ser->order + PAGE_SHIFT);
	if (IS_ERR(file))
		return memfd_luo_no_file(file);
	err = memfd_luo_init_file(file, &HUGETLBFS_I(file_inode(file))->seals,
				  ser->pos, ser->seals);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

/**
 * hugetlb_luo_retrieve - make the file that was handed over
 * @args: what LUO knows of the file; the file is put here
 *
 * Nothing that was handed over is restored before there is a file. From then on
 * all of it is consumed, whether or not this succeeds.
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 * Return: 0, also if folios are lost; -EINVAL if it is damaged; -ENODEV, with a
 * message, if this kernel has no huge pages of the size; -EAGAIN if there is no
 * memory for a file; or -ENOMEM if there is none for the records, and all is lost.
 */
int hugetlb_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_ser *ser;
	struct file *file;
	int err;

	ser = find_record(args);
	if (!ser)
		return -EINVAL;
	if (!hugetlb_luo_hstate(ser->order)) {
		pr_err("this kernel has no huge pages of %lu KiB, which a file of the previous kernel is made of\n",
		       (PAGE_SIZE << ser->order) / SZ_1K);
		return -ENODEV;
	}
	file = new_file(ser);
	if (IS_ERR(file))
		return PTR_ERR(file);

	err = consume(ser, file_inode(file));
	if (err) {
		fput(file);
		return err;
	}
	args->file = file;
	return 0;
}

/**
 * hugetlb_luo_finish - free what was not retrieved
 * @args: what LUO knows of the file; its status becomes -EIO if folios are lost
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 */
void hugetlb_luo_finish(struct liveupdate_file_op_args *args)
{
	struct hugetlb_luo_ser *ser;

	if (args->retrieve_status > 0) {
		if (hugetlb_luo_is_lost(file_inode(args->file)))
			args->retrieve_status = -EIO;
		return;
	}
	if (!memfd_luo_is_left(args, sizeof(*ser)))
		return;
	ser = find_record(args);
	if (ser)
		consume(ser, NULL);
}
