// SPDX-License-Identifier: GPL-2.0
/*
 * Live update orchestrator (LUO): /sys/kernel/debug/liveupdate.
 *
 * Reading a file must not wait for a handler, which may hang. The set of sessions
 * is locked while it is shown. The files of a session are shown as busy when their
 * lock cannot be had at once.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <kunit/visibility.h>
#include <linux/compiler.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include "kho_internal.h"
#include "luo_internal.h"

/* Show a name as one printable word, an empty one as "-". */
static void luo_debugfs_word(struct seq_file *m, const char *word)
{
	if (*word)
		seq_escape_str(m, word,
			       ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND,
			       " \\");
	else
		seq_putc(m, '-');
}

static const char *luo_session_state(const struct luo_session *session)
{
	if (!session->set->incoming)
		return "outgoing";
	if (session->err)
		return "damaged";
	if (session->finished)
		return "finished";
	return session->retrieved ? "retrieved" : "incoming";
}

static void *luo_sessions_start(struct seq_file *m, loff_t *pos)
{
	struct luo_session_set *set = m->private;

	mutex_lock(&set->lock);
	return seq_list_start(&set->sessions, *pos);
}

static void *luo_sessions_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct luo_session_set *set = m->private;

	return seq_list_next(v, &set->sessions, pos);
}

static void luo_sessions_stop(struct seq_file *m, void *v)
{
	struct luo_session_set *set = m->private;

	mutex_unlock(&set->lock);
}

VISIBLE_IF_KUNIT int luo_session_show(struct seq_file *m, void *v)
{
	struct luo_session *session = list_entry(v, struct luo_session, list);

	luo_debugfs_word(m, session->name);
	seq_printf(m, " %s %llu\n", luo_session_state(session),
		   /* without the lock: it may change at any time anyway */
		   data_race(session->files.nr_files));
	return 0;
}

static void luo_file_show_state(struct seq_file *m, const struct luo_file *file,
				const struct luo_file_set *set)
{
	int status = file->args.retrieve_status;

	if (!set->incoming)
		seq_puts(m, set->frozen ? "frozen" : "preserved");
	else if (status < 0)
		seq_printf(m, "failed:%d", status);
	else if (status > 0)
		seq_puts(m, "retrieved");
	else if (file->args.handler || luo_handler_find(file->compatible))
		seq_puts(m, "not-retrieved");
	else
		seq_puts(m, "no-handler");
}

/* The files of a session, a line each. */
static void luo_files_show_all(struct seq_file *m,
			       const struct luo_file_set *set)
{
	const struct luo_file *file;

	lockdep_assert_held(&set->mutex);

	guard(rwsem_read)(&luo_handlers_lock);
	list_for_each_entry(file, &set->files, list) {
		/* Called again with a larger buffer. */
		if (seq_has_overflowed(m))
			break;
		luo_debugfs_word(m, set->session);
		seq_printf(m, " 0x%llx ", file->token);
		luo_debugfs_word(m, file->compatible);
		seq_putc(m, ' ');
		luo_file_show_state(m, file, set);
		if (file->args.file)
			seq_printf(m, " %lld\n",
				   i_size_read(file_inode(file->args.file)));
		else
			seq_puts(m, " -\n");
	}
}

/* All files of a session at once: the buffer grows until they fit. */
VISIBLE_IF_KUNIT int luo_session_files_show(struct seq_file *m, void *v)
{
	struct luo_session *session = list_entry(v, struct luo_session, list);

	if (!mutex_trylock(&session->files.mutex)) {
		luo_debugfs_word(m, session->name);
		seq_puts(m, " - - busy -\n");
		return 0;
	}
	luo_files_show_all(m, &session->files);
	mutex_unlock(&session->files.mutex);
	return 0;
}

static const struct seq_operations luo_sessions_sops = {
	.start = luo_sessions_start,
	.next = luo_sessions_next,
	.stop = luo_sessions_stop,
	.show = luo_session_show,
};
DEFINE_SEQ_ATTRIBUTE(luo_sessions);

static const struct seq_operations luo_files_sops = {
	.start = luo_sessions_start,
	.next = luo_sessions_next,
	.stop = luo_sessions_stop,
	.show = luo_session_files_show,
};
DEFINE_SEQ_ATTRIBUTE(luo_files);

/* The FLBs that a handler is linked to, separated by commas. */
static void luo_handler_show_flbs(struct seq_file *m,
				  const struct liveupdate_file_handler *fh)
{
	const char *separator = "";

	lockdep_assert_held(&luo_handlers_lock);

	if (!fh->flbs)
		seq_putc(m, '-');
	for (u64 left = fh->flbs; left; left &= left - 1) {
		seq_puts(m, separator);
		luo_debugfs_word(m, luo_flb_any(left)->flb->compatible);
		separator = ",";
	}
}

static int luo_handlers_show(struct seq_file *m, void *v)
{
	struct liveupdate_file_handler *fh;

	guard(rwsem_read)(&luo_handlers_lock);
	list_for_each_entry(fh, &luo_handlers, list) {
		luo_debugfs_word(m, fh->compatible);
		seq_putc(m, ' ');
		luo_debugfs_word(m, module_name(fh->ops->owner));
		seq_putc(m, ' ');
		luo_handler_show_flbs(m, fh);
		seq_putc(m, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(luo_handlers);

static int luo_timeline_show(struct seq_file *m, void *v)
{
	kho_timeline_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(luo_timeline);

static void luo_debugfs_add(struct dentry *root, const char *name,
			    struct luo_session_set *set)
{
	struct dentry *dir = debugfs_create_dir(name, root);

	debugfs_create_file("sessions", 0400, dir, set, &luo_sessions_fops);
	debugfs_create_file("files", 0400, dir, set, &luo_files_fops);
}

/*
 * At the level of luo_init(), and after it, since luo_core.o is linked before
 * this file. The directory is there even when live update had to be switched off
 * because the header could not be published.
 */
static int __init luo_debugfs_init(void)
{
	struct dentry *root;

	if (!luo_is_started())
		return 0;

	root = debugfs_create_dir("liveupdate", NULL);
	luo_debugfs_add(root, "out", &luo_outgoing);
	luo_debugfs_add(root, "in", &luo_incoming);
	debugfs_create_file("handlers", 0400, root, NULL, &luo_handlers_fops);
	debugfs_create_file("timeline", 0400, root, NULL, &luo_timeline_fops);
	return 0;
}
postcore_initcall(luo_debugfs_init);
