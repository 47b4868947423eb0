// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep: keep the memory of services over a live update of the kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent.h"
#include "arrive.h"
#include "bootentry.h"
#include "check.h"
#include "client.h"
#include "declaration.h"
#include "early.h"
#include "early_files.h"
#include "history.h"
#include "keep.h"
#include "message.h"
#include "options.h"
#include "reload.h"
#include "session.h"
#include "status.h"
#include "survivor.h"
#include "units.h"
#include "util.h"

#define CONFIG_DIR	"/etc/lukeep"
#define RUN_DIR		"/run/lukeep"
#define STATE_DIR	"/var/lib/lukeep"
#define GENERATOR	"lukeep-generator"
#define EXIT_USAGE	2
#define PAUSE_MAX	86400	/* seconds */

static const char usage_text[] =
"Usage:\n"
"  lukeep run                    be the agent\n"
"  lukeep update [-k FILE [-i FILE]] [OPTION]...\n"
"                                replace the kernel under the services\n"
"  lukeep cancel                 call off the update that is under way\n"
"  lukeep reload [NAME]...       read declarations again, start what does not run\n"
"  lukeep stop [NAME]...         stop these services; or all, and the agent\n"
"  lukeep status [--json] [--check]\n"
"                                show what the services are doing\n"
"  lukeep history [--json]       show the updates that there were\n"
"  lukeep check [FILE|NAME]...   tell what is wrong with declarations\n"
"\n"
"Of update:\n"
"  -k, --kernel FILE       image of the next kernel (default: what the boot\n"
"                          loader would boot, see lukeep(8) for the rest)\n"
"  -i, --initrd FILE       its initramfs\n"
"  -u, --reuse-cmdline     it gets this kernel's command line\n"
"  -a, --append WORDS      and these words, or these alone\n"
"  -N, --now               do not have systemd shut the system down first\n"
"  -n, --dry-run           only check whether all is ready\n"
"  -w, --without NAME      leave this service out: it is stopped, and has nothing\n"
"                          afterwards; can be given several times\n"
"  -p, --max-pause SECONDS call it off when the services are away for longer\n"
"                          before the next kernel is entered\n"
"\n"
"Of others:\n"
"  -j, --json              as JSON\n"
"  -C, --check             exit with 1 if not all is well\n"
"  -c, --config-dir DIR    declarations, NAME.conf (default " CONFIG_DIR ")\n"
"  -r, --run-dir DIR       sockets (default " RUN_DIR ")\n"
"  -s, --state-dir DIR     history (default " STATE_DIR ")\n"
"  -h, --help              this text\n"
"  -V, --version           which lukeep this is\n"
"\n"
"See lukeep(8), and lukeep.conf(5) for the declarations.\n";

static const struct option options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "reuse-cmdline", no_argument, NULL, 'u' },
	{ "append", required_argument, NULL, 'a' },
	{ "now", no_argument, NULL, 'N' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "json", no_argument, NULL, 'j' },
	{ "config-dir", required_argument, NULL, 'c' },
	{ "run-dir", required_argument, NULL, 'r' },
	{ "state-dir", required_argument, NULL, 's' },
	{ "without", required_argument, NULL, 'w' },
	{ "max-pause", required_argument, NULL, 'p' },
	{ "check", no_argument, NULL, 'C' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static int usage_error(void)
{
	fprintf(stderr, "Try \"lukeep --help\".\n");
	return EXIT_USAGE;
}

static int set_text(json_t *update, const char *key, const char *text)
{
	if (!json_object_set_new(update, key, json_string(text)))
		return 0;
	pr_err("the %s cannot be sent to the agent: is it UTF-8?", key);
	return -1;
}

/* The agent's working folder is not that of the client. */
static int set_file(json_t *update, const char *key, const char *path)
{
	char *absolute = realpath(path, NULL);
	int err = set_text(update, key, absolute ?: path);

	free(absolute);
	return err;
}

/* The keepers do not work in the folder that we were started in. */
static int check_absolute(const char *path)
{
	if (*path == '/')
		return 0;
	pr_err("the path %s does not begin with a slash", path);
	return -1;
}

static int add_without(json_t *update, const char *name)
{
	json_t *without = json_object_get(update, "without");

	if (!without) {
		without = json_array();
		json_object_set_new(update, "without", without);
	}
	if (declaration_name_valid(name) &&
	    !json_array_append_new(without, json_string(name)))
		return 0;
	pr_err("\"%s\" is not the name of a service", name);
	return -1;
}

static int set_max_pause(json_t *update, const char *text)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (end == text || *end || seconds < 1 || seconds > PAUSE_MAX) {
		pr_err("\"%s\" is not a time: use 1 to %d seconds", text,
		       PAUSE_MAX);
		return -1;
	}
	return json_object_set_new(update, "max-pause", json_integer(seconds));
}

static int parse_option(struct options *opt, int c, char *arg)
{
	switch (c) {
	case 'k':
		return set_file(opt->update, "kernel", arg);
	case 'i':
		return set_file(opt->update, "initrd", arg);
	case 'u':
		json_object_set_new(opt->update, "reuse", json_true());
		return 0;
	case 'a':
		return set_text(opt->update, "append", arg);
	case 'N':
		json_object_set_new(opt->update, "now", json_true());
		return 0;
	case 'n':
		json_object_set_new(opt->update, "dry-run", json_true());
		return 0;
	case 'j':
		opt->json = true;
		return 0;
	case 'c':
		opt->conf_dir = arg;
		return check_absolute(arg);
	case 'r':
		opt->run_dir = arg;
		return check_absolute(arg);
	case 's':
		opt->state_dir = arg;
		return check_absolute(arg);
	case 'w':
		return add_without(opt->update, arg);
	case 'p':
		return set_max_pause(opt->update, arg);
	case 'C':
		opt->check = true;
		return 0;
	default:
		return -1;
	}
}

