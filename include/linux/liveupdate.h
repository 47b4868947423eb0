/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update orchestrator (LUO): interface for handlers of file types.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_LIVEUPDATE_H
#define _LINUX_LIVEUPDATE_H

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/types.h>

#include <linux/kho/abi/luo.h>
#include <uapi/linux/liveupdate.h>

struct file;
struct liveupdate_file_handler;
struct module;

/**
 * struct liveupdate_file_op_args - what a handler's callback works on
 * @handler:         the handler itself
 * @retrieve_status: 0 retrieve not tried yet, > 0 it succeeded, < 0 the errno
 *                   with which it failed
 * @file:            the file; output of &liveupdate_file_ops.retrieve. In
 *                   &liveupdate_file_ops.finish NULL when it was not retrieved
 * @serialized_data: what travels to the next kernel; output of
 *                   &liveupdate_file_ops.preserve, may be changed by
 *                   &liveupdate_file_ops.freeze
 * @private_data:    the handler's own, not handed over; output of
 *                   &liveupdate_file_ops.preserve
 */
struct liveupdate_file_op_args {
	struct liveupdate_file_handler *handler;
	int retrieve_status;
	struct file *file;
	u64 serialized_data;
	void *private_data;
};

/**
 * struct liveupdate_file_ops - callbacks of a file handler
 * @can_preserve: required; is this a file of the handler's kind? Cheap: asked
 *                of every handler for each file to preserve.
 * @preserve:     required; preserve the state of the file. It stays in use.
 * @unpreserve:   required; undo @preserve.
 * @freeze:       the kernel is about to be replaced: last chance to update what
 *                is handed over. A failure calls the update off.
 * @unfreeze:     the update was called off after a successful @freeze.
 * @retrieve:     required; make the file anew. Called at most once.
 * @can_finish:   may @finish be called now?
 * @finish:       required; release what is left of the handed over state,
 *                whether or not the file was retrieved.
 * @get_id:       identity of the object behind the file, so that it is not
 *                preserved twice through two files. Default: the file.
 * @owner:        the module that the handler is in
 *
 * All but @can_preserve and @get_id may sleep; calls for the files of one
 * session never run at the same time.
 */
struct liveupdate_file_ops {
	bool (*can_preserve)(struct liveupdate_file_handler *handler,
			     struct file *file);
	int (*preserve)(struct liveupdate_file_op_args *args);
	void (*unpreserve)(struct liveupdate_file_op_args *args);
	int (*freeze)(struct liveupdate_file_op_args *args);
	void (*unfreeze)(struct liveupdate_file_op_args *args);
	int (*retrieve)(struct liveupdate_file_op_args *args);
	bool (*can_finish)(struct liveupdate_file_op_args *args);
	void (*finish)(struct liveupdate_file_op_args *args);
	unsigned long (*get_id)(struct file *file);
	struct module *owner;
};

/**
 * struct liveupdate_file_handler - a handler of one kind of file
 * @ops:        its callbacks
 * @compatible: names the format of what it hands over
 */
struct liveupdate_file_handler {
	const struct liveupdate_file_ops *ops;
	const char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];

	/* private: */
	struct list_head list;
};

#ifdef CONFIG_LIVEUPDATE

bool liveupdate_enabled(void);
int liveupdate_reboot(void);

int liveupdate_register_file_handler(struct liveupdate_file_handler *fh);
void liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh);

#else /* CONFIG_LIVEUPDATE */

static inline bool liveupdate_enabled(void)
{
	return false;
}

static inline int liveupdate_reboot(void)
{
	return 0;
}

static inline int
liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	return -EOPNOTSUPP;
}

static inline void
liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh) { }

#endif /* CONFIG_LIVEUPDATE */

#endif /* _LINUX_LIVEUPDATE_H */
