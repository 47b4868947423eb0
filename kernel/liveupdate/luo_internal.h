/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update orchestrator (LUO): declarations private to its files.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _KERNEL_LIVEUPDATE_LUO_INTERNAL_H
#define _KERNEL_LIVEUPDATE_LUO_INTERNAL_H

#include <linux/init.h>
#include <linux/kho_block.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include <linux/kho/abi/luo.h>

struct file;
struct kimage;
struct luo_session;
struct seq_file;

/*
 * Locks, outermost first:
 *
 *  luo_rwsem		held for reading by each ioctl and each close of a
 *			session, see luo_enter(), and for writing by the freeze
 *  luo_file_set.mutex	the files of one session; held over handler callbacks
 *  luo_flb_slot.lock, luo_flb_in.lock
 *			one FLB; held over its callbacks, which may use
 *			other FLBs, but for finish
 *  luo_flbs_in_lock	the list of FLBs that came in, while it is read
 *  luo_receive_lock	the header that came in, while it is read
 *  luo_session_set.lock, luo_handlers_lock, luo_ids_lock
 *			short, never held together, nor over a callback that
 *			may sleep; debugfs alone takes luo_handlers_lock with
 *			luo_session_set.lock held, and tries luo_file_set.mutex
 *
 * No code of LUO touches user memory with one of these locks held: a process
 * that has a session, and need not be root, could delay the page fault and so
 * the freeze. A callback may need a lock under which other code touches user
 * memory, such as that of an inode. It has to take that lock killable.
 */

/* luo_state.c */

bool luo_start(void);
bool luo_is_started(void);
void luo_disable(void);
void luo_enter(void);
bool luo_enter_release(void);
void luo_exit(void);
int luo_freeze_begin(void);
void luo_freeze_end(bool frozen);

#if IS_ENABLED(CONFIG_KUNIT)
extern bool luo_frozen;
#endif

/* luo_header.c */

/**
 * struct luo_received - what the header that came in said
 * @nr_updates:  live updates up to this kernel, 0 when none came in
 * @sessions_pa: first block of &struct luo_session_ser, 0 for no sessions
 * @flbs_pa:     page of &struct luo_flb_header_ser, 0 for none
 * @damaged:     there was a header that cannot be used
 */
struct luo_received {
	u64 nr_updates;
	u64 sessions_pa;
	u64 flbs_pa;
	bool damaged;
};

int luo_header_check(const struct luo_ser *ser, size_t size);
void *luo_find_page(u64 pa);
void luo_header_receive(struct luo_received *received);
void luo_header_free(void);
int luo_header_publish(u64 nr_updates, u64 flbs_pa);
bool luo_header_is_published(void);
void luo_header_set_sessions(u64 sessions_pa);

/* luo_ioctl.c */

union luo_ucmd_buffer {
	struct liveupdate_ioctl_create_session create_session;
	struct liveupdate_ioctl_retrieve_session retrieve_session;
	struct liveupdate_session_preserve_fd preserve_fd;
	struct liveupdate_session_retrieve_fd retrieve_fd;
	struct liveupdate_session_finish finish;
	struct liveupdate_session_get_name get_name;
};

/**
 * struct luo_ucmd - a command being executed
 * @session: whose command it is, NULL on the device
 * @cmd:     the kernel's copy of the caller's structure
 * @fd:      output; a reserved descriptor, < 0 for none
 * @file:    output; what to install there once @cmd has reached the caller.
 *           The reference is dropped when it could not
 */
struct luo_ucmd {
	struct luo_session *session;
	void *cmd;
	int fd;
	struct file *file;
};

/**
 * struct luo_ioctl_op - a command
 * @size:     of its structure
 * @min_size: of the part of it that the caller has to fill in at least
 * @output:   the structure is written back
 * @execute:  runs it, between luo_enter() and luo_exit()
 * @undo:     optional; undoes @execute when writing back failed, before
 *            &luo_ucmd.file is put
 */
