// SPDX-License-Identifier: GPL-2.0
/*
 * A mark that it was an agent who has loaded the next kernel: an empty file. As long
 * as it is not known whether that has taken the place of somebody else's, the mark
 * has a word in it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec.h"
#include "loaded.h"
#include "message.h"

static char mark[PATH_MAX];

/* Somebody else had loaded another kernel. */
static bool replaced;

static void set_mark(const char *text)
{
	FILE *f = fopen(mark, "we");

	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

static void find_mark(const char *run_dir)
{
	snprintf(mark, sizeof(mark), "%s/loaded", run_dir);
}

/* Before loading. */
void loaded_begin(const char *run_dir)
{
	find_mark(run_dir);
	replaced = kexec_is_loaded();
	if (replaced)
		pr_warn("update: a kernel was loaded before: the next one takes its place");
	set_mark(replaced ? "replaces\n" : "");
}

static void say_replaced(void)
{
	if (replaced)
		pr_warn("update: the kernel that was loaded before is not loaded any more: load it again");
}

static void on_gone(void *user, bool loaded)
{
	(void)user;
	unlink(mark);
	if (loaded)
		say_replaced();
}

/* It is loaded; or not, and is not to be: what was there before may be there still. */
void loaded_done(bool loaded)
{
	if (loaded)
		set_mark("");
	else if (!kexec_load_cancel(on_gone, NULL))
		unlink(mark);
}

/* Unload the next kernel, and take the mark away. */
void loaded_end(void)
{
	kexec_unload();
	unlink(mark);
	say_replaced();
}

/*
 * Unload what an agent that was killed has left. With it loaded, an ordinary
 * reboot could become a kexec that keeps nothing.
 */
void loaded_forget(const char *run_dir)
{
	struct stat st;

	find_mark(run_dir);
	if (stat(mark, &st))
		return;
	unlink(mark);
	if (!kexec_is_loaded())
		return;
	if (st.st_size) {
		pr_warn("an agent was killed as it loaded the next kernel, and another one was loaded before: load yours again, or unload what there is by kexec -s -u");
		return;
	}
	pr_warn("an agent that was killed during an update left its next kernel loaded: unloaded");
	kexec_unload();
}
