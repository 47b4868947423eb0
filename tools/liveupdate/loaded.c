// SPDX-License-Identifier: GPL-2.0
/*
 * A mark that it was an agent who has loaded the next kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "kexec.h"
#include "loaded.h"
#include "message.h"

static void mark_path(char *path, size_t len, const char *run_dir)
{
	snprintf(path, len, "%s/loaded", run_dir);
}

/* Set the mark before loading, and take it away after unloading. */
void loaded_set(const char *run_dir, bool loaded)
{
	char path[PATH_MAX];
	FILE *f;

	mark_path(path, sizeof(path), run_dir);
	if (!loaded) {
		unlink(path);
		return;
	}
	f = fopen(path, "we");
	if (f)
		fclose(f);
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
