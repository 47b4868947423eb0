// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of pipes: making the pipe in the next kernel, or freeing what nobody
 * retrieved.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "pipe_luo: " fmt

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/vmalloc.h>

#include "pipe_luo.h"

static int pipe_luo_lost_confirm(struct pipe_inode_info *pipe,
				 struct pipe_buffer *buf)
{
	return -EIO;
}

/* What this handler put into a pipe: the buffer has a reference to its folio. */
const struct pipe_buf_operations pipe_luo_buf_ops = {
	.release = generic_pipe_buf_release,
	.get = generic_pipe_buf_get,
};

/* In place of data that are lost because memory failed. */
static const struct pipe_buf_operations pipe_luo_lost_buf_ops = {
	.confirm = pipe_luo_lost_confirm,
	.release = generic_pipe_buf_release,
	.get = generic_pipe_buf_get,
};

static bool ser_ok(const struct pipe_luo_ser *ser)
{
	return ser->mode <= O_RDWR && is_power_of_2(ser->nr_bufs) &&
	       ser->nr_data <= ser->nr_bufs &&
	       ser->nr_data <= ser->data.total_pages * MEMFD_LUO_PER_PAGE;
}

static bool sum_ok(const struct pipe_luo_ser *ser, u32 identity)
{
	u64 sum;

	return memfd_luo_records_sum(&ser->data, ser->nr_data, identity, &sum) &&
	       ser->sum == pipe_luo_sum(ser, sum);
}

/* Finds the record and checks it, before memory that it names is restored. */
static struct pipe_luo_ser *
find_record(const struct liveupdate_file_op_args *args)
{
	const u64 phys = args->serialized_data;
	struct pipe_luo_ser *ser;

	if (kho_is_preserved(phys, sizeof(*ser))) {
		ser = phys_to_virt(phys);
		if (ser_ok(ser) && sum_ok(ser, args->identity))
			return ser;
	}
	pr_err("what was handed over of a pipe at %#llx is damaged; its memory stays reserved until the next reboot\n",
	       phys);
	return NULL;
}

/*
 * Restores the folio of a record, charged to the current memory cgroup. Beyond a
 * limit no task is killed for that: it could be the one that holds the pipe.
 */
static struct folio *restore_folio(const struct pipe_luo_data_ser *data)
{
	struct folio *folio = kho_restore_folio(PFN_PHYS(data->pfn));

	if (!folio)
		return NULL;
	if (data->flags & ~PIPE_LUO_DATA_PACKET || !data->len ||
	    (u64)data->offset + data->len > folio_size(folio)) {
		folio_put(folio);
		return NULL;
	}
	memcg_kmem_charge_page(folio_page(folio, 0),
			       GFP_KHO_RESTORE | __GFP_NORETRY,
			       folio_order(folio));
	return folio;
}

/* Puts the data of a record into the pipe, which has room for them. */
static int insert_data(struct pipe_inode_info *pipe,
		       const struct pipe_luo_data_ser *data)
{
	struct pipe_buffer buf = {
		.page = ZERO_PAGE(0),
		.len = data->len,
		.ops = &pipe_luo_buf_ops,
		.flags = data->flags & PIPE_LUO_DATA_PACKET ?
			 PIPE_BUF_FLAG_PACKET : 0,
	};
	struct folio *folio;

	if (!data->pfn) {
		if (data->len > PAGE_SIZE)
			return -EINVAL;
		get_page(buf.page);
	} else if (kho_poisoned_folio(PFN_PHYS(data->pfn))) {
		kho_restore_free_phys(PFN_PHYS(data->pfn));
		buf.ops = &pipe_luo_lost_buf_ops;
		get_page(buf.page);
	} else {
		folio = restore_folio(data);
		if (!folio)
			return -EINVAL;
		buf.page = folio_page(folio, data->offset / PAGE_SIZE);
		buf.offset = offset_in_page(data->offset);
	}
	*pipe_head_buf(pipe) = buf;
	pipe->head++;
	return 0;
}