struct luo_ioctl_op {
	unsigned int size;
	unsigned int min_size;
	bool output;
	int (*execute)(struct luo_ucmd *ucmd);
	void (*undo)(struct luo_ucmd *ucmd);
};

/* An entry of a table of commands. What follows @_last is optional. */
#define LUO_IOCTL_OP(_base, _ioctl, _fn, _struct, _last, ...)		\
	[_IOC_NR(_ioctl) - (_base)] = {					\
		.size = sizeof(_struct) +				\
			BUILD_BUG_ON_ZERO(sizeof(union luo_ucmd_buffer) < \
					  sizeof(_struct)),		\
		.min_size = offsetofend(_struct, _last),		\
		.execute = _fn,						\
		__VA_ARGS__						\
	}

/**
 * struct luo_ioctl_table - the commands of one kind of file
 * @base: the first's number
 * @nr:   how many
 * @ops:  by number, from @base on
 */
struct luo_ioctl_table {
	unsigned int base;
	unsigned int nr;
	const struct luo_ioctl_op *ops;
};

long luo_ioctl(const struct luo_ioctl_table *table, struct luo_session *session,
	       unsigned int cmd, unsigned long arg);

/* luo_handler.c */

/* All registered handlers. */
extern struct list_head luo_handlers;

/* Protects luo_handlers, and what links them to FLBs. */
extern struct rw_semaphore luo_handlers_lock;

bool luo_compatible_ok(const char *compatible);
struct liveupdate_file_handler *luo_handler_find(const char *compatible);
bool luo_handler_is_registered(const struct liveupdate_file_handler *fh);
int luo_handler_add(struct liveupdate_file_handler *fh);
void luo_handler_del(struct liveupdate_file_handler *fh);
struct liveupdate_file_handler *luo_handler_get_for(struct file *file);
struct liveupdate_file_handler *luo_handler_get(const char *compatible);

/* luo_flb.c */

/**
 * struct luo_flb_slot - an FLB that is registered
 * @flb:   the FLB, NULL when the slot is free. Protected by luo_handlers_lock
 * @nr:    grows with each FLB that is registered. Likewise
 * @links: handlers it is linked to. Protected by luo_handlers_lock
 * @key:   class of @lock, its own: a callback of one FLB may use another FLB
 * @lock:  protects what follows, held over callbacks
 * @files: preserved files that depend on it
 * @users: liveupdate_flb_get_outgoing() without put
 * @args:  its state while it has files or users
 *
 * Files and users each hold a reference to the module of the FLB.
 */
struct luo_flb_slot {
	struct liveupdate_flb *flb;
	u64 nr;
	unsigned int links;

	struct lock_class_key key;
	struct mutex lock;	/* protects what follows */
	u64 files;
	u64 users;
	struct liveupdate_flb_op_args args;
};

extern struct luo_flb_slot luo_flb_slots[LUO_FLB_MAX];

/* At the end of the page. */
static inline struct luo_flb_sum_ser *
luo_flb_sum_ser(const struct luo_flb_header_ser *header)
{
	return (void *)header + PAGE_SIZE - sizeof(struct luo_flb_sum_ser);
}

u64 luo_flbs_sum(const struct luo_flb_header_ser *header);
struct luo_flb_slot *luo_flb_find(struct liveupdate_flb *flb);
u64 luo_flb_bit(const struct luo_flb_slot *slot);
struct luo_flb_slot *luo_flb_any(u64 flbs);
struct luo_flb_slot *luo_flb_first(u64 flbs);
struct luo_flb_slot *luo_flb_last(u64 flbs);
int luo_flb_link(struct liveupdate_file_handler *fh, struct liveupdate_flb *flb);
void luo_flb_unlink(struct liveupdate_file_handler *fh,
		    struct liveupdate_flb *flb);
void luo_flbs_unlink(struct liveupdate_file_handler *fh);
int luo_flbs_get(struct liveupdate_file_handler *fh, u64 *flbs);

/* luo_flb_out.c */

