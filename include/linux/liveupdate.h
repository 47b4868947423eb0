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

struct address_space;
struct file;
struct kimage;
struct liveupdate_file_handler;
struct liveupdate_flb;
struct liveupdate_session;	/* opaque */
struct module;

/**
 * struct liveupdate_file_op_args - what a handler's callback works on
 * @handler:         the handler itself
 * @session:         the session that the file is in, to ask for other files of
 *                   it: liveupdate_get_token_outgoing(),
 *                   liveupdate_get_file_incoming(). For the time of the
 *                   callback
 * @retrieve_status: 0 retrieve not tried yet, > 0 it succeeded, < 0 the errno
 *                   with which it failed. &liveupdate_file_ops.finish may set
 *                   an errno when something of the file got lost after all
 * @file:            the file; output of &liveupdate_file_ops.retrieve. In
 *                   &liveupdate_file_ops.finish NULL when it was not retrieved
 * @serialized_data: what travels to the next kernel; output of
 *                   &liveupdate_file_ops.preserve, may be changed by
 *                   &liveupdate_file_ops.freeze
 * @private_data:    the handler's own, not handed over; output of
 *                   &liveupdate_file_ops.preserve
 * @identity:        a number that stands for the file's session and token, the
 *                   same in the next kernel. A checksum that begins with it
 *                   tells what was handed over for this file from what was for
 *                   another. 0 for a file from a kernel that does not have it
 */
struct liveupdate_file_op_args {
	struct liveupdate_file_handler *handler;
	struct liveupdate_session *session;
	int retrieve_status;
	struct file *file;
	u64 serialized_data;
	void *private_data;
	u32 identity;
};

/**
 * struct liveupdate_file_ops - callbacks of a file handler
 * @can_preserve: required; is this a file of the handler's kind? Cheap: asked
 *                of every handler for each file to preserve.
 * @preserve:     required; preserve the state of the file. It stays in use.
 * @unpreserve:   required; undo @preserve.
 * @freeze:       the kernel is about to be replaced: last chance to update what
 *                is handed over. A failure calls the update off. Must not take
 *                the lock of a device, see device_lock().
 * @unfreeze:     the update was called off after a successful @freeze.
 * @retrieve:     required; make the file anew. Called once, unless it fails with
 *                -EAGAIN: then nothing was restored yet, and it is called when
 *                the file is asked for again.
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
	u64 flbs;
};

/**
 * struct liveupdate_flb_op_args - what a callback of an FLB works on
 * @flb:  the FLB itself
 * @data: what travels to the next kernel; output of
 *        &liveupdate_flb_ops.preserve
 * @obj:  for who uses the FLB; output of &liveupdate_flb_ops.preserve in the
 *        kernel that hands over, and of &liveupdate_flb_ops.retrieve in the next
 */
struct liveupdate_flb_op_args {
	struct liveupdate_flb *flb;
	u64 data;
	void *obj;
};

/**
 * struct liveupdate_flb_ops - callbacks of an FLB
 * @preserve:   preserve the state, for the first file that depends on it. A
 *              failure fails the preservation of that file.
 * @unpreserve: undo @preserve, when no file depends on it any more.
 * @retrieve:   take the state over from the previous kernel, on its first use.
 *              Called at most once; a failure is remembered.
 * @finish:     release what is left of the handed over state, when no file of
 *              the previous kernel depends on it any more. Always after a
 *              successful @retrieve; called at most once.
 * @owner:      the module that the FLB is in
 *
 * All are required and may sleep. Calls for one FLB never run at the same time
 * in the same direction. They may use other FLBs.
 *
 * Locks: @preserve and @unpreserve run with a lock held that
 * liveupdate_flb_get_outgoing() takes, @retrieve with one that
 * liveupdate_flb_get_incoming() takes. They must not take a lock with which that
 * function is called for the same FLB. @finish may: no lock of the FLB is held over
 * it, as nobody can get the state any more. Most calls come from files of a session,
 * whose locks are held over them as over callbacks of the files.
 */
