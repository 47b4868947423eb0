// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of memfds: the handler that LUO calls.
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
 * They come back as memfds. Memfds of hugetlbfs have a handler of their own. Not
 * taken are files on tmpfs that have a name. Not carried on are the name of a
 * memfd, the file mode and owner, status flags such as O_APPEND, timestamps, and
 * memory that fallocate() reserved beyond the end of the file. The new memfd is
 * called "memfd:liveupdate" and has the mode of memfd_create()'s default, less
 * the execute bits if it is sealed with F_SEAL_EXEC.
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
 *   page fault in a hole allocates memory as always. The new folios are preserved
 *   when the file is frozen; a file without new folios is not searched for them.
 *   khugepaged fills no holes.
 *
 * When retrieved
 *   the memfd is there at once, however large it is. Its folios are put into the
 *   page cache when they are used first, and all the others by a worker. Calls
 *   that concern many of them, such as fallocate(), ftruncate(), lseek() with
 *   SEEK_HOLE and finishing the session, wait for all. A folio whose record
 *   turns out to be damaged then is lost: see below.
 *
 * When damaged
 *   nothing can be retrieved, if it is the record of the file, the list of pages
 *   that hold the records of its folios, or their checksums. If it is a page of
 *   these records, its folios are lost: some 1 MiB of a file without huge pages.
 *   To read, write or map them gives EIO or SIGBUS, and to finish the session
 *   gives EIO. The rest of the file is as it was.
 *
 *   A file from a kernel that does not write checksums is checked as a whole
 *   before it is retrieved, and is complete then.
 *
 * When memory failed
 *   the page that failed is lost: to use it gives EIO or SIGBUS, here and in the
 *   next kernel. All else is there. Nothing can be preserved in scratch memory: a
 *   page that failed there is replaced by one that the next kernel is told has
 *   failed.
 *
 * While frozen
 *   data can be read and written, and are handed over as they are when the CPUs
 *   stop. A task that would fill a hole waits, as does one that added seals:
 *   either the kernel is replaced, or the update is called off and the task goes
 *   on. So no change is lost after a system call has reported success.
 */

#define pr_fmt(fmt) "memfd_luo: " fmt

#include <linux/file.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/xxhash.h>

#include "memfd_luo.h"
#include "memfd_luo_hooks.h"

/*
 * So many bytes of the page of a record are zero unless something is written
 * there. A later kernel can tell by them that this one did not write a field.
 */
#define MEMFD_LUO_CLEARED	256

static_assert(sizeof(struct memfd_luo_page) <= MEMFD_LUO_CLEARED);

static bool memfd_luo_can_preserve(struct liveupdate_file_handler *handler,
				   struct file *file)
{
	struct inode *inode = file_inode(file);

	/* Neither the kernel's own files, nor files that have a name. */
	return shmem_file(file) && !inode->i_nlink && !IS_PRIVATE(inode);
}

static unsigned long memfd_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);
}

/* Writes what may have changed since the file was preserved. */
static void memfd_luo_write_record(struct memfd_luo *memfd, struct file *file)
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
	kho_unpreserve_free(memfd->page);
	kfree(memfd);
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
	if (!err && !memfd_luo_fits(memfd_luo_nr_pages(inode)))
		err = -ENOMEM;
	if (!err)
		err = memfd_luo_set_preserved(inode);
	if (err)
		goto err_free;
	err = memfd_luo_preserve_folios(memfd, inode);
	if (err)
		goto err_clear;
	err = memfd_luo_account(&memfd->folios);
	if (err)
		goto err_unpreserve;

	memfd_luo_write_record(memfd, args->file);
	args->serialized_data = virt_to_phys(memfd->page);
	args->private_data = memfd;
	return 0;

err_unpreserve:
	memfd_luo_unpreserve_folios(memfd);
err_clear:
	memfd_luo_clear_preserved(inode);
err_free:
	memfd_luo_free(memfd);
	return err;
}

static void memfd_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo *memfd = args->private_data;

	memfd_luo_unpreserve_folios(memfd);
	memfd_luo_clear_preserved(file_inode(args->file));
	memfd_luo_free(memfd);
}

static int memfd_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct inode *inode = file_inode(args->file);
	struct memfd_luo *memfd = args->private_data;
	int err = 0;

	if (memfd_luo_set_frozen(inode, memfd->folios.nr_pages))
		err = memfd_luo_preserve_folios(memfd, inode);
	if (!err && memfd_luo_may_have_tags())
		err = memfd_luo_check_tags(&memfd->folios);
	if (err) {
		memfd_luo_clear_frozen(inode);
		return err;
	}
	memfd_luo_write_record(memfd, args->file);
	return 0;
}

static void memfd_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	memfd_luo_clear_frozen(file_inode(args->file));
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