int luo_flbs_preserve(struct liveupdate_file_handler *fh, u64 *flbs);
void luo_flbs_unpreserve(u64 flbs);
int luo_flbs_check_image(const struct kimage *image);
void luo_flbs_freeze(void);
int luo_flbs_publish(u64 *flbs_pa);
void luo_flbs_unpublish(void);

/* luo_flb_in.c */

void luo_flbs_receive(void);
void luo_flbs_finish(struct liveupdate_file_handler *fh);
const char *luo_flbs_in_required(void);

/* luo_file.c */

/**
 * struct luo_file_set - the files of one session
 * @session:  name of the session, for messages and trace events
 * @identity: a number that stands for @session; 0 when the previous kernel did
 *            not send one
 * @incoming: the files came from the previous kernel
 * @mutex:    protects what follows
 * @files:    all &struct luo_file, in order of preservation
 * @tokens:   the same by token
 * @nr_files: how many
 * @frozen:   outgoing: all @files are frozen
 * @lost:     incoming: a file that was retrieved turned out to be incomplete
 *            when it was finished, and the owner of the session was not told yet
 * @depth:    incoming: how many retrieve callbacks run within each other
 * @blocks:   outgoing: room for the &struct luo_file_ser of all @files, so
 *            that the freeze does not need memory
 */
struct luo_file_set {
	const char *session;
	u32 identity;
	bool incoming;

	struct mutex mutex;	/* protects what follows */
	struct list_head files;
	struct rb_root tokens;
	u64 nr_files;
	bool frozen;
	bool lost;
	unsigned int depth;
	struct kho_block_set blocks;
};

/**
 * struct luo_file - a file in a session
 * @list:       in &luo_file_set.files
 * @token_node: in &luo_file_set.tokens
 * @id_node:    in luo_ids while the file is in an outgoing session, or was
 *              retrieved
 * @token:      by which userspace names the file
 * @id:         identity of the object behind the file, as seen by the handler
 * @flbs:       outgoing: what luo_flbs_preserve() gave
 * @retrieving: incoming: the handler's retrieve callback runs
 * @args:       what the handler is called with, and its state in between. Holds
 *              a reference to the file, if set, and to the module of the
 *              handler, if set
 * @compatible: of the handler
 *
 * Protected by &luo_file_set.mutex, @id_node by luo_ids_lock. Belongs to its
 * session.
 */
struct luo_file {
	struct list_head list;
	struct rb_node token_node;
	struct rb_node id_node;
	u64 token;
	unsigned long id;
	u64 flbs;
	bool retrieving;
	struct liveupdate_file_op_args args;
	char compatible[LIVEUPDATE_HNDL_COMPAT_LENGTH];
};

static inline const struct liveupdate_file_ops *
luo_file_ops(const struct luo_file *file)
{
	return file->args.handler->ops;
}

/* Handlers know a session by the set of its files. */
static inline struct liveupdate_session *
luo_file_set_handle(struct luo_file_set *set)
{
	return (struct liveupdate_session *)set;
}

static inline struct luo_file_set *
luo_file_set_of(struct liveupdate_session *handle)
{
	return (struct luo_file_set *)handle;
}

void luo_file_set_init(struct luo_file_set *set, const char *session,
		       u32 identity, bool incoming);
void luo_file_set_destroy(struct luo_file_set *set);
void luo_file_init(struct luo_file *file, struct luo_file_set *set, u64 token);
void luo_file_free(struct luo_file *file);
struct luo_file *luo_file_find(struct luo_file_set *set, u64 token);
int luo_file_add(struct luo_file_set *set, struct luo_file *file);
void luo_file_del(struct luo_file_set *set, struct luo_file *file);
unsigned long luo_id_of(const struct liveupdate_file_handler *fh,
			struct file *filp);
int luo_id_find_token(struct luo_file_set *set,
		      const struct liveupdate_file_handler *fh,
		      struct file *filp, u64 *token);
