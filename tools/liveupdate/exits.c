// SPDX-License-Identifier: GPL-2.0
/*
 * What became of a process.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdio.h>
#include <string.h>

#include "exits.h"

/* In words. */
const char *exit_status(const siginfo_t *si)
{
	static char text[80];

	if (si->si_code == CLD_EXITED)
		snprintf(text, sizeof(text), "exited with status %d",
			 si->si_status);
	else
		snprintf(text, sizeof(text), "was killed by signal %d (%s)",
			 si->si_status, strsignal(si->si_status));
	return text;
}

/* Did it say that all is well? */
bool exit_is_success(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED && !si->si_status;
}
