// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): the sessions that go out and came in.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Sessions
 *
 * A session is a named group of files that a process keeps through a live
 * update. It is made as an outgoing session, lives as long as its file, and is
 * what the freeze writes out. In the next kernel it is an incoming session,
 * which stays until it is retrieved by name and finished. A session never turns
 * from one kind into the other. To hand a file on once more, put it into an
 * outgoing session of the kernel that received it.
 *
 * Closing a retrieved session finishes it. A close cannot fail. When a file is
 * not ready to be finished, the session stays as it was before it was retrieved,
 * and can be retrieved again. Nothing is lost.
 */

#define pr_fmt(fmt) "luo: " fmt

#include <linux/cleanup.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/liveupdate.h>

#include "luo_internal.h"

struct luo_session_set luo_outgoing;
struct luo_session_set luo_incoming;

/**
 * luo_session_set_init - make a set of sessions ready for use
 * @set:      the set
 * @incoming: whether its sessions come from the previous kernel
 */
void luo_session_set_init(struct luo_session_set *set, bool incoming)
{
	set->incoming = incoming;
	mutex_init(&set->lock);
	set->names = RB_ROOT;
	INIT_LIST_HEAD(&set->sessions);
	set->count = 0;
	kho_block_set_init(&set->blocks, sizeof(struct luo_session_ser));
}

/**
 * luo_sessions_init - make both sets ready for use
 *
 * Called once, before any other function of this file.
 */
void __init luo_sessions_init(void)
{
	luo_session_set_init(&luo_outgoing, false);
	luo_session_set_init(&luo_incoming, true);
}

/**
 * luo_session_name_ok - can a session have this name?
 * @name: LIVEUPDATE_SESSION_NAME_LENGTH bytes
 *
 * Return: whether it can.
 */
bool luo_session_name_ok(const char *name)
{
	return name[0] && strnlen(name, LIVEUPDATE_SESSION_NAME_LENGTH) <
			  LIVEUPDATE_SESSION_NAME_LENGTH;
}

/**
 * luo_session_alloc - make a session
 * @set:  which it will be added to
 * @name: its name, see luo_session_name_ok()
 * @gfp:  how to allocate it
 *
 * Return: the session, without files and in no set; NULL without memory.
 */
struct luo_session *luo_session_alloc(struct luo_session_set *set,
				      const char *name, gfp_t gfp)
{
	struct luo_session *session;

	session = kzalloc(sizeof(*session), gfp);
	if (!session)
		return NULL;
	session->set = set;
	RB_CLEAR_NODE(&session->node);
	INIT_LIST_HEAD(&session->list);
	strscpy(session->name, name);
	luo_file_set_init(&session->files, session->name,
			  crc32_le(~0, session->name,
				   sizeof(session->name)) ?: 1,
			  set->incoming);
	return session;
}

/**
 * luo_session_free - free a session that is in no set
 * @session: the session, without files
 */
void luo_session_free(struct luo_session *session)
{
	luo_file_set_destroy(&session->files);
	kfree(session);
}

static int luo_session_cmp_name(const void *name, const struct rb_node *node)
{
	return strcmp(name, rb_entry(node, struct luo_session, node)->name);
}

static int luo_session_cmp(struct rb_node *a, const struct rb_node *b)
{
	return luo_session_cmp_name(rb_entry(a, struct luo_session, node)->name,
				    b);
}

/**
 * luo_session_find - find a session by name
 * @set:  where; locked
 * @name: NUL-terminated
 *
 * Return: the session or NULL.
 */
struct luo_session *luo_session_find(struct luo_session_set *set,
				     const char *name)
{
	lockdep_assert_held(&set->lock);

	return rb_entry_safe(rb_find(name, &set->names, luo_session_cmp_name),
			     struct luo_session, node);
}

/**
 * luo_session_add - add a session to its set
 * @session: the session; its set is locked
 *
 * Return: 0, or -EEXIST when the set has a session of that name.
 */
int luo_session_add(struct luo_session *session)
{
	struct luo_session_set *set = session->set;

	lockdep_assert_held(&set->lock);

	if (rb_find_add(&session->node, &set->names, luo_session_cmp)) {
		RB_CLEAR_NODE(&session->node);
		return -EEXIST;
	}
	list_add_tail(&session->list, &set->sessions);
	set->count++;
	return 0;
}

/**
 * luo_session_del - take a session out of its set, if it is there still
 * @session: the session
 *
 * Context: takes the lock of the set.
 */
void luo_session_del(struct luo_session *session)
{
	struct luo_session_set *set = session->set;

	guard(mutex)(&set->lock);
	if (RB_EMPTY_NODE(&session->node))
		return;
	rb_erase(&session->node, &set->names);
	RB_CLEAR_NODE(&session->node);
	list_del_init(&session->list);
	set->count--;
	if (!session->set->incoming)
		kho_block_set_shrink(&set->blocks, set->count);
}