int luo_id_add(struct luo_file *file);
void luo_id_del(struct luo_file *file);

/* luo_file_out.c */

int luo_file_preserve(struct luo_file_set *set, u64 token, int fd);
void luo_files_unpreserve(struct luo_file_set *set);
int luo_files_freeze(struct luo_file_set *set, struct luo_session_ser *ser);
void luo_files_unfreeze(struct luo_file_set *set);

/* luo_file_in.c */

int luo_file_receive(struct luo_file_set *set, const struct luo_file_ser *ser);
int luo_files_receive(struct luo_file_set *set,
		      const struct luo_session_ser *ser);
struct file *luo_file_retrieve(struct luo_file_set *set, u64 token);
int luo_files_finish(struct luo_file_set *set);
void luo_files_drop(struct luo_file_set *set);

/* luo_session.c */

/**
 * struct luo_session - a session
 * @set:       the set it belongs to
 * @node:      in &luo_session_set.names; empty when the session is not in the
 *             set any more
 * @list:      in &luo_session_set.sessions, in order of creation
 * @name:      padded with NUL
 * @retrieved: incoming: a file of it is open. Protected by &luo_session_set.lock
 * @finished:  incoming: nothing is left of it. Protected by
 *             &luo_session_set.lock
 * @err:       incoming: why it cannot be retrieved, 0 when it can. Constant
 *             once in a set
 * @files:     its files
 *
 * An outgoing session belongs to its open file and goes with it. An incoming
 * one belongs to its set until its open file is closed, which finishes it.
 */
struct luo_session {
	struct luo_session_set *set;
	struct rb_node node;
	struct list_head list;
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	bool retrieved;
	bool finished;
	int err;
	struct luo_file_set files;
};

/**
 * struct luo_session_set - all outgoing, or all incoming sessions
 * @incoming: the sessions came from the previous kernel
 * @lock:     protects what follows
 * @names:    the sessions by name
 * @sessions: the same in order of creation
 * @count:    how many
 * @blocks:   outgoing: room for the &struct luo_session_ser of all @sessions
 */
struct luo_session_set {
	bool incoming;

	struct mutex lock;	/* protects what follows */
	struct rb_root names;
	struct list_head sessions;
	u64 count;
	struct kho_block_set blocks;
};

/* All sessions, in two sets. */
extern struct luo_session_set luo_outgoing;
extern struct luo_session_set luo_incoming;

void luo_sessions_init(void);
void luo_session_set_init(struct luo_session_set *set, bool incoming);
bool luo_session_name_ok(const char *name);
struct luo_session *luo_session_alloc(struct luo_session_set *set,
				      const char *name, gfp_t gfp);
void luo_session_free(struct luo_session *session);
struct luo_session *luo_session_find(struct luo_session_set *set,
				     const char *name);
int luo_session_add(struct luo_session *session);
void luo_session_del(struct luo_session *session);
int luo_session_receive(struct luo_session_set *set,
			const struct luo_session_ser *ser);
int luo_sessions_receive(u64 sessions_pa);
u64 luo_sessions_nr_files(void);
int luo_sessions_freeze(u64 *sessions_pa);

/* luo_session_fd.c */

int luo_create_session(struct luo_ucmd *ucmd);
int luo_retrieve_session(struct luo_ucmd *ucmd);
void luo_retrieve_session_undo(struct luo_ucmd *ucmd);

/* luo_debugfs.c */

#if IS_ENABLED(CONFIG_KUNIT)
/* For KUnit, to see what is shown. */
int luo_session_show(struct seq_file *m, void *v);
int luo_session_files_show(struct seq_file *m, void *v);
#endif

/* lib/test_liveupdate_flb.c */

#ifdef CONFIG_LIVEUPDATE_TEST
void liveupdate_test_register(struct liveupdate_file_handler *fh);
#else
static inline void liveupdate_test_register(struct liveupdate_file_handler *fh)
{
}
#endif

#endif /* _KERNEL_LIVEUPDATE_LUO_INTERNAL_H */
