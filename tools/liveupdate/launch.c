// SPDX-License-Identifier: GPL-2.0
/*
 * Running a service, on what it saved or on nothing.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "clock.h"
#include "launch.h"
#include "memory.h"
#include "pidfile.h"
#include "process.h"
#include "ready.h"

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
	if (memory_create(k->svc) || memory_link(k->svc, MEMFD_MEMORY) ||
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
	if (memory_create(k->svc) || memory_link(k->svc, MEMFD_MEMORY) ||
	    memory_link(k->svc, MEMFD_SAVE) ||
	    memory_unlink(k->svc, MEMFD_SAVE))
		return -1;
	return launch(k, k->svc->start, false, on_exit);
}
