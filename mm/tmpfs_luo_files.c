// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: giving the files of a mount that came in their
 * folios, and freeing those that no file gets.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "tmpfs_luo: " fmt

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/string.h>

#include "memfd_luo_hooks.h"
#include "tmpfs_luo.h"

/* A file with no more folios than this gets them at once. */
#define NR_AT_ONCE	16

/* Frees the folios of the records from @i up to @end. */
static void discard(const struct tmpfs_luo_array *folios, u64 i, u64 end)
{
	struct memfd_luo_array array;
	u64 nr;

	for (; i < end; i += nr) {
		nr = min(MEMFD_LUO_PER_PAGE - i % MEMFD_LUO_PER_PAGE, end - i);
		if (!tmpfs_luo_page_ok(folios, i)) {
			pr_err("the records of folios from number %llu on are damaged; their memory stays reserved until the next reboot\n",
			       i);
			continue;
		}
		array.ser = tmpfs_luo_get(folios, i, nr);
		array.nr = nr;
		array.sums = NULL;
		memfd_luo_discard(&array);
	}
}

/*
 * Has records in damaged pages stand for a lost folio each, which begins behind the
 * one before: no one knows how many there were, or where. Returns whether there are
 * such records.
 */
static bool mark_lost(const struct tmpfs_luo_array *folios, u64 first,
		      struct memfd_luo_array *array)
{
	struct memfd_luo_folio_ser *ser = array->ser;
	bool lost = false;
	u64 i, index = 0;

	for (i = 0; i < array->nr; i++, ser++) {
		if (!tmpfs_luo_page_ok(folios, first + i)) {
			ser->pfn = 1;
			ser->flags = MEMFD_LUO_FOLIO_LOST;
			ser->index = index;
			lost = true;
		}
		index = ser->index + 1;
	}
	return lost;
}

/* How many pages a file is going to have; 0 if that cannot be. */
static u64 count_pages(const struct tmpfs_luo_inode_ser *ser)
{
	if (ser->nr_pages < ser->nr_folios ||
	    ser->nr_pages > memfd_luo_end_index(ser->size) +
			    BIT(MAX_PAGECACHE_ORDER))
		return 0;
	return ser->nr_pages;
}

/* Gives a file its folios, whose records there are, as far as not damaged. */
static void fill_file(struct tmpfs_luo_in *in, struct inode *inode,
		      const struct tmpfs_luo_inode_ser *ser)
{
	const struct tmpfs_luo_array *folios = &in->arrays[TMPFS_LUO_FOLIOS];
	struct memfd_luo_array array = { .nr = ser->nr_folios };
	u64 nr_pages = count_pages(ser);

	array.ser = tmpfs_luo_get(folios, ser->folios, array.nr);
	if (array.ser && array.nr <= NR_AT_ONCE) {
		if (memfd_luo_fill_now(inode, &array))
			return;
		nr_pages = 0;
	}
	array.ser = tmpfs_luo_alloc_in(array.nr * sizeof(*array.ser), 0);
	memcpy(array.ser, folios->units + ser->folios * TMPFS_LUO_UNIT,
	       array.nr * sizeof(*array.ser));
	if (!mark_lost(folios, ser->folios, &array)) {
		memfd_luo_fill_begin(inode, &array, nr_pages);
		return;
	}
	/* What is not lost has to be in place before a lost folio is looked for. */
	memfd_luo_fill_begin(inode, &array, 0);
	memfd_luo_fill_all(inode, false);
}

/* Has all of a file's data give EIO. */
static void lose_file(struct inode *inode)
{
	struct memfd_luo_array array = { .nr = 1 };

	array.ser = kvmalloc(sizeof(*array.ser), GFP_KHO_RESTORE);
	*array.ser = (struct memfd_luo_folio_ser) {
		.pfn = 1,
		.flags = MEMFD_LUO_FOLIO_LOST,
	};
	memfd_luo_fill_begin(inode, &array, 0);
	memfd_luo_fill_all(inode, false);
}