struct liveupdate_flb_ops {
	int (*preserve)(struct liveupdate_flb_op_args *args);
	void (*unpreserve)(struct liveupdate_flb_op_args *args);
	int (*retrieve)(struct liveupdate_flb_op_args *args);
	void (*finish)(struct liveupdate_flb_op_args *args);
	struct module *owner;
};

/**
 * struct liveupdate_flb - file-lifecycle-bound state, which files share
 * @ops:        its callbacks
 * @compatible: names the format of what it hands over
 * @required:   a kernel that does not take it over would do harm. The image of the
 *              next kernel must say that it does, see KHO_TAKES(): otherwise it is
 *              not loaded, or nothing is preserved, or the update is called off. In
 *              that kernel, until the state is finished, no session is that has a file
 *              without handler
 */
struct liveupdate_flb {
	const struct liveupdate_flb_ops *ops;
	const char compatible[LIVEUPDATE_FLB_COMPAT_LENGTH];
	bool required;
};

#ifdef CONFIG_LIVEUPDATE

bool liveupdate_enabled(void);
int liveupdate_load(const struct kimage *image);
int liveupdate_reboot(void);
int liveupdate_reboot_cold(void);
bool liveupdate_goes_ahead(void);

int liveupdate_register_file_handler(struct liveupdate_file_handler *fh);
void liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh);

int liveupdate_get_token_outgoing(struct liveupdate_session *handle,
				  struct file *filp, u64 *token);
int liveupdate_get_file_incoming(struct liveupdate_session *handle, u64 token,
				 struct file **filp);
bool liveupdate_has_mapping(struct liveupdate_session *handle,
			    const struct address_space *mapping);

int liveupdate_register_flb(struct liveupdate_file_handler *fh,
			    struct liveupdate_flb *flb);
void liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
			       struct liveupdate_flb *flb);
int liveupdate_flb_get_incoming(struct liveupdate_flb *flb, void **obj);
void liveupdate_flb_put_incoming(struct liveupdate_flb *flb);
int liveupdate_flb_get_outgoing(struct liveupdate_flb *flb, void **obj);
void liveupdate_flb_put_outgoing(struct liveupdate_flb *flb);

#else /* CONFIG_LIVEUPDATE */

static inline bool liveupdate_enabled(void)
{
	return false;
}

static inline int liveupdate_load(const struct kimage *image)
{
	return 0;
}

static inline int liveupdate_reboot(void)
{
	return 0;
}

static inline int liveupdate_reboot_cold(void)
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

static inline int
liveupdate_get_token_outgoing(struct liveupdate_session *handle,
			      struct file *filp, u64 *token)
{
	return -EOPNOTSUPP;
}

static inline int
liveupdate_get_file_incoming(struct liveupdate_session *handle, u64 token,
			     struct file **filp)
{
	return -EOPNOTSUPP;
}

static inline bool
liveupdate_has_mapping(struct liveupdate_session *handle,
		       const struct address_space *mapping)
{
	return false;
}

static inline int liveupdate_register_flb(struct liveupdate_file_handler *fh,
					  struct liveupdate_flb *flb)
{
	return -EOPNOTSUPP;
}

static inline void liveupdate_unregister_flb(struct liveupdate_file_handler *fh,
					     struct liveupdate_flb *flb) { }

static inline int liveupdate_flb_get_incoming(struct liveupdate_flb *flb,
					      void **obj)
{
	return -EOPNOTSUPP;
}

static inline void liveupdate_flb_put_incoming(struct liveupdate_flb *flb) { }

static inline int liveupdate_flb_get_outgoing(struct liveupdate_flb *flb,
					      void **obj)
{
	return -EOPNOTSUPP;
}

static inline void liveupdate_flb_put_outgoing(struct liveupdate_flb *flb) { }

#endif /* CONFIG_LIVEUPDATE */

#endif /* _LINUX_LIVEUPDATE_H */
