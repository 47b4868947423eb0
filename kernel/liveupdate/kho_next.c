// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): what the next kernel says that it takes over.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: What the next kernel takes
 *
 * Memory that is preserved is safe in the hands of any kernel with KHO. A device that
 * goes on writing to memory is not: the next kernel must know of it. So kernels say by
 * ELF notes in their image what they take over of that kind, and which parameters
 * switch that off, see KHO_TAKES(). The notes are read when the image is loaded and
 * unpacked, together with the command line. A kernel whose image is not unpacked, or
 * has no such notes, takes nothing.
 */

#include <linux/align.h>
#include <linux/cleanup.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/kho_hooks.h>
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/kho/abi/image.h>

#include "../kexec_internal.h"
#include "kho_internal.h"

/* A kernel has five program headers. */
#define PHDRS_MAX	32

/* Parameters in a note. */
#define PARAMS_MAX	8

/**
 * struct param - a parameter that must be on
 * @name:     its name
 * @len:      of @name
 * @by_words: its value is a list of words, of which "on" and "off" count
 * @locked:   "off" cannot be taken back
 * @on:       what it is after all that was read so far
 */
struct param {
	const char *name;
	size_t len;
	bool by_words;
	bool locked;
	bool on;
};

/* Is [start, start + size) within the first @len bytes? */
static bool within(u64 start, u64 size, u64 len)
{
	return start <= len && size <= len - start;
}

/*
 * Some parameters are off with any word that begins with "off". What begins with "on"
 * is not relied on, nor are capital letters.
 */
static void read_words(struct param *param, const char *value)
{
	size_t len;

	for (; *value; value += len + !!value[len]) {
		len = strcspn(value, ",");
		if (!strncmp(value, "off", 3))
			param->on = false;
		else if (len == 2 && !strncmp(value, "on", 2) && !param->locked)
			param->on = true;
	}
}

/*
 * KHO and LUO read their own as kstrtobool() does. Others look for words. Most of them
 * that are on by default know no word that takes "off" back.
 */
static void set_default(struct param *param, const char *value)
{
	param->by_words = strncmp(param->name, "kho=", 4) &&
			  strncmp(param->name, "liveupdate=", 11);
	param->on = !strncmp(value, "on", 2);
	param->locked = param->on;
}

/* Of @params, each NAME=DEFAULT. Returns how many, or -EINVAL. */
static int read_params(const char *params, struct param *param)
{
	static const char blanks[] = " \t\n";
	int nr = 0;

	for (; *(params += strspn(params, blanks));
	     params += strcspn(params, blanks)) {
		if (nr == PARAMS_MAX)
			return -EINVAL;
		param[nr].name = params;
		param[nr].len = strcspn(params, "= \t\n");
		if (params[param[nr].len] != '=')
			return -EINVAL;
		set_default(&param[nr], params + param[nr].len + 1);
		nr++;
	}

	return nr;
}

static void read_value(struct param *param, int nr, const char *name,
		       const char *value)
{
	bool on;

	for (; nr--; param++) {
		if (strlen(name) != param->len ||
		    !parameqn(name, param->name, param->len))
			continue;
		if (param->by_words)
			read_words(param, value);
		else if (kstrtobool(value, &on) == 0)
			param->on = on;
	}
}

/*
 * As parse_args() does in the next kernel. What follows "--" is for init. Returns false
 * when there are more parameters elsewhere, in a bootconfig.
 */
static bool read_cmdline(struct param *params, int nr, char *cmdline)
{
	char *name, *value;

	cmdline = skip_spaces(cmdline);
	while (*cmdline) {
		cmdline = next_arg(cmdline, &name, &value);
		if (!strcmp(name, "bootconfig"))
			return false;
		if (value)
			read_value(params, nr, name, value);
		else if (!strcmp(name, "--"))
			break;
	}

	return true;
}

/* Are all of @params on? It may be that nobody knows; then not. */
static bool all_on(const char *params, const char *cmdline)
{
	char *copy __free(kfree) = kstrdup(cmdline, GFP_KERNEL);
	struct param param[PARAMS_MAX];
	int nr = read_params(params, param);

	if (!copy || nr < 0 || !read_cmdline(param, nr, copy))
		return false;
	while (nr--)
		if (!param[nr].on)
			return false;

	return true;
}

