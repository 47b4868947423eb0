// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): the set of files of a session, by token
 * and by object.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Files
 *
 * A file in a session has a handler, which preserves and retrieves it. As long as
 * it is in the session, LUO has a reference to the &struct file, if there is one,
 * and to the module that the handler is in.
 *
 * The handler of an incoming file is looked up when it is first needed, so that
 * its module may be loaded after /dev/liveupdate was opened. As long as there is
 * none, the file alone cannot be retrieved.
 */

#include <linux/cleanup.h>
#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/kho_block.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/slab.h>

#include "luo_internal.h"

/*
 * All files of outgoing sessions by handler and identity, and those of incoming
 * ones that were retrieved: none of them can be preserved once more.
 */
static struct rb_root luo_ids = RB_ROOT;
static DEFINE_MUTEX(luo_ids_lock);

/**
 * luo_file_set_init - make a set of files ready for use
 * @set:      the set
 * @session:  name of its session; has to last as long as the set
 * @identity: a number that stands for @session
 * @incoming: whether the files come from the previous kernel
 */
void luo_file_set_init(struct luo_file_set *set, const char *session,
		       u32 identity, bool incoming)
{
	set->session = session;
	set->identity = identity;
	set->incoming = incoming;
	mutex_init(&set->mutex);
	INIT_LIST_HEAD(&set->files);
	set->tokens = RB_ROOT;
	kho_block_set_init(&set->blocks, sizeof(struct luo_file_ser));
	set->blocks.owner = identity;
}

/**
 * luo_file_set_destroy - undo luo_file_set_init()
 * @set: the set, without files
 */
void luo_file_set_destroy(struct luo_file_set *set)
{
	kho_block_set_destroy(&set->blocks);
	mutex_destroy(&set->mutex);
}

/**
 * luo_file_init - make a file ready to be added to a set
 * @file:  the file, all zero
 * @set:   the set
 * @token: of the file
 */
void luo_file_init(struct luo_file *file, struct luo_file_set *set, u64 token)
{
	INIT_LIST_HEAD(&file->list);
	RB_CLEAR_NODE(&file->id_node);
	file->token = token;
	file->args.session = luo_file_set_handle(set);
	if (set->identity)
		file->args.identity = crc32_le(set->identity, (u8 *)&token,
					       sizeof(token)) ?: 1;
}

/**
 * luo_file_free - free a file, with its references
 * @file: the file, in no list or tree
 */
void luo_file_free(struct luo_file *file)
{
	if (file->args.file)
		fput(file->args.file);
	if (file->args.handler)
		module_put(luo_file_ops(file)->owner);
	kfree(file);
}

static int luo_file_cmp_token(const void *key, const struct rb_node *node)
{
	u64 token = *(const u64 *)key;
	u64 other = rb_entry(node, struct luo_file, token_node)->token;

	return token < other ? -1 : token > other;
}

static int luo_file_cmp(struct rb_node *a, const struct rb_node *b)
{
	return luo_file_cmp_token(&rb_entry(a, struct luo_file,
					    token_node)->token, b);
}

/**
 * luo_file_find - find a file by its token
 * @set:   the set; locked
 * @token: the token
 *
 * Return: the file or NULL.
 */
struct luo_file *luo_file_find(struct luo_file_set *set, u64 token)
{
	lockdep_assert_held(&set->mutex);

	return rb_entry_safe(rb_find(&token, &set->tokens,
				     luo_file_cmp_token),
			     struct luo_file, token_node);
}

/**
 * luo_file_add - add a file to a set, after all others
 * @set:  the set; locked, or not known to anybody else yet
 * @file: the file, with its token
 *
 * Return: 0, or -EEXIST when the set has a file of that token.
 */
int luo_file_add(struct luo_file_set *set, struct luo_file *file)
{
	if (rb_find_add(&file->token_node, &set->tokens, luo_file_cmp))
		return -EEXIST;
	list_add_tail(&file->list, &set->files);
	set->nr_files++;
	return 0;
}

/**
 * luo_file_del - take a file out of a set
 * @set:  the set; locked, or not known to anybody else yet
 * @file: the file
 */
void luo_file_del(struct luo_file_set *set, struct luo_file *file)
{
	rb_erase(&file->token_node, &set->tokens);
	list_del(&file->list);
	set->nr_files--;
}

/**
 * luo_id_of - which object is behind a file?
 * @fh:   the handler of the file
 * @filp: the file
 *
 * Return: identity of the object, among those of the handler.
 */
unsigned long luo_id_of(const struct liveupdate_file_handler *fh,
			struct file *filp)
{
	return fh->ops->get_id ? fh->ops->get_id(filp) : (unsigned long)filp;
}

/* Handlers choose identities independently, so both make up the key. */
struct luo_id {
	const struct liveupdate_file_handler *handler;
	unsigned long id;
};

static int luo_id_cmp_key(const void *key, const struct rb_node *node)
{
	const struct luo_file *file = rb_entry(node, struct luo_file, id_node);
	const struct luo_id *id = key;

	if (id->handler != file->args.handler)
		return id->handler < file->args.handler ? -1 : 1;
	return id->id < file->id ? -1 : id->id > file->id;
}

static int luo_id_cmp(struct rb_node *a, const struct rb_node *b)
{
	const struct luo_file *file = rb_entry(a, struct luo_file, id_node);
	struct luo_id id = { .handler = file->args.handler, .id = file->id };

	return luo_id_cmp_key(&id, b);
}

/**
 * luo_id_find_token - find the file of a set that stands for an object
 * @set:   the set
 * @fh:    the handler of @filp
 * @filp:  a file of the object
 * @token: output; the token of the file in @set. May be NULL
 *
 * Return: 0 or -ENOENT.
 */
int luo_id_find_token(struct luo_file_set *set,
		      const struct liveupdate_file_handler *fh,
		      struct file *filp, u64 *token)
{
	struct luo_id id = { .handler = fh, .id = luo_id_of(fh, filp) };
	struct luo_file *file;

	guard(mutex)(&luo_ids_lock);
	file = rb_entry_safe(rb_find(&id, &luo_ids, luo_id_cmp_key),
			     struct luo_file, id_node);
	/* A file that is being preserved is in no list yet. */
	if (!file || file->args.session != luo_file_set_handle(set) ||
	    list_empty(&file->list))
		return -ENOENT;
	if (token)
		*token = file->token;
	return 0;
}

/**
 * luo_id_add - let a file stand for the object behind it
 * @file: the file, with its handler and &luo_file.id
 *
 * No other file of the object can be preserved before luo_id_del().
 *
 * Return: 0, or -EBUSY when another file stands for the object.
 */
int luo_id_add(struct luo_file *file)
{
	guard(mutex)(&luo_ids_lock);
	if (!rb_find_add(&file->id_node, &luo_ids, luo_id_cmp))
		return 0;
	RB_CLEAR_NODE(&file->id_node);
	return -EBUSY;
}

/**
 * luo_id_del - undo luo_id_add(), if it was successful
 * @file: the file
 */
void luo_id_del(struct luo_file *file)
{
	guard(mutex)(&luo_ids_lock);
	if (!RB_EMPTY_NODE(&file->id_node))
		rb_erase(&file->id_node, &luo_ids);
	RB_CLEAR_NODE(&file->id_node);
}
