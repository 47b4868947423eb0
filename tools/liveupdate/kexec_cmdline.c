// SPDX-License-Identifier: GPL-2.0
/*
 * The next kernel's command line.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kexec_cmdline.h"
#include "lukeep.h"

#define CMDLINE_MAX	4096

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

/* What this boot was told by who started it, which is not the next boot's. */
static bool is_of_this_boot(const char *word)
{
	return !strncmp(word, CMDLINE_LEFT, strlen(CMDLINE_LEFT)) ||
	       !strncmp(word, "BOOT_IMAGE=", strlen("BOOT_IMAGE=")) ||
	       !strncmp(word, "initrd=", strlen("initrd="));
}

/* Leave out the words of this boot; what is quoted stays as it is. */
static void copy_words(FILE *to, char *words)
{
	bool quoted = false;
	char *word = words, *c;

	for (c = words; ; c++) {
		if (*c == '"')
			quoted = !quoted;
		if (*c && (*c != ' ' || quoted))
			continue;
		if (c > word && !is_of_this_boot(word))
			fprintf(to, "%.*s ", (int)(c - word), word);
		word = c + 1;
		if (!*c)
			return;
	}
}

/* The next kernel's command line. Caller frees it. */
char *kexec_cmdline(bool reuse, const char *append)
{
	char current[CMDLINE_MAX], *cmdline = NULL;
	struct utsname uts;
	size_t len;
	FILE *f;

	if (reuse && read_cmdline(current, sizeof(current)))
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
	return cmdline;
}

/* Did an update bring us here? Then tell from which kernel. */
bool kexec_left(char release[RELEASE_MAX])
{
	char current[CMDLINE_MAX], *word;

	if (read_cmdline(current, sizeof(current)))
		return false;
	word = strstr(current, CMDLINE_LEFT);
	if (!word)
		return false;
	word += strlen(CMDLINE_LEFT);
	snprintf(release, RELEASE_MAX, "%.*s", (int)strcspn(word, " "), word);
	return true;
}
