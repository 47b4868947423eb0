// SPDX-License-Identifier: GPL-2.0
/*
 * The files that services need when they resume in the initramfs.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "early_files.h"
#include "message.h"
#include "names.h"
#include "words.h"

/* What a command names that is larger is data, and no program. */
#define FILE_MAX	(64 << 20)

#define QEMU		"qemu-system-"

/* What QEMU opens by itself for a PC without a screen; each may be missing. */
static const char * const qemu_files[] = {
	"/usr/share/seabios/bios-256k.bin",
	"/usr/share/seabios/vgabios-stdvga.bin",
	"/usr/share/qemu/bios-256k.bin",
	"/usr/share/qemu/kvmvapic.bin",
	"/usr/share/qemu/linuxboot_dma.bin",
	"/usr/share/qemu/multiboot_dma.bin",
	"/usr/share/qemu/efi-virtio.rom",
	"/usr/lib/ipxe/qemu/efi-virtio.rom",
	"/usr/lib/*/qemu/accel-*.so",
	"/usr/lib/qemu/qemu-bridge-helper",
	"/etc/qemu/bridge.conf",
	NULL,
};

/**
 * struct finder - what is done with files
 * @found: called with each
 * @user:  for @found
 */
struct finder {
	void (*found)(void *user, const char *path);
	void *user;
};

/* Where a program is, as execvp(3) finds it; false if nowhere. */
static bool find_program(char path[PATH_MAX], const char *name)
{
	char *folders = strdup(getenv("PATH") ?: ""), *rest = folders, *folder;
	bool there = false;
	struct stat st;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		there = *name == '/' && !stat(path, &st) &&
			S_ISREG(st.st_mode) && st.st_size <= FILE_MAX;
	}
	while (!there && !strchr(name, '/') && (folder = strsep(&rest, ":"))) {
		snprintf(path, PATH_MAX, "%s/%s", folder, name);
		there = *name && !stat(path, &st) && S_ISREG(st.st_mode) &&
			!access(path, X_OK);
	}
	free(folders);
	return there;
}

static void find_pattern(const struct finder *f, const char *pattern)
{
	glob_t files;
	size_t i;

	if (glob(pattern, 0, NULL, &files))
		return;
	for (i = 0; i < files.gl_pathc; i++)
		f->found(f->user, files.gl_pathv[i]);
	globfree(&files);
}

/* Programs that a command runs may be any of its words. */
static void find_words(const struct finder *f, const char *command)
{
	char **words, **word, path[PATH_MAX], *name;
	const char * const *file;
	const char *error;

	words = command ? words_split(command, false, &error) : NULL;
	for (word = words; word && *word; word++) {
		if (!find_program(path, *word))
			continue;
		f->found(f->user, path);
		name = strrchr(path, '/') + 1;
		for (file = qemu_files;
		     *file && !strncmp(name, QEMU, strlen(QEMU)); file++)
			find_pattern(f, *file);
	}
	words_free(words);
}

/* Call @found for each file that @svc needs, as it is on this host. */
void early_files(const struct service *svc,
		 void (*found)(void *user, const char *path), void *user)
{
	const struct finder f = { .found = found, .user = user };
	char **words, **word;
	const char *error;

	find_words(&f, svc->resume);
	find_words(&f, svc->ready_command);
	words = svc->early_files ? words_split(svc->early_files, false, &error) :
				   NULL;
	for (word = words; word && *word; word++)
		find_pattern(&f, *word);
	words_free(words);
}

/**
 * struct comparison - what is in the initramfs, and as it is on this host
 * @made:  when the initramfs was made
 * @file:  the declaration
 * @newer: something is newer
 */
struct comparison {
	time_t made;
	const char *file;
	bool newer;
};

static void find_newest(void *user, const char *path)
{
	struct comparison *c = user;
	struct stat st;

	if (!stat(path, &st) && st.st_mtime > c->made)
		c->made = st.st_mtime;
}

/* By the time of its last change: a package's files are older than its installation. */
static void compare(void *user, const char *path)
{
	struct comparison *c = user;
	struct stat st;

	if (c->newer || stat(path, &st) || st.st_ctime <= c->made)
		return;
	c->newer = true;
	pr_warn("%s: %s is newer than the initramfs, which has to have it: \"update-initramfs -u -k all\", or \"dracut --force\"",
		c->file, path);
}

/*
 * Has something changed since this initramfs was made, or with NULL the newest in /boot?
 * What, is said.
 */
bool early_files_are_newer(const struct service *svc, const char *file,
			   const char *initrd)
{
	struct comparison c = { .file = file };
	const struct finder f = { .found = find_newest, .user = &c };

	if (!svc->early)
		return false;
	if (initrd) {
		find_newest(&c, initrd);
	} else {
		find_pattern(&f, "/boot/initrd.img-*");
		find_pattern(&f, "/boot/initramfs-*");
	}
	if (!c.made)	/* it is elsewhere */
		return false;
	compare(&c, file);
	early_files(svc, compare, &c);
	return c.newer;
}

static void print_path(void *user, const char *path)
{
	(void)user;
	puts(path);
}

static void print_service(void *user, const char *name)
{
	const char *conf_dir = user;
	struct service *svc = declaration_read(conf_dir, name);

	if (svc && svc->early) {
		printf("%s/%s" CONFIG_SUFFIX "\n", conf_dir, name);
		early_files(svc, print_path, NULL);
	}
	declaration_free(svc);
}

/* Print what the initramfs needs, for those who make it; libraries they find. */
int early_files_print(const char *conf_dir)
{
	if (names_find(conf_dir, CONFIG_SUFFIX, print_service,
		       (void *)conf_dir) >= 0)
		return EXIT_SUCCESS;
	pr_err("cannot read the folder %s: %s", conf_dir, strerror(errno));
	return EXIT_FAILURE;
}