static void free_data(const struct pipe_luo_data_ser *data)
{
	if (data->pfn)
		kho_restore_free_phys(PFN_PHYS(data->pfn));
}

/*
 * Consumes all data: puts them into @pipe, or without one frees them. Returns why
 * data are lost.
 */
static int consume_data(const struct pipe_luo_ser *ser,
			const struct pipe_luo_data_ser *data,
			struct pipe_inode_info *pipe)
{
	const u64 *sums = (const u64 *)(data + ser->nr_data);
	int err = 0, ret;
	u64 i;

	for (i = 0; i < ser->nr_data; i++) {
		if (i % MEMFD_LUO_PER_PAGE == 0 &&
		    !memfd_luo_page_ok(&data[i], ser->nr_data - i,
				       sums[i / MEMFD_LUO_PER_PAGE])) {
			pr_err("the records of data from number %llu on are damaged; their memory stays reserved until the next reboot\n",
			       i);
			err = -EIO;
			i += MEMFD_LUO_PER_PAGE - 1;
			continue;
		}
		ret = 0;
		if (pipe && !err)
			ret = insert_data(pipe, &data[i]);
		else
			free_data(&data[i]);
		err = err ?: ret;
		cond_resched();
	}
	return err;
}

/* Consumes all that was handed over, as consume_data() does. */
static int consume(struct pipe_luo_ser *ser, struct pipe_inode_info *pipe)
{
	struct pipe_luo_data_ser *data = NULL;
	int err = 0;

	if (ser->nr_data) {
		data = kho_restore_vmalloc(&ser->data);
		if (!data)
			return -ENOMEM;
		err = consume_data(ser, data, pipe);
		vfree(data);
	}
	kho_restore_free(ser);
	return err;
}

/* Gives a new pipe its size, which counts but is not limited. */
static int resize(struct pipe_inode_info *pipe, unsigned int nr_bufs)
{
	const unsigned int old = pipe->nr_accounted;
	int err;

	account_pipe_buffers(pipe->user, old, nr_bufs);
	err = pipe_resize_ring(pipe, nr_bufs);
	if (err)
		account_pipe_buffers(pipe->user, nr_bufs, old);
	return err;
}

/* Makes an empty pipe as described by @ser, and opens the end of it. */
static struct file *new_file(const struct pipe_luo_ser *ser)
{
	struct file *ends[2], *file;
	int err;

	err = create_pipe_files(ends, 0);
	if (err)
		return ERR_PTR(err);
	err = resize(get_pipe_info(ends[0], true), ser->nr_bufs);
	file = err ? ERR_PTR(err) :
	       dentry_open(&ends[0]->f_path, ser->mode, current_cred());
	fput(ends[0]);
	fput(ends[1]);
	return file;
}

/**
 * pipe_luo_retrieve - make the pipe that was handed over
 * @args: what LUO knows of the pipe; the file is put here
 *
 * Nothing that was handed over is restored before there is a file. From then on
 * all of it is consumed, whether or not this succeeds.
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 * Return: 0; -EINVAL or -EIO if it is damaged; -EAGAIN if there is no memory for a
 * pipe; or -ENOMEM if there is none for the records, and all is lost.
 */
int pipe_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct pipe_luo_ser *ser;
	struct file *file;
	int err;

	ser = find_record(args);
	if (!ser)
		return -EINVAL;
	file = new_file(ser);
	if (IS_ERR(file))
		return PTR_ERR(memfd_luo_no_file(file));
	err = consume(ser, get_pipe_info(file, true));
	if (err) {
		fput(file);
		return err;
	}
	args->file = file;
	return 0;
}

/**
 * pipe_luo_finish - free what was not retrieved
 * @args: what LUO knows of the pipe
 *
 * Context: may sleep. LUO calls back for one file in one task at a time.
 */
void pipe_luo_finish(struct liveupdate_file_op_args *args)
{
	struct pipe_luo_ser *ser;

	if (args->retrieve_status > 0)
		return;
	if (!memfd_luo_is_left(args, sizeof(*ser)))
		return;
	ser = find_record(args);
	if (ser)
		consume(ser, NULL);
}
