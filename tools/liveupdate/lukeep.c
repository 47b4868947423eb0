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

#include "bootentry.h"
#include "lukeep.h"

#define CONFIG_DIR	"/etc/lukeep"
#define RUN_DIR		"/run/lukeep"
#define EXIT_USAGE	2

static const char usage_text[] =
"Usage:\n"
"  lukeep run                    start the declared services, or bring them back\n"
"  lukeep reload                 read the declarations again\n"
"  lukeep status [--json]        show what the services are doing\n"
"  lukeep update [--kernel FILE] [--initrd FILE] [--reuse-cmdline]\n"
"                [--append WORDS] [--now] [--dry-run]\n"
"                                replace the kernel under them\n"
"  lukeep stop                   stop the services and the agent\n"
"  lukeep check [FILE|NAME]...   tell what is wrong with declarations\n"
"\n"
"  -k, --kernel FILE       image of the next kernel (default: what the boot\n"
"                          loader would boot, see lukeep(8) for the rest)\n"
"  -i, --initrd FILE       its initramfs\n"
"  -u, --reuse-cmdline     it gets this kernel's command line\n"
"  -a, --append WORDS      and these words, or these alone\n"
"  -N, --now               do not have systemd shut the system down first\n"
"  -n, --dry-run           only check whether all is ready\n"
"  -j, --json              as JSON\n"
"  -c, --config-dir DIR    declarations, NAME.conf (default " CONFIG_DIR ")\n"
"  -r, --run-dir DIR       sockets (default " RUN_DIR ")\n"
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
	{ "help", no_argument, NULL, 'h' },
	{ "name", required_argument, NULL, 's' },	/* the agent's, for keep */
	{ "arrive", no_argument, NULL, 'A' },
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
		opt->name = arg;
		return 0;
	case 'A':
		opt->arrive = true;
		return 0;
	default:
		return -1;
	}
}

static int do_update(const struct options *opt)
{
	if (bootentry_complete("", opt->update))
		return EXIT_FAILURE;
	return client_request(opt, json_incref(opt->update));
}

static int do_reload(const struct options *opt)
{
	return client_request(opt, json_pack("{ss}", "verb", "reload"));
}

static int do_stop(const struct options *opt)
{
	return client_request(opt, json_pack("{ss}", "verb", "stop"));
}

static int do_keep(const struct options *opt)
{
	return opt->name ? keeper_run(opt) : usage_error();
}

/**
 * struct verb - a verb of the command line
 * @name:      the verb
 * @options:   its options, for getopt()
 * @run:       what it does; returns the exit status
 * @arguments: it takes arguments
 */
struct verb {
	const char *name;
	const char *options;
	int (*run)(const struct options *opt);
	bool arguments;
};

static const struct verb verbs[] = {
	{ "run", "c:r:h", agent_run, false },
	{ "reload", "r:h", do_reload, false },
	{ "status", "jr:h", status_show, false },
	{ "update", "k:i:ua:Nnr:h", do_update, false },
	{ "stop", "r:h", do_stop, false },
	{ "check", "c:h", check_run, true },
	{ "keep", "c:r:s:A", do_keep, false },	/* by the agent */
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	if (*name)
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
	return verb->run(opt);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	struct options opt = {
		.conf_dir = CONFIG_DIR,
		.run_dir = RUN_DIR,
	};
	const struct verb *verb;
	int status;

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
