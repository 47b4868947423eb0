// SPDX-License-Identifier: GPL-2.0
/*
 * The unit of a service, as systemd runs it, for the tests of lukeep:
 *
 *	lukeep-unit FOLDER NAME LUKEEP [OPTION]...
 *
 * runs "LUKEEP arrive OPTION... NAME" and then "LUKEEP keep OPTION... NAME", with
 * a file descriptor store, which stays when the keeper has ended. On HUP it runs
 * both again. In the folder are
 *
 *	NAME.stale	is in the store from the beginning, as "state", if there
 *	NAME.store	the names of what is in the store, a line each
 *	NAME.status	the last STATUS= of the keeper or the step before
 *	NAME.main	the process that is said to be the main one, if there
 *	NAME.unit	"active", or how the keeper or the step before has ended
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lukeep-machine.h"

#define STORE_MAX	8
#define NAME_MAX_LEN	32
#define ABOVE		100

static const char *folder, *name;

static struct stored {
	char name[NAME_MAX_LEN];
	int fd;
} store[STORE_MAX];

static int nr_stored;
static volatile sig_atomic_t again = 1;

static void fatal(const char *what)
{
	perror(what);
	exit(1);
}

static FILE *open_file(const char *suffix)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
	f = fopen(path, "we");
	if (!f)
		fatal(path);
	return f;
}

static void tell_store(void)
{
	FILE *f = open_file("store");
	int i;

	for (i = 0; i < nr_stored; i++)
		fprintf(f, "%s\n", store[i].name);
	fclose(f);
}

static void tell_unit(const char *what, int status)
{
	FILE *f = open_file("unit");

	fprintf(f, "%s %d\n", what, status);
	fclose(f);
}

static void tell_status(const char *status)
{
	FILE *f = open_file("status");

	fprintf(f, "%.*s\n", (int)strcspn(status, "\n"), status);
	fclose(f);
}

static void tell_main(const char *pid)
{
	FILE *f = open_file("main");

	fprintf(f, "%s\n", pid);
	fclose(f);
}

static void drop(const char *what)
{
	int i, kept = 0;

	for (i = 0; i < nr_stored; i++) {
		if (strcmp(store[i].name, what))
			store[kept++] = store[i];
		else
			close(store[i].fd);
	}
	nr_stored = kept;
}

/* The value of @key in what a process says, or NULL. */
static const char *value(const char *text, const char *key)
{
	static char found[NAME_MAX_LEN];
	const char *at = strstr(text, key);

	if (!at)
		return NULL;
	at += strlen(key);
	snprintf(found, sizeof(found), "%.*s", (int)strcspn(at, "\n"), at);
	return found;
}

/* What a process of the unit says. A barrier is a file that is to be closed. */
static void receive(int notify)
{
	char text[4096] = "";
	int fd;

	if (receive_packet(notify, text, sizeof(text) - 1, &fd) <= 0)
		return;
	if (!strncmp(text, "STATUS=", strlen("STATUS=")))
		tell_status(text + strlen("STATUS="));
	if (value(text, "MAINPID="))
		tell_main(value(text, "MAINPID="));
	if (strstr(text, "FDSTOREREMOVE=1")) {
		drop(value(text, "FDNAME=") ?: "");
	} else if (strstr(text, "FDSTORE=1") && fd >= 0 &&
		   nr_stored < STORE_MAX) {
		strcpy(store[nr_stored].name, value(text, "FDNAME=") ?: "");
		store[nr_stored++].fd = fd;
		fd = -1;
	}
	if (fd >= 0)
		close(fd);
	tell_store();
}

/* What systemd has preserved itself over a kexec. */
static void add_stale(void)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.stale", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	strcpy(store[nr_stored].name, "state");
	store[nr_stored++].fd = fd;
}

/*
 * In the child: give it the store, as sd_listen_fds_with_names(3) expects it. As
 * with systemd, the last one that was stored is the first.
 */
static void pass_store(void)
{
	char names[STORE_MAX * NAME_MAX_LEN] = "", number[12];
	int i, moved[STORE_MAX];
	struct stored *stored;

	for (i = 0; i < nr_stored; i++) {
		stored = &store[nr_stored - 1 - i];
		moved[i] = fcntl(stored->fd, F_DUPFD_CLOEXEC, ABOVE);
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
			 "%s%s", i ? ":" : "", stored->name);
	}
	for (i = 0; i < nr_stored; i++)
		dup2(moved[i], 3 + i);
	snprintf(number, sizeof(number), "%d", nr_stored);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
}

/* Run a verb of lukeep until it ends, and listen meanwhile. */
static int run(int notify, char **lukeep, const char *verb, bool main)
{
	struct pollfd pfd = { .fd = notify, .events = POLLIN };
	char *argv[32] = { lukeep[0], (char *)verb };
	int status, i;
	pid_t pid;

	for (i = 1; lukeep[i] && i < 28; i++)
		argv[i + 1] = lukeep[i];
	argv[i + 1] = (char *)name;
	pid = fork();
	if (!pid) {
		if (main)
			pass_store();
		execv(argv[0], argv);
		fatal(argv[0]);
	}
	do {
		while (poll(&pfd, 1, 20) > 0)
			receive(notify);
	} while (!waitpid(pid, &status, WNOHANG));
	while (poll(&pfd, 1, 0) > 0)
		receive(notify);
	return status;
}

static void on_hup(int number)
{
	(void)number;
	again = 1;
}

static int listen_for_notes(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s.notify", folder,
		 name);
	unlink(addr.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		fatal(addr.sun_path);
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	return fd;
}

int main(int argc, char **argv)
{
	int notify, status;

	if (argc < 4)
		return 2;
	folder = argv[1];
	name = argv[2];
	notify = listen_for_notes();
	signal(SIGHUP, on_hup);
	add_stale();
	for (;;) {
		while (!again)
			poll(NULL, 0, 20);
		again = 0;
		tell_unit("active", 0);
		status = run(notify, argv + 3, "arrive", false);
		if (!status)
			status = run(notify, argv + 3, "keep", true);
		tell_unit("ended", status);
	}
}