static int do_update(const struct options *opt)
{
	if (session_check_device() || bootentry_complete("", opt->update))
		return EXIT_FAILURE;
	return client_update(opt, json_incref(opt->update));
}

static int do_history(const struct options *opt)
{
	return history_show(opt->state_dir, opt->json);
}

/* The name of one service. */
static const char *one_name(const struct options *opt)
{
	const char *name = opt->arguments[0];

	if (name && !opt->arguments[1] && declaration_name_valid(name))
		return name;
	pr_err("give the name of one service");
	return NULL;
}

static int do_keep(const struct options *opt)
{
	const char *name = one_name(opt);

	return name ? keeper_run(name, opt->conf_dir, opt->run_dir) :
		      EXIT_USAGE;
}

static int do_arrive(const struct options *opt)
{
	const char *name = one_name(opt);
	int status = name ? arrive_for_systemd(name, opt->conf_dir,
					       opt->run_dir) : EXIT_USAGE;

	if (status)
		message_tell_systemd();
	return status;
}

static int do_early_files(const struct options *opt)
{
	return early_files_print(opt->conf_dir);
}

/**
 * struct verb - a verb of the command line
 * @name:      the verb
 * @options:   its options, for getopt()
 * @run:       what it does; returns the exit status
 * @arguments: it takes arguments
 * @asks:      it goes by the agent's folder of declarations if none is given
 */
struct verb {
	const char *name;
	const char *options;
	int (*run)(const struct options *opt);
	bool arguments;
	bool asks;
};

static const struct verb verbs[] = {
	{ "run", "c:r:s:h", agent_run, false, false },
	{ "update", "k:i:ua:Nnw:p:r:h", do_update, false, false },
	{ "cancel", "r:h", client_cancel, false, false },
	{ "reload", "c:r:h", reload_run, true, true },
	{ "stop", "c:r:h", client_stop, true, true },
	{ "status", "jCc:r:h", status_show, false, true },
	{ "history", "js:h", do_history, false, false },
	{ "check", "c:h", check_run, true, false },
	/* For the units, and for the agent where there are none */
	{ "arrive", "c:r:", do_arrive, true, false },
	{ "keep", "c:r:", do_keep, true, false },
	{ "late", "r:", client_late, false, false },
	/* For the initramfs, and for those who make it */
	{ "early", "c:r:", early_run, false, false },
	{ "early-files", "c:", do_early_files, false, false },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	if (!strcmp(name, "start") || !strcmp(name, "restart"))
		pr_err("there is no verb \"%s\": reload starts what does not run",
		       name);
	else if (!strcmp(name, "list") || !strcmp(name, "show"))
		pr_err("there is no verb \"%s\": status shows the services",
		       name);
	else if (*name)
		pr_err("there is no verb \"%s\"", name);
	else
		pr_err("there is no verb: what shall be done?");
	return NULL;
}

/* What is asked of lukeep itself. */
static bool tell(const char *word)
{
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		puts("lukeep " VERSION);
	else if (!strcmp(word, "--help") || !strcmp(word, "-h") ||
		 !strcmp(word, "help"))
		fputs(usage_text, stdout);
	else
		return false;
	return true;
}

/* Run a verb; it stands where getopt expects the program's name. */
static int run(const struct verb *verb, struct options *opt, int argc,
	       char **argv)
{
	int c;

	argv[0] = "lukeep";	/* for messages of getopt's */
	while ((c = getopt_long(argc, argv, verb->options, options,
				NULL)) != -1) {
		if (c == '?')
			return usage_error();
		if (!strchr(verb->options, c)) {
			pr_err("%s does not have this option", verb->name);
			return usage_error();
		}
		if (c == 'h') {
			fputs(usage_text, stdout);
			return EXIT_SUCCESS;
		}
		if (parse_option(opt, c, optarg))
			return usage_error();
	}
	if (argv[optind] && !verb->arguments) {
		pr_err("%s takes no argument \"%s\"", verb->name,
		       argv[optind]);
		return usage_error();
	}
	opt->arguments = argv + optind;
	if (verb->asks && !opt->conf_dir)
		client_find_conf_dir(opt);
	if (!opt->conf_dir)
		opt->conf_dir = CONFIG_DIR;
	return verb->run(opt);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	struct options opt = {
		.run_dir = RUN_DIR,
		.state_dir = STATE_DIR,
	};
	const struct verb *verb;
	int status;

	if (argc > 1 && !strcmp(basename(argv[0]), GENERATOR))
		return units_generate(CONFIG_DIR, argv[1]);

	if (tell(word))
		return EXIT_SUCCESS;
	verb = find_verb(word);
	if (!verb)
		return usage_error();
	/* Start again under the name that is spared. */
	if (verb->run == agent_run && *argv[0] != '@') {
		argv[0] = SURVIVOR_NAME;
		execv("/proc/self/exe", argv);
	}
	/* We may have been run as /proc/self/exe. */
	prctl(PR_SET_NAME, "lukeep");
	opt.update = json_pack("{ss}", "verb", "update");
	status = run(verb, &opt, argc - 1, argv + 1);
	json_decref(opt.update);
	return status;
}
