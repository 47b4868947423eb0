// SPDX-License-Identifier: GPL-2.0
/*
 * What CRIU is to lukeep-criu, for tests on a machine that is feigned: a dump of the
 * service "worker" of tests/lukeep-process.t, which tells what it has in memory, and its
 * restore. As with CRIU, a service that is being dumped is traced, its peers are kept
 * from it by a table CRIU-ID, and the first process is restored as a child of whoever
 * runs this. In the folder of the machine are
 *
 *	criu.calls	a line for each call: its verb and its arguments
 *	criu.VERB	"POINT WHAT", of a call that does not go well: at this point it
 *			"fails", and says why in its log; "mumbles", and does not; "dies";
 *			or "hangs" as long as the file is there
 *	criu.at		"VERB POINT", when one hangs
 *	sizes		how many KiB each dump has, a line each: the first is taken away
 *	tables/		a file for each table of rules, see tests/programs/fake-nft
 *	NAME.memory	what the service has in memory
 *
 * The points are, for each verb besides "begin", in their order
 *
 *	pre-dump	frozen, end
 *	dump		locked, frozen, streamed, written, ended
 *	restore		looked, made, end
 *	lazy-pages	listens, end
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake-criu.h"

#define TEXT_MAX	4096
#define PAUSE		10000	/* us */
#define SIZE		4	/* KiB */

static const char *folder, *verb, *images, *log_name, *parent, *pidfile;
static pid_t tree;
static int output = -1;
static bool lazy, streams;

/* Where images are: with --stream they go to whoever runs this, and come from there. */
static const char *content;

static FILE *open_in(const char *dir, const char *mode, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fopen(path, mode);
}

__attribute__((format(printf, 4, 5)))
static void write_in(const char *dir, const char *mode, const char *name,
		     const char *fmt, ...)
{
	FILE *f = open_in(dir, mode, name);
	va_list ap;

	if (!f) {
		perror(name);
		exit(1);
	}
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

/* Its first line, without its end; "" when it is not there. */
static const char *read_in(const char *dir, const char *name, char text[TEXT_MAX])
{
	FILE *f = open_in(dir, "re", name);

	*text = '\0';
	if (!f)
		return text;
	if (fgets(text, TEXT_MAX, f))
		text[strcspn(text, "\n")] = '\0';
	fclose(f);
	return text;
}

static void remove_in(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static bool is_in(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, F_OK);
}

/*
 * The table with the rules by which peers wait, named for the dump.
 */

static const char *table(void)
{
	static char name[64];
	char id[TEXT_MAX];

	if (!strcmp(verb, "dump"))
		snprintf(name, sizeof(name), "tables/CRIU-id%d", getpid());
	else
		snprintf(name, sizeof(name), "tables/CRIU-%.32s",
			 read_in(content, "inventory.img", id));
	return name;
}

static void fail(const char *point, bool says)
{
	if (says)
		write_in(images, "ae", log_name,
			 "(00.1) Warn  (feigned.c:1): No parent image found\n"
			 "(00.2) Error (feigned.c:2): it fails at %s\n"
			 "(00.3) Error (feigned.c:3): and so does the rest\n", point);
	/* The processes go on, and their peers as well. */
	if (!strcmp(verb, "dump"))
		remove_in(folder, table());
	exit(1);
}

/* A point in the course of a call. */
static void at(const char *point)
{
	char path[64], text[TEXT_MAX], wanted[64], what[64];

	snprintf(path, sizeof(path), "criu.%s", verb);
	if (sscanf(read_in(folder, path, text), "%63s %63s", wanted, what) != 2 ||
	    strcmp(wanted, point))
		return;
	if (!strcmp(what, "dies"))
		kill(getpid(), SIGKILL);
	if (strcmp(what, "hangs"))
		fail(point, !strcmp(what, "fails"));
	write_in(folder, "we", "criu.at", "%s %s\n", verb, point);
	while (is_in(folder, path))
		usleep(PAUSE);
}

/*
 * Dumps.
 */

/* If we end, it goes on. */
static void freeze(void)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tree, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, tree, NULL, NULL) ||
	    waitpid(tree, &status, __WALL) != tree)
		fail("ptrace", true);
}

/* What the test has said that the next dump is to have. */
static long next_size(void)
{
	char text[TEXT_MAX], rest[TEXT_MAX] = "";
	long size = atol(read_in(folder, "sizes", text));
	FILE *f = open_in(folder, "re", "sizes");
	size_t n;

	if (!f)
		return SIZE;
	n = fread(rest, 1, sizeof(rest) - 1, f);
	rest[n] = '\0';
	fclose(f);
	write_in(folder, "we", "sizes", "%s", strchr(rest, '\n') ? strchr(rest, '\n') + 1 : "");
	return size ?: SIZE;
}

/* The arguments that the first process has been run with, a line each. */
static void dump_arguments(void)
{
	char path[64], text[TEXT_MAX];
	size_t n, i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", tree);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
	for (i = 0; i < n; i += strlen(text + i) + 1)
		write_in(content, "ae", "core-1.img", "%s\n", text + i);
}

