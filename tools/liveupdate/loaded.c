// SPDX-License-Identifier: GPL-2.0
/*
 * A mark that it was an agent who has loaded the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "kexec.h"
#include "loaded.h"
#include "message.h"

static void mark_path(char *path, size_t len, const char *run_dir)
{
	snprintf(path, len, "%s/loaded", run_dir);
}

/* Somebody else had loaded another kernel. */
static bool replaced;

/* Before loading: set the mark. */
void loaded_begin(const char *run_dir)
{
	char path[PATH_MAX];
	FILE *f;

	replaced = kexec_is_loaded();
	if (replaced)
		pr_warn("update: a kernel was loaded before: the next one takes its place");
	mark_path(path, sizeof(path), run_dir);
	f = fopen(path, "we");
	if (f)
		fclose(f);
}

/* It could not be loaded; what was there before is there still. */
void loaded_not(const char *run_dir)
{
	char path[PATH_MAX];

	mark_path(path, sizeof(path), run_dir);
	unlink(path);
}

/* Unload the next kernel, and take the mark away. */
void loaded_end(const char *run_dir)
{
	kexec_unload();
	loaded_not(run_dir);
	if (replaced)
		pr_warn("update: the kernel that was loaded before is not loaded any more: load it again");
}

/*
 * Unload what an agent that was killed has left. With it loaded, an ordinary
 * reboot could become a kexec that keeps nothing.
 */
void loaded_forget(const char *run_dir)
{
	char path[PATH_MAX];

	mark_path(path, sizeof(path), run_dir);
	if (unlink(path) || !kexec_is_loaded())
		return;
	pr_warn("an agent that was killed during an update left its next kernel loaded: unloaded");
	kexec_unload();
}