/* The inode of a regular file with folios, and its record; or NULL. */
static struct inode *file_of(const struct tmpfs_luo_in *in,
			     struct dentry **dentries, u64 i,
			     const struct tmpfs_luo_inode_ser **ser)
{
	struct inode *inode = dentries[i] ? d_inode(dentries[i]) : NULL;

	if (!inode || !S_ISREG(inode->i_mode))
		return NULL;
	*ser = tmpfs_luo_inode(in, i);
	return (*ser)->nr_folios ? inode : NULL;
}

/* All files together may exceed a limit that none of them does. */
static void warn_of_limit(const struct tmpfs_luo_in *in,
			  struct dentry **dentries)
{
	const u64 nr = tmpfs_luo_nr_inodes(in);
	const struct tmpfs_luo_inode_ser *ser;
	u64 i, nr_pages = 0;

	for (i = 0; i < nr; i++) {
		if (file_of(in, dentries, i, &ser))
			nr_pages += count_pages(ser);
		cond_resched();
	}
	memfd_luo_warn_of_limit(nr_pages);
}

/**
 * tmpfs_luo_fill_files - give the files of a mount their folios
 * @in:       the mount; its records of folios are consumed
 * @dentries: the first name of each inode, NULL if it has none
 *
 * Large files get them when they are used, as memfds do. The folios of a file that
 * has no name are freed.
 *
 * Context: may sleep. Logs damage.
 */
void tmpfs_luo_fill_files(struct tmpfs_luo_in *in, struct dentry **dentries)
{
	const struct tmpfs_luo_array *folios = &in->arrays[TMPFS_LUO_FOLIOS];
	const u64 nr = tmpfs_luo_nr_inodes(in);
	const struct tmpfs_luo_inode_ser *ser;
	struct inode *inode;
	u64 i, next = 0;

	warn_of_limit(in, dentries);
	for (i = 0; i < nr; i++) {
		inode = file_of(in, dentries, i, &ser);
		if (!inode)
			continue;
		/* No record is of two files. */
		if (ser->folios < next || ser->folios > folios->nr ||
		    ser->nr_folios > folios->nr - ser->folios) {
			lose_file(inode);
			continue;
		}
		discard(folios, next, ser->folios);
		next = ser->folios + ser->nr_folios;
		fill_file(in, inode, ser);
		cond_resched();
	}
	discard(folios, next, folios->nr);
}

/**
 * tmpfs_luo_discard_files - free the folios of a mount that was not retrieved
 * @in: the mount
 *
 * Context: may sleep. Logs damage.
 */
void tmpfs_luo_discard_files(struct tmpfs_luo_in *in)
{
	const struct tmpfs_luo_array *folios = &in->arrays[TMPFS_LUO_FOLIOS];

	discard(folios, 0, folios->nr);
}

/* Does the inode lack folios? If so, take a reference. Under s_inode_list_lock. */
static bool get_filling(struct inode *inode)
{
	bool filling;

	spin_lock(&inode->i_lock);
	filling = !(inode->i_state & (I_FREEING | I_WILL_FREE | I_NEW)) &&
		  S_ISREG(inode->i_mode) && memfd_luo_is_filling(inode);
	if (filling)
		__iget(inode);
	spin_unlock(&inode->i_lock);
	return filling;
}

/**
 * tmpfs_luo_wait_files - have all folios in the files of a retrieved mount
 * @sb: its superblock
 *
 * Context: may sleep.
 * Return: 0, or an errno that says why folios are lost.
 */
int tmpfs_luo_wait_files(struct super_block *sb)
{
	struct inode *inode, *last = NULL;
	int err = 0, ret;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!get_filling(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		/* The reference keeps the inode in the list. */
		iput(last);
		last = inode;
		ret = memfd_luo_fill_all(inode, false);
		err = err ?: ret;
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(last);
	return err;
}