static void take_note(struct kho_kimage *kho, const char *desc, size_t len,
		      const char *cmdline)
{
	size_t name_len = strnlen(desc, len);
	const char *params = desc + name_len + 1;

	/* The two strings, each with its NUL, are all that there is. */
	if (!name_len || name_len >= KHO_TAKES_LENGTH || name_len == len ||
	    strnlen(params, len - name_len - 1) != len - name_len - 2)
		return;

	if (kho->nr_takes < KHO_TAKES_MAX && all_on(params, cmdline))
		strscpy(kho->takes[kho->nr_takes++], desc);
}

static void read_notes(struct kho_kimage *kho, const void *notes, size_t len,
		       const char *cmdline)
{
	const struct elf64_note *note;
	u64 name, desc, next;
	u64 at = 0;

	/* Sizes have 32 bits, so nothing overflows. */
	for (; within(at, sizeof(*note), len); at = next) {
		note = notes + at;
		name = at + sizeof(*note);
		desc = name + ALIGN((u64)note->n_namesz, 4);
		next = desc + ALIGN((u64)note->n_descsz, 4);
		if (!within(desc, note->n_descsz, len))
			return;
		if (note->n_type == KHO_NOTE_TAKES &&
		    note->n_namesz == sizeof(KHO_NOTE_NAME) &&
		    !memcmp(notes + name, KHO_NOTE_NAME, sizeof(KHO_NOTE_NAME)))
			take_note(kho, notes + desc, note->n_descsz, cmdline);
	}
}

/**
 * kho_next_read - read what the kernel in an image takes over
 * @kho:     of the image; set to what it takes
 * @elf:     the kernel's ELF file, which is not believed
 * @len:     its bytes
 * @cmdline: the command line of the kernel, or NULL
 */
void kho_next_read(struct kho_kimage *kho, const void *elf, size_t len,
		   const char *cmdline)
{
	const struct elf64_hdr *ehdr = elf;
	const struct elf64_phdr *phdr;
	unsigned int i;

	kho->nr_takes = 0;
	if (len < sizeof(*ehdr) || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) ||
	    ehdr->e_ident[EI_CLASS] != ELFCLASS64 || ehdr->e_phnum > PHDRS_MAX ||
	    ehdr->e_phoff % sizeof(u64) ||
	    !within(ehdr->e_phoff, ehdr->e_phnum * sizeof(*phdr), len))
		return;

	phdr = elf + ehdr->e_phoff;
	for (i = 0; i < ehdr->e_phnum; i++)
		if (phdr[i].p_type == PT_NOTE && !(phdr[i].p_offset % sizeof(u32)) &&
		    within(phdr[i].p_offset, phdr[i].p_filesz, len))
			read_notes(kho, elf + phdr[i].p_offset,
				   phdr[i].p_filesz, cmdline ?: "");
}

/**
 * kho_next_takes - does the kernel in an image take something over?
 * @image:      a kexec image
 * @compatible: what, as in KHO_TAKES()
 *
 * Return: whether it says so.
 */
bool kho_next_takes(const struct kimage *image, const char *compatible)
{
	unsigned int i;

	for (i = 0; i < image->kho.nr_takes; i++)
		if (!strcmp(image->kho.takes[i], compatible))
			return true;

	return false;
}

/**
 * kho_loaded_takes - does the kernel that is loaded take something over?
 * @compatible: what, as in KHO_TAKES()
 *
 * While an image is being loaded nobody knows. This image may have been compared with
 * what is preserved already, and is not compared with what the caller is about to
 * preserve before luo_freeze() does so, with kexec and all sessions locked. So the
 * refusal comes late then, but it comes.
 *
 * Return: false when one is loaded that does not say so. True also when nobody knows.
 */
bool kho_loaded_takes(const char *compatible)
{
	bool takes;

	if (!kexec_trylock())
		return true;
	takes = !kexec_image || kho_next_takes(kexec_image, compatible);
	kexec_unlock();

	return takes;
}
