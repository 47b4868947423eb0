// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of pipes: the handler that LUO calls.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Preservation of pipes
 *
 * A pipe in a live update session keeps what was written to it and not read yet,
 * and its size. One of its ends is preserved, and comes back as the same end. The
 * other end is opened by way of /proc/self/fd.
 *
 * Preserved are pipes of pipe(2), also with packets (O_DIRECT). Not taken are
 * named FIFOs, which belong to a file system, and notification pipes. Not carried
 * on are status flags such as O_NONBLOCK, and the owner.
 *
 * While preserved
 *   what is in the pipe is in the session instead. The pipe looks empty to who
 *   reads it and full to who writes to it: calls wait, or fail with EAGAIN, also
 *   when the other end is closed. F_SETPIPE_SZ fails with EBUSY, F_GETPIPE_SZ
 *   gives 0. All is back when the session is given up.
 *
 * Memory
 *   that only the pipe has stays where it is: anonymous memory that a process put
 *   into the pipe by vmsplice() and does not map any more, as when it has exited.
 *   All other data are copied when the pipe is preserved, so they do not change
 *   any more: what was written, what came from files, and memory that is still
 *   mapped, pinned, or in another pipe. The copies replace what they are copies of.
 *
 * When retrieved
 *   all data are in the pipe. Its memory is charged to the memory cgroup of the
 *   task that retrieves it, beyond a limit if it must be, and freed as it is read.
 *   The size of the pipe counts for the user of that task, but no limit on the
 *   size of pipes applies.
 *
 * When damaged
 *   nothing can be retrieved: data in a pipe are of no use without what is before
 *   them.
 *
 * When memory failed
 *   to read or splice what was in it gives EIO, and so what is behind it cannot be
 *   read. A pipe cannot be preserved if data that have to be copied are in it.
 */
#define pr_fmt(fmt) "pipe_luo: " fmt

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/limits.h>
#include <linux/liveupdate.h>
#include <linux/magic.h>
#include <linux/mutex.h>
#include <linux/pipe_fs_i.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "pipe_luo.h"

static bool pipe_luo_can_preserve(struct liveupdate_file_handler *handler,
				  struct file *file)
{
	/* Neither notification pipes, nor FIFOs of other file systems. */
	return get_pipe_info(file, true) &&
	       file_inode(file)->i_sb->s_magic == PIPEFS_MAGIC;
}

static unsigned long pipe_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);
}

/*
 * Takes what is in the pipe out of sight: the buffers stay in their array, behind
 * the head. From here on no task but ours uses them, with or without the lock. It
 * looks as if somebody had both ends open, so no reader is told of an end.
 */
static int pipe_luo_hide(struct pipe_luo *pl)
{
	struct pipe_inode_info *pipe = pl->pipe;

	/* The lock is held while data are copied from memory that may have to wait. */
	if (mutex_lock_killable(&pipe->mutex))
		return -EINTR;
	pl->ser->nr_bufs = pipe->ring_size;
	pl->head = pipe->head;
	pipe->head = pipe->tail;
	pipe->max_usage = 0;
	pipe->readers++;
	pipe->writers++;
	mutex_unlock(&pipe->mutex);
	return 0;
}

static void pipe_luo_show(struct pipe_luo *pl)
{
	struct pipe_inode_info *pipe = pl->pipe;

	mutex_lock(&pipe->mutex);
	pipe->head = pl->head;
	pipe->max_usage = pipe->ring_size;
	pipe->readers--;
	pipe->writers--;
	mutex_unlock(&pipe->mutex);

	wake_up_interruptible_all(&pipe->rd_wait);
	wake_up_interruptible_all(&pipe->wr_wait);
	kill_fasync(&pipe->fasync_readers, SIGIO, POLL_IN);
	kill_fasync(&pipe->fasync_writers, SIGIO, POLL_OUT);
}

static int pipe_luo_preserve_records(struct pipe_luo *pl, u32 identity)
{
	struct pipe_luo_ser *ser = pl->ser;
	u64 sum = identity;
	int err = 0;

	ser->nr_data = pl->records.nr;
	if (ser->nr_data)
		err = memfd_luo_records_preserve(&pl->records, identity,
						 &ser->data, &sum);
	if (!err)
		ser->sum = pipe_luo_sum(ser, sum);
	return err;
}

static struct pipe_luo *pipe_luo_alloc(struct file *file)
{
	struct pipe_luo_ser *ser;
	struct pipe_luo *pl;

	pl = kzalloc(sizeof(*pl), GFP_KERNEL_ACCOUNT);
	if (!pl)
		return ERR_PTR(-ENOMEM);
	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser)) {
		kfree(pl);
		return ERR_CAST(ser);
	}
	pl->ser = ser;
	pl->pipe = get_pipe_info(file, true);
	pl->pageblock = ULONG_MAX;
	ser->mode = file->f_flags & O_ACCMODE;
	return pl;
}

static void pipe_luo_free(struct pipe_luo *pl)
{
	kho_unpreserve_free(pl->ser);
	kfree(pl);
}

static int pipe_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct pipe_luo *pl;
	int err;

	pl = pipe_luo_alloc(args->file);
	if (IS_ERR(pl))
		return PTR_ERR(pl);
	err = pipe_luo_hide(pl);
	if (err)
		goto err_free;
	err = pipe_luo_collect(pl);
	if (err)
		goto err_show;
	err = pipe_luo_preserve_records(pl, args->identity);
	if (err)
		goto err_drop;

	args->serialized_data = virt_to_phys(pl->ser);
	args->private_data = pl;
	return 0;

err_drop:
	pipe_luo_drop(pl);
err_show:
	pipe_luo_show(pl);
err_free:
	pipe_luo_free(pl);
	return err;
}

static void pipe_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct pipe_luo *pl = args->private_data;

	if (pl->records.nr)
		kho_unpreserve_vmalloc(&pl->ser->data);
	pipe_luo_drop(pl);
	pipe_luo_show(pl);
	pipe_luo_free(pl);
}

static const struct liveupdate_file_ops pipe_luo_ops = {
	.can_preserve = pipe_luo_can_preserve,
	.preserve = pipe_luo_preserve,
	.unpreserve = pipe_luo_unpreserve,
	.retrieve = pipe_luo_retrieve,
	.finish = pipe_luo_finish,
	.get_id = pipe_luo_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler pipe_luo_handler = {
	.ops = &pipe_luo_ops,
	.compatible = PIPE_LUO_FH_COMPATIBLE,
};

static int __init pipe_luo_init(void)
{
	int err = liveupdate_register_file_handler(&pipe_luo_handler);

	if (!err || err == -EOPNOTSUPP)
		return 0;
	pr_err("pipes cannot be preserved: handler not registered: %d\n", err);
	return err;
}
late_initcall(pipe_luo_init);
