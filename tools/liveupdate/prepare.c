// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that are run beside a service before it is told to save: can it go on in
 * the next kernel, and what can be dumped of it while it works?
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "child.h"
#include "message.h"
#include "prepare.h"
#include "process.h"
#include "save.h"

static int on_exit_of_command(sd_event_source *source, const siginfo_t *si,
			      void *user)
{
	struct keeper *k = user;
	const char *verb = k->prepare_verb;
	bool ok = child_succeeded(si);

	process_ended(source);
	k->prepare_pid = 0;
	if (!ok)
		save_say_why(k);
	k->done(k, verb, ok);
	return 0;
}

/*
 * Run a command, at whose end it is told how what is asked for by @verb went. It is not
 * killed when the update is called off meanwhile: CRIU has the service by then.
 */
int prepare_begin(struct keeper *k, const char *verb, const char *command)
{
	if (k->prepare_pid) {
		pr_err("what was begun for the last update has not ended yet: try again");
		return -1;
	}
	k->prepare_verb = verb;
	k->prepare_pid = process_start(k, command, false, on_exit_of_command);
	return k->prepare_pid ? 0 : -1;
}
