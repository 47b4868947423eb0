// SPDX-License-Identifier: GPL-2.0
/*
 * What a keeper waits for: its service's commands, and time.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <sys/wait.h>

#include "clock.h"
#include "command.h"
#include "message.h"
#include "process.h"

/* Call @handler after this time, unless @timer is set anew or dropped before. */
void process_timer(struct keeper *k, sd_event_source **timer, int seconds,
		   sd_event_time_handler_t handler)
{
	*timer = sd_event_source_disable_unref(*timer);
	if (sd_event_add_time_relative(k->event, timer, CLOCK_MONOTONIC,
				       seconds * USEC_PER_SEC, 0, handler,
				       k) < 0)
		pr_err("cannot set a timer: free some memory");
}

/*
 * Run the service, @afresh or not, or a command besides it; returns its pid, or 0.
 */
pid_t process_start(struct keeper *k, const char *command, bool afresh,
		    sd_event_child_handler_t on_exit)
{
	pid_t pid = command_start(command, k->svc, afresh);

	if (pid < 0)
		return 0;
	if (sd_event_add_child(k->event, NULL, pid, WEXITED, on_exit, k) >= 0)
		return pid;
	pr_err("cannot watch \"%s\": free some memory", command);
	command_kill(pid);
	waitpid(pid, NULL, 0);
	return 0;
}

/* Each handler of process_start() begins with this: its @source is of no use any more. */
void process_ended(sd_event_source *source)
{
	sd_event_source_set_floating(source, false);
}
