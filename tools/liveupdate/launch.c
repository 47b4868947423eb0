// SPDX-License-Identifier: GPL-2.0
/*
 * Running a service, on what it saved or on nothing.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "clock.h"
#include "launch.h"
#include "memory.h"
#include "message.h"
#include "pidfile.h"
#include "process.h"
#include "ready.h"

/*
 * Are its files there, and writable? They are not, for a moment, when an update was
 * called off by the end of its agent.
 */
static int check_tmpfs(const struct tmpfs *t)
{
	if (!t->path)
		return 0;
	if (!tmpfs_is_mounted(t->path)) {
		pr_err("there is no tmpfs on %s: stop the service, and start it, which mounts one",
		       t->path);
		return -1;
	}
	if (!tmpfs_is_frozen(t))
		return 0;
	tmpfs_thaw(t);
	if (!tmpfs_is_frozen(t))
		return 0;
	pr_err("tmpfs %s is read-only: start the agent, which makes it writable again after an update that was called off; or add ReadWritePaths=%s to its unit",
	       t->path, t->path);
	return -1;
}

/* Run the service. When that fails its state is what it was. */
static int launch(struct keeper *k, const char *command, bool resumes,
		  sd_event_child_handler_t on_exit)
{
	pid_t pid = process_start(k, command, !resumes, on_exit);

	if (!pid)
		return -1;
	k->timer = sd_event_source_disable_unref(k->timer);
	k->pid = pid;
	if (!k->unit)
		pidfile_write(k->run_dir, k->svc->name, pid);
	k->by_update = false;
	k->overdue = 0;
	k->was_told = false;
	k->resumed = resumes;
	if (!resumes)
		k->told = 0;
	ready_begin(k);
	return 0;
}

/* On what it saved. */
int launch_on_saved(struct keeper *k, sd_event_child_handler_t on_exit)
{
	if (check_tmpfs(&k->svc->tmpfs) || memory_create(k->svc) ||
	    memory_link(k->svc, MEMFD_MEMORY) ||
	    memory_link(k->svc, MEMFD_SAVE))
		return -1;
	if (k->svc->clock)
		clock_pass(k->stopped);
	return launch(k, k->svc->resume, true, on_exit);
}

/*
 * On nothing. A link to what is saved is made later; that it can be made is found out
 * now, and one that the service could take for what it saved is removed.
 */
int launch_afresh(struct keeper *k, sd_event_child_handler_t on_exit)
{
	memory_discard(k->svc);
	*k->from = '\0';
	if (check_tmpfs(&k->svc->tmpfs) || memory_create(k->svc) ||
	    memory_link(k->svc, MEMFD_MEMORY) ||
	    memory_link(k->svc, MEMFD_SAVE) ||
	    memory_unlink(k->svc, MEMFD_SAVE))
		return -1;
	return launch(k, k->svc->start, false, on_exit);
}

/*
 * It has exited as it was about to resume, and can do so again. Once it was told to
 * save, what is there may be less, or older, than its memory.
 */
bool launch_can_retry(const struct keeper *k)
{
	return (k->svc->retry || k->never_ran) && k->resumed && !k->was_told &&
	       memory_is_saved(k->svc);
}