/* The last of them is the service's name: "bash worker FOLDER NAME" */
static void dump_memory(void)
{
	char text[TEXT_MAX], memory[TEXT_MAX], path[PATH_MAX];
	const char *name = "";
	FILE *f;

	f = open_in(content, "re", "core-1.img");
	while (f && fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		name = text;
	}
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "%.200s.memory", name);
	write_in(content, "we", "pages-1.img", "%s\n",
		 read_in(folder, path, memory));
	snprintf(path, sizeof(path), "%s/pages-1.img", content);
	if (truncate(path, next_size() << 10))
		perror(path);
}

static int dump_service(bool whole)
{
	char path[PATH_MAX];
	int status;

	snprintf(path, sizeof(path), "%s/%s", images, parent ?: ".");
	if (access(path, F_OK))
		fail("the pre-dump before", true);
	if (whole) {
		write_in(folder, "we", table(), "\tchain input { }\n");
		at("locked");
	}
	freeze();
	at("frozen");
	dump_arguments();
	dump_memory();
	if (!whole) {
		ptrace(PTRACE_DETACH, tree, NULL, NULL);
		at("end");
		return 0;
	}
	write_in(content, "we", "inventory.img", "id%d\n", getpid());
	if (streams) {
		stream_out(content, "core-1.img");
		stream_out(content, "pages-1.img");
		at("streamed");
		stream_out(content, "inventory.img");
	}
	at("written");
	kill(tree, SIGKILL);
	waitpid(tree, &status, __WALL);
	at("ended");
	return 0;
}

/*
 * Restores.
 */

/* In what is the first process of a namespace: be what was dumped. */
static void become(void)
{
	char line[TEXT_MAX], memory[TEXT_MAX], *argv[16] = { };
	int argc = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	FILE *f = open_in(content, "re", "core-1.img");

	while (f && argc < 15 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		argv[argc++] = strdup(line);
	}
	setenv("WORKER_MEMORY", read_in(content, "pages-1.img", memory), 1);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	if (argc)
		execvp(argv[0], argv);
	_exit(127);
}

static int restore(void)
{
	int gate[2];
	char go;
	pid_t pid;

	if (streams && (stream_in(content, "inventory.img") ||
			stream_in(content, "core-1.img") ||
			!stream_in(content, "other.img")))
		fail("streams", true);
	at("looked");
	if (streams && stream_in(content, "pages-1.img"))
		fail("streams", true);
	if (lazy && !is_in(images, "lazy-pages.socket"))
		fail("lazy-pages", true);
	if (pipe2(gate, O_CLOEXEC))
		return 1;
	pid = syscall(SYS_clone, CLONE_PARENT | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		/* Half of it is there, with its name. If we are killed, it is left so. */
		close(gate[1]);
		if (read(gate[0], &go, 1) != 1)
			execlp("sh", "worker", "-c", "sleep 1000; :", folder,
			       NULL);
		become();
	}
	if (pid < 0)
		fail("clone", true);
	at("made");
	if (write(gate[1], "", 1) != 1)
		return 1;
	write_in(images, "we", pidfile, "%d\n", pid);
	remove_in(folder, table());
	at("end");
	return 0;
}

/* Images are in a folder of our own, from which they go into streams. */
static void open_streams(void)
{
	static char spool[PATH_MAX];

	snprintf(spool, sizeof(spool), "%s/criu.spool-XXXXXX", folder);
	content = mkdtemp(spool);
	if (!content)
		exit(1);
	stream_open(images, !strcmp(verb, "dump") ? "streamer-capture.sock" :
						    "streamer-serve.sock");
}

/* Until all of it has been asked for. */
static int lazy_pages(void)
{
	write_in(images, "we", "lazy-pages.socket", "\n");
	at("listens");
	while (!is_in(images, "pid"))
		usleep(PAUSE);
	at("end");
	return 0;
}

static void parse(int argc, char **argv)
{
	char line[TEXT_MAX] = "";
	int i;

	for (i = 1; i < argc; i++) {
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s ",
			 argv[i]);
		if (!strcmp(argv[i], "--images-dir"))
			images = argv[i + 1];
		else if (!strcmp(argv[i], "--log-file"))
			log_name = argv[i + 1];
		else if (!strcmp(argv[i], "--tree"))
			tree = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--prev-images-dir"))
			parent = argv[i + 1];
		else if (!strcmp(argv[i], "--pidfile"))
			pidfile = argv[i + 1];
		else if (!strcmp(argv[i], "--inherit-fd"))
			sscanf(argv[i + 1], "fd[%d]", &output);
		else if (!strcmp(argv[i], "--lazy-pages"))
			lazy = true;
		else if (!strcmp(argv[i], "--stream"))
			streams = true;
	}
	write_in(folder, "ae", "criu.calls", "%s\n", line);
}

int main(int argc, char **argv)
{
	folder = getenv("LUKEEP_MACHINE");
	if (!folder || argc < 2)
		return 2;
	verb = argv[1];
	parse(argc, argv);
	if (!images || !log_name)
		return 2;
	write_in(images, "we", log_name, "(00.0) feigned\n");
	at("begin");
	content = images;
	if (streams)
		open_streams();
	if (!strcmp(verb, "dump") || !strcmp(verb, "pre-dump"))
		return dump_service(!strcmp(verb, "dump"));
	if (!strcmp(verb, "restore") && pidfile)
		return restore();
	if (!strcmp(verb, "lazy-pages"))
		return lazy_pages();
	return 2;
}
