// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep: keep the memory of a service over a live update of the kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lukeep.h"

#define EXIT_USAGE	2
#define NAME_MAX_LEN	63	/* a session's name and its NUL take 64 bytes */
#define TIMEOUT_MAX	86400

static const char usage_text[] =
"Usage:\n"
"  lukeep run --name NAME [OPTION]... -- COMMAND [ARGUMENT]...\n"
"  lukeep update --name NAME [--run-dir DIR]\n"
"\n"
"lukeep run starts a service on memfds that survive a live update, and stays\n"
"with it. In a kernel that was entered by \"lukeep update\" the same command line\n"
"starts the service on the memory it had in the previous kernel.\n"
"\n"
"lukeep update has the running agent preserve the memory, save and stop the\n"
"service, and jump into the kernel loaded with \"kexec -s -l\". It returns only\n"
"when that failed; the service is then back at work in this kernel.\n"
"\n"
"  -n, --name NAME          service: its session and control socket\n"
"  -m, --memory NAME=PATH   memory of the service, which it opens as PATH; its\n"
"                           size must not change once the service runs\n"
"  -s, --save NAME=PATH     what the service writes to PATH when it saves, and\n"
"                           reads from there when it starts again\n"
"  -k, --signal SIGNAL      tells the service to save and exit: TERM (default),\n"
"                           INT, HUP, USR1 or USR2\n"
"  -t, --timeout SECONDS    how long it may take to do so (default 60)\n"
"  -r, --run-dir DIR        control sockets (default " LUKEEP_RUN_DIR ")\n"
"  -h, --help               this text\n"
"\n"
"Each PATH becomes a symbolic link to a descriptor that the service inherits. It\n"
"may stand on a file system that does not survive, such as /run.\n"
"\n"
"A clock that the new kernel took from an RTC behind the time of the update is set\n"
"forward to it, since services drop saved state that seems to be from the future.\n"
"\n"
"lukeep run exits with the service's status; lukeep update with 1 for a failed\n"
"update; both with 2 for a wrong command line.\n"
"\n"
"Example:\n"
"  lukeep run -n cache -m data=/run/cache/mem -s meta=/run/cache/mem.meta -k USR1 \\\n"
"          -- memcached -u root -m 1024 -e /run/cache/mem\n"
"  kexec -s -l /boot/vmlinuz-new --initrd=/boot/initrd.img-new --reuse-cmdline\n"
"  lukeep update -n cache\n";

static const struct option options[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "memory", required_argument, NULL, 'm' },
	{ "save", required_argument, NULL, 's' },
	{ "signal", required_argument, NULL, 'k' },
	{ "timeout", required_argument, NULL, 't' },
	{ "run-dir", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static int usage_error(void)
{
	fprintf(stderr, "Try \"lukeep --help\".\n");
	return EXIT_USAGE;
}

/* Names become names of sessions, of sockets, and words of the state. */
static int check_name(const char *name)
{
	const char *c;

	for (c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			break;
	}
	if (*c || c == name || c - name > NAME_MAX_LEN || *name == '.') {
		pr_err("\"%s\" is not a name: use 1 to %d letters, digits, dots, dashes and underscores",
		       name, NAME_MAX_LEN);
		return -1;
	}
	return 0;
}

static int add_memfd(struct service *svc, enum memfd_kind kind, char *arg)
{
	struct memfd *m;
	char *path;

	path = strchr(arg, '=');
	if (!path || !path[1]) {
		pr_err("\"%s\" is not of the form NAME=PATH", arg);
		return -1;
	}
	*path++ = '\0';
	if (check_name(arg))
		return -1;
	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++) {
		if (!strcmp(m->name, arg) || !strcmp(m->path, path)) {
			pr_err("the name %s or the path %s is used twice",
			       arg, path);
			return -1;
		}
	}
	if (svc->nr_memfds == LUKEEP_MAX_MEMFDS) {
		pr_err("a service has at most %d memfds", LUKEEP_MAX_MEMFDS);
		return -1;
	}
	svc->memfd[svc->nr_memfds++] = (struct memfd){
		.kind = kind,
		.name = arg,
		.path = path,
		.fd = -1,
	};
	return 0;
}

static int parse_signal(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "TERM", SIGTERM }, { "INT", SIGINT }, { "HUP", SIGHUP },
		{ "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	};
	size_t i;

	if (!strncmp(name, "SIG", 3))
		name += 3;
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		if (!strcmp(signals[i].name, name))
			return signals[i].number;
	}
	pr_err("\"%s\" is not a save signal: use TERM, INT, HUP, USR1 or USR2",
	       name);
	return -1;
}

static int parse_timeout(const char *arg)
{
	char *end;
	long value = strtol(arg, &end, 10);

	if (end == arg || *end || value < 1 || value > TIMEOUT_MAX) {
		pr_err("\"%s\" is not a time: use 1 to %d seconds", arg,
		       TIMEOUT_MAX);
		return -1;
	}
	return value;
}

static int parse_option(struct service *svc, int c, char *arg)
{
	switch (c) {
	case 'n':
		svc->name = arg;
		return check_name(arg);
	case 'm':
		return add_memfd(svc, MEMFD_MEMORY, arg);
	case 's':
		return add_memfd(svc, MEMFD_SAVE, arg);
	case 'k':
		svc->save_signal = parse_signal(arg);
		return svc->save_signal;
	case 't':
		svc->timeout = parse_timeout(arg);
		return svc->timeout;
	case 'r':
		svc->run_dir = arg;
		return 0;
	default:
		return -1;
	}
}

static int run(struct service *svc)
{
	int listener;

	if (service_init_signals())
		return EXIT_FAILURE;
	listener = control_listen(svc);
	if (listener < 0 || update_arrive(svc))
		return EXIT_FAILURE;
	return service_run(svc, listener);
}

int main(int argc, char **argv)
{
	struct service svc = {
		.run_dir = LUKEEP_RUN_DIR,
		.save_signal = SIGTERM,
		.timeout = 60,
	};
	const char *verb = argc > 1 ? argv[1] : "";
	int c;

	/* The verb stands where getopt expects the program's name. */
	if (!strcmp(verb, "--help") || !strcmp(verb, "-h")) {
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(verb, "run") && strcmp(verb, "update"))
		return usage_error();
	while ((c = getopt_long(argc - 1, argv + 1, "+n:m:s:k:t:r:h", options,
				NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			return EXIT_SUCCESS;
		}
		if (parse_option(&svc, c, optarg) < 0)
			return usage_error();
	}
	svc.argv = argv + 1 + optind;
	if (!svc.name) {
		pr_err("the service has no name: give --name");
		return usage_error();
	}
	message_name = svc.name;

	if (!strcmp(verb, "update") && !svc.argv[0])
		return control_request(&svc, "update");
	if (!strcmp(verb, "run") && svc.argv[0])
		return run(&svc);
	pr_err("%s", *svc.argv ? "update takes no command" :
	       "there is no command to run: give it after --");
	return usage_error();
}