/**
 * luo_session_receive - read a session that came in from the previous kernel
 * @set: which it is added to; locked
 * @ser: what the previous kernel wrote
 *
 * A session with a good name and damaged files is added to @set as well: to
 * retrieve it fails with an error that tells so.
 *
 * Return: 0; -EINVAL or -EEXIST for a name that cannot be used; -EIO when the
 * session is in @set, but cannot be retrieved.
 */
int luo_session_receive(struct luo_session_set *set,
			const struct luo_session_ser *ser)
{
	struct luo_session *session;
	int err;

	lockdep_assert_held(&set->lock);

	if (!luo_session_name_ok(ser->name)) {
		pr_err("a session from the previous kernel has no valid name; its memory stays reserved until the next reboot\n");
		return -EINVAL;
	}
	if (luo_session_find(set, ser->name)) {
		pr_err("session '%s' came in twice; the memory of the second stays reserved until the next reboot\n",
		       ser->name);
		return -EEXIST;
	}

	/*
	 * The previous kernel wrote an entry for each session, so there are no
	 * more of them than fit in preserved memory.
	 */
	session = luo_session_alloc(set, ser->name, GFP_KHO_RESTORE);
	err = luo_files_receive(&session->files, ser);
	if (err) {
		pr_err("session '%s' from the previous kernel is damaged: %pe; its memory stays reserved until the next reboot\n",
		       session->name, ERR_PTR(err));
		session->err = -EIO;
	}
	luo_session_add(session);
	trace_luo_session_receive(session->name, session->files.nr_files,
				  session->err);
	return session->err;
}

/**
 * luo_sessions_receive - read all sessions that came in from the previous kernel
 * @sessions_pa: first block of &struct luo_session_ser
 *
 * Called once. A damaged session does not keep the others from being used.
 *
 * Return: 0, or -EIO when they cannot be read at all.
 */
int luo_sessions_receive(u64 sessions_pa)
{
	struct kho_block_set blocks;
	struct kho_block_set_it it;
	struct luo_session_ser *ser;
	int err;

	kho_block_set_init(&blocks, sizeof(struct luo_session_ser));
	err = kho_block_set_restore(&blocks, sessions_pa);
	if (err) {
		pr_err("list of sessions from the previous kernel is damaged: %pe; their memory stays reserved until the next reboot\n",
		       ERR_PTR(err));
		return -EIO;
	}

	kho_block_set_it_init(&it, &blocks);
	scoped_guard(mutex, &luo_incoming.lock) {
		while ((ser = kho_block_set_it_read_entry(&it)))
			luo_session_receive(&luo_incoming, ser);
	}
	kho_block_set_destroy(&blocks);
	return 0;
}

/**
 * luo_sessions_nr_files - how many files are in outgoing sessions?
 *
 * Return: the number, of files that are preserved by now.
 */
u64 luo_sessions_nr_files(void)
{
	struct luo_session *session;
	u64 nr_files = 0;

	guard(mutex)(&luo_outgoing.lock);
	list_for_each_entry(session, &luo_outgoing.sessions, list)
		nr_files += READ_ONCE(session->files.nr_files);

	return nr_files;
}

static int luo_session_freeze(struct luo_session *session,
			      struct kho_block_set_it *it)
{
	struct luo_session_ser *ser;

	ser = kho_block_set_it_reserve_entry(it);
	if (WARN_ON_ONCE(!ser))
		return -ENOSPC;
	strscpy_pad(ser->name, session->name);

	guard(mutex)(&session->files.mutex);
	return luo_files_freeze(&session->files, ser);
}

static void luo_session_unfreeze(struct luo_session *session)
{
	guard(mutex)(&session->files.mutex);
	luo_files_unfreeze(&session->files);
}

/**
 * luo_sessions_freeze - write out all outgoing sessions
 * @sessions_pa: output; their first block, 0 when there are none
 *
 * Context: between luo_freeze_begin() and luo_freeze_end(), so that no other
 * task changes the set. Its lock is not taken, because callbacks run here.
 * Return: 0, or the first errno of a handler; then nothing is frozen.
 */
int luo_sessions_freeze(u64 *sessions_pa)
{
	struct luo_session_set *set = &luo_outgoing;
	struct luo_session *session;
	struct kho_block_set_it it;
	u64 nr_files = 0;
	int err;

	trace_luo_freeze_begin(set->count);
	kho_block_set_it_init(&it, &set->blocks);
	list_for_each_entry(session, &set->sessions, list) {
		err = luo_session_freeze(session, &it);
		if (err)
			goto unfreeze;
		nr_files += session->files.nr_files;
	}
	*sessions_pa = set->count ? kho_block_set_head_pa(&set->blocks) : 0;
	trace_luo_freeze_end(set->count, nr_files, 0);
	return 0;

unfreeze:
	list_for_each_entry_continue_reverse(session, &set->sessions, list)
		luo_session_unfreeze(session);
	kho_block_set_clear(&set->blocks);
	trace_luo_freeze_end(set->count, nr_files, err);
	return err;
}
