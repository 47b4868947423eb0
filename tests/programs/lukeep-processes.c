// SPDX-License-Identifier: GPL-2.0
/*
 * The processes of the machine that lukeep-machine.c feigns, which end when its
 * kernel is replaced.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>

#include "lukeep-machine.h"
#include "lukeep-parts.h"

#define MAX_PROCESSES	4000

struct process {
	pid_t pid;
	pid_t parent;
	bool ours;
};

/* Has it our folder in its environment? */
static bool is_marked(pid_t pid)
{
	static char environment[1 << 17];
	char path[64], mark[PATH_MAX];
	size_t n, i, len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(environment, 1, sizeof(environment) - 1, f);
	environment[n] = '\0';
	fclose(f);
	len = snprintf(mark, sizeof(mark), MACHINE "=%s", folder);
	for (i = 0; i + len <= n; i += strlen(environment + i) + 1) {
		if (!strcmp(environment + i, mark))
			return true;
	}
	return false;
}

static bool read_process(const char *name, struct process *process)
{
	char path[300], state;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/proc/%s/stat", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fscanf(f, "%d (%*[^)]) %c %d", &process->pid, &state,
		   &process->parent);
	fclose(f);
	return n == 3 && state != 'Z' && state != 'X';
}

/* Which of all processes are the machine's? */
static int find_processes(struct process *found, pid_t command)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int nr = 0;

	if (!proc)
		fatal("/proc");
	while ((entry = readdir(proc))) {
		struct process *process = &found[nr];

		if (nr == MAX_PROCESSES || *entry->d_name < '1' ||
		    *entry->d_name > '9' || !read_process(entry->d_name, process))
			continue;
		process->ours = process->pid != command &&
				(process->parent == getpid() ||
				 is_marked(process->pid));
		nr++;
	}
	closedir(proc);
	return nr;
}

static bool parent_is_ours(const struct process *found, int nr, pid_t parent)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (found[i].pid == parent)
			return found[i].ours;
	}
	return false;
}

/* And what they have started, whatever that made of its environment. */
static void add_children(struct process *found, int nr)
{
	bool again;
	int i;

	do {
		again = false;
		for (i = 0; i < nr; i++) {
			if (found[i].ours ||
			    !parent_is_ours(found, nr, found[i].parent))
				continue;
			found[i].ours = true;
			again = true;
		}
	} while (again);
}

/* Returns how many there are. */
static int signal_processes(pid_t command, int number)
{
	static struct process found[MAX_PROCESSES];
	int i, signalled = 0, nr = find_processes(found, command);

	add_children(found, nr);
	for (i = 0; i < nr; i++) {
		if (found[i].ours)
			signalled += !kill(found[i].pid, number);
	}
	return signalled;
}

/* All at once: none of them may see how others go. */
void end_processes(pid_t command)
{
	int stopped, before = -1;

	while ((stopped = signal_processes(command, SIGSTOP)) != before)
		before = stopped;
	while (signal_processes(command, SIGKILL))
		poll(NULL, 0, 1);
}
