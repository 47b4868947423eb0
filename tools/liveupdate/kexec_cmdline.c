// SPDX-License-Identifier: GPL-2.0
/*
 * The next kernel's command line, and what this one's says.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kexec_cmdline.h"
#include "message.h"
#include "util.h"

/* More than any kernel has. */
#define CMDLINE_MAX	4096

/*
 * The longest one that can be loaded. On x86 kexec_file_load(2) leaves room for
 * a word that crash kernels get.
 */
#ifdef __x86_64__
#define CMDLINE_LONGEST	2016
#else
#define CMDLINE_LONGEST	2047
#endif

static const char give_words[] =
	"give the words by --append, or this kernel's by --reuse-cmdline";

/**
 * struct word - a word of a command line
 * @text: its beginning; it does not end there
 * @len:  its length
 */
struct word {
	const char *text;
	size_t len;
};

/* How a switch is left by all words together. */
enum setting {
	UNSET,
	OFF,
	ON,
};

static int read_cmdline(char *buf, size_t len)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, len - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		pr_err("cannot read /proc/cmdline: %s: mount /proc",
		       strerror(errno));
		return -1;
	}
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

/* Take the next word, as the kernel does: spaces in quotes do not end it. */
static bool next_word(const char **at, struct word *word)
{
	bool quoted = false;
	const char *c = *at;

	while (isspace((unsigned char)*c))
		c++;
	word->text = c;
	for (; *c && (quoted || !isspace((unsigned char)*c)); c++) {
		if (*c == '"')
			quoted = !quoted;
	}
	word->len = c - word->text;
	*at = c;
	return word->len;
}

/* Is the word NAME, or NAME=VALUE? The value is NULL, or ends with the word. */
static bool is_setting(const struct word *word, const char *name,
		       const char **value)
{
	const char *text = word->text + (*word->text == '"');
	const char *end = word->text + word->len;
	size_t len = strlen(name);

	*value = NULL;
	if ((size_t)(end - text) < len || strncmp(text, name, len))
		return false;
	text += len;
	if (text == end || *text == '"')
		return true;
	if (*text != '=')
		return false;
	text++;
	*value = text + (*text == '"');
	return true;
}

/* The words behind it are for init. */
static bool is_last(const struct word *word)
{
	return word->len == 2 && !strncmp(word->text, "--", 2);
}

/* What the kernel's kstrtobool() makes of a value; UNSET if it is none. */
static enum setting parse_switch(const char *value)
{
	if (strchr("yYtT1", *value) && *value)
		return ON;
	if (strchr("nNfF0", *value) && *value)
		return OFF;
	if (*value != 'o' && *value != 'O')
		return UNSET;
	if (value[1] == 'n' || value[1] == 'N')
		return ON;
	return value[1] == 'f' || value[1] == 'F' ? OFF : UNSET;
}

/* How a switch is left; @alone: its name without a value turns it on. */
static enum setting find_switch(const char *cmdline, const char *name,
				bool alone)
{
	enum setting setting = UNSET, parsed;
	const char *value;
	struct word word;

	while (next_word(&cmdline, &word) && !is_last(&word)) {
		if (!is_setting(&word, name, &value))
			continue;
		if (value)
			parsed = parse_switch(value);
		else
			parsed = alone ? ON : UNSET;
		if (parsed != UNSET)
			setting = parsed;
	}
	return setting;
}

static bool has_root(const char *cmdline)
{
	const char *value;
	struct word word;

	while (next_word(&cmdline, &word) && !is_last(&word)) {
		if (is_setting(&word, "root", &value) && value)
			return true;
	}
	return false;
}

/*
 * Does the next kernel get the words that it needs? This one has them, but for
 * kho=on if it was configured so, and root= if its initramfs needs none.
 */
static int check(const char *next, const char *current)
{
	enum setting kho = find_switch(next, "kho", true);
	bool lacks_kho, lacks_luo;

	lacks_kho = kho == OFF ||
		    (kho == UNSET && find_switch(current, "kho", true) != UNSET);
	lacks_luo = find_switch(next, "liveupdate", false) != ON;
	if (lacks_kho || lacks_luo) {
		pr_err("the next kernel would take nothing over, its command line lacks \"%s%s%s\": %s",
		       lacks_kho ? "kho=on" : "",
		       lacks_kho && lacks_luo ? " " : "",
		       lacks_luo ? "liveupdate=on" : "", give_words);
		return -1;
	}
	if (has_root(current) && !has_root(next)) {
		pr_err("the next kernel would find no root file system, its command line lacks \"root=\", which this kernel's has: %s",
		       give_words);
		return -1;
	}
	if (strlen(next) > CMDLINE_LONGEST) {
		pr_err("the next kernel's command line has %zu bytes, and no more than %d can be loaded: give fewer words",
		       strlen(next), CMDLINE_LONGEST);
		return -1;
	}
	return 0;
}

static bool begins_with(const struct word *word, const char *text)
{
	return !strncmp(word->text, text, strlen(text));
}

/* Copy the words, but for what this boot was told by who started it. */
static void copy_words(FILE *to, const char *cmdline)
{
	struct word word;

	while (next_word(&cmdline, &word)) {
		if (!begins_with(&word, CMDLINE_LEFT) &&
		    !begins_with(&word, "BOOT_IMAGE=") &&
		    !begins_with(&word, "initrd="))
			fprintf(to, "%.*s ", (int)word.len, word.text);
	}
}

/*
 * The next kernel's command line: that of this kernel with @reuse, then the
 * words of @append. NULL when it lacks what it needs. Caller frees it.
 */
char *kexec_cmdline(bool reuse, const char *append)
{
	char current[CMDLINE_MAX], *cmdline = NULL;
	struct utsname uts;
	size_t len;
	FILE *f;

	if (read_cmdline(current, sizeof(current)))
		return NULL;
	f = open_memstream(&cmdline, &len);
	if (!f) {
		pr_err("out of memory");
		return NULL;
	}
	if (reuse)
		copy_words(f, current);
	if (append)
		fprintf(f, "%s ", append);
	uname(&uts);
	fprintf(f, CMDLINE_LEFT "%s", uts.release);
	fclose(f);
	if (!check(cmdline, current))
		return cmdline;
	free(cmdline);
	return NULL;
}

/* Did an update bring us here? Then tell from which kernel: the last one. */
bool kexec_left(char release[RELEASE_MAX])
{
	char current[CMDLINE_MAX];
	const char *at = current, *value;
	bool left = false;
	struct word word;

	if (read_cmdline(current, sizeof(current)))
		return false;
	while (next_word(&at, &word)) {
		if (!begins_with(&word, CMDLINE_LEFT))
			continue;
		value = word.text + strlen(CMDLINE_LEFT);
		snprintf(release, RELEASE_MAX, "%.*s",
			 (int)(word.text + word.len - value), value);
		left = true;
	}
	return left;
}

/* Does this kernel's command line have NAME, or NAME=VALUE that begins with @value? */
bool kexec_has(const char *name, const char *value)
{
	char current[CMDLINE_MAX];
	const char *at = current, *set;
	struct word word;

	if (read_cmdline(current, sizeof(current)))
		return false;
	while (next_word(&at, &word)) {
		if (is_setting(&word, name, &set) &&
		    (!*value || (set && !strncmp(set, value, strlen(value)))))
			return true;
	}
	return false;
}
