/* SPDX-License-Identifier: GPL-2.0 */
/* What a child is given, and what became of it. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_CHILD_H
#define _LUKEEP_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/**
 * enum child_signal - what a signal would do to a process
 * @CHILD_SIGNAL_HANDLED: what the process has it do
 * @CHILD_SIGNAL_IGNORED: nothing
 * @CHILD_SIGNAL_KILLS:   kill it
 */
enum child_signal {
	CHILD_SIGNAL_HANDLED,
	CHILD_SIGNAL_IGNORED,
	CHILD_SIGNAL_KILLS,
};

enum child_signal child_signal_effect(pid_t pid, int sig);
const char *child_status(const siginfo_t *si);
bool child_succeeded(const siginfo_t *si);
bool child_lacked_library(const siginfo_t *si);
void child_parent_signals(const int *blocked, const int *ignored);
void child_default_signals(void);
void child_be_killable(void);
pid_t child_start(char *const argv[]);
int child_run(char *const argv[]);
int child_output(char *const argv[], char *text, size_t size, int timeout);

#endif /* _LUKEEP_CHILD_H */
