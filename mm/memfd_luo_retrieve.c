// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: making the memfd in the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/file.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/vmalloc.h>

#include "memfd_luo.h"

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
 * Before there is a file, nothing of what was handed over is taken back. After
 * that, all of it is consumed, whether or not it succeeds.
 */
int memfd_luo_retrieve(struct liveupdate_file_op_args *args)
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

void memfd_luo_finish(struct liveupdate_file_op_args *args)
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
