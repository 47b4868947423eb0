// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: making the memfd in the next kernel, or freeing what
 * nobody retrieved.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/err.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/vmalloc.h>

#include "memfd_luo.h"
#include "memfd_luo_hooks.h"

/* Restores the array of records; free it with vfree(). */
static int memfd_luo_restore_array(const struct liveupdate_file_op_args *args,
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

/**
 * memfd_luo_init_file - make a new file a memfd that was handed over
 * @file:       the file, which is empty
 * @file_seals: its seals
 * @pos:        file position
 * @seals:      F_SEAL_*
 *
 * Context: may sleep.
 * Return: 0, or an errno of memfd_fcntl().
 */
int memfd_luo_init_file(struct file *file, unsigned int *file_seals, u64 pos,
			unsigned int seals)
{
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->f_flags |= O_LARGEFILE;
	file->f_pos = pos;

	/*
	 * The mode was not handed over, but F_SEAL_EXEC was almost surely set
	 * by MFD_NOEXEC_SEAL. A file must not become executable.
	 */
	if (seals & F_SEAL_EXEC)
		file_inode(file)->i_mode &= ~0111;

	/* While the file is empty, F_SEAL_WRITE has no folios to check. */
	*file_seals = 0;
	return memfd_fcntl(file, F_ADD_SEALS, seals);
}

/**
 * memfd_luo_no_file - what to tell LUO when no file could be made
 * @error: an ERR_PTR
 *
 * Nothing was restored yet, so memory that is short now need not cost the file:
 * LUO asks again when its user does.
 *
 * Return: an ERR_PTR for the retrieve callback.
 */
struct file *memfd_luo_no_file(const struct file *error)
{
	switch (PTR_ERR(error)) {
	case -ENOMEM:
	case -ENFILE:
	/* What filesystems say when there is no memory for an inode. */
	case -ENOSPC:
		return ERR_PTR(-EAGAIN);
	}
	return ERR_CAST(error);
}

/* Makes a memfd as described by @ser, but without folios. */
static struct file *memfd_luo_new_file(const struct memfd_luo_ser *ser)
{
	struct file *file;
	int err;

	file = shmem_file_setup("memfd:liveupdate", ser->size, VM_NORESERVE);
	if (IS_ERR(file))
		return memfd_luo_no_file(file);
	err = memfd_luo_init_file(file, &SHMEM_I(file_inode(file))->seals,
				  ser->pos, ser->seals);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

/**
 * memfd_luo_retrieve - make the memfd that was handed over
 * @args: what LUO knows of the memfd; the file is put here
 *
 * Nothing that was handed over is restored before there is a file. From then on
 * all of it is consumed, whether or not this succeeds.
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 * Return: 0; -EINVAL if it is damaged; -EAGAIN if there is no memory for a file;
 * -ENOMEM if there is none for the records; or why folios are lost.
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
	err = memfd_luo_restore_array(args, ser, &array);
	if (err)
		goto put_file;
	kho_restore_free(ser);
	if (array.nr) {
		memfd_luo_warn_of_limit(nr_pages);
		memfd_luo_fill_begin(file_inode(file), &array, nr_pages);
	}
	/*
	 * Without checksums, or without huge folios in this kernel, folios may
	 * be lost: find out before the memfd is reported as retrieved.
	 */
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

/* Frees all that was handed over of a memfd. */
static void memfd_luo_free_unretrieved(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_ser *ser = memfd_luo_find_record(args);
	struct memfd_luo_array array;

	if (!ser || memfd_luo_restore_array(args, ser, &array))
		return;
	if (array.nr)
		memfd_luo_discard(&array);
	vfree(array.ser);
	kho_restore_free(ser);
}

/**
 * memfd_luo_is_left - is what was handed over of a file still to be freed?
 * @args: what LUO knows of the file, which was not retrieved
 * @size: bytes of its record
 *
 * A retrieve that failed has consumed all, or nothing.
 *
 * Return: whether it is.
 */
bool memfd_luo_is_left(const struct liveupdate_file_op_args *args, size_t size)
{
	return !args->retrieve_status ||
	       kho_is_preserved(args->serialized_data, size);
}

/**
 * memfd_luo_finish - have all folios in a memfd, or free what was not retrieved
 * @args: what LUO knows of the memfd; its status becomes -EIO if folios are lost
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 */
void memfd_luo_finish(struct liveupdate_file_op_args *args)
{
	/* This is the last chance to report that folios are lost. */
	if (args->retrieve_status > 0) {
		if (memfd_luo_fill_all(file_inode(args->file), false))
			args->retrieve_status = -EIO;
		return;
	}
	if (memfd_luo_is_left(args, sizeof(struct memfd_luo_page)))
		memfd_luo_free_unretrieved(args);
}
