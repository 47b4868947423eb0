// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what the next kernel's image says: it may be anything.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/array_size.h>
#include <linux/elf.h>
#include <linux/kho_hooks.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../kho_internal.h"

/* An ELF file with notes of which the second says something. */
struct image {
	struct elf64_hdr ehdr;
	struct elf64_phdr phdr;
	struct {
		struct elf64_note note;
		char name[8];
		char desc[4];
	} other;
	struct {
		struct elf64_note note;
		char name[4];
		char desc[24];
	} takes;
};

#define DESC	"device-1\0kho=off pci=on"

static const struct image sound = {
	.ehdr = {
		.e_ident = ELFMAG "\x02\x01",
		.e_phoff = offsetof(struct image, phdr),
		.e_phnum = 1,
	},
	.phdr = {
		.p_type = PT_NOTE,
		.p_offset = offsetof(struct image, other),
		.p_filesz = sizeof(struct image) - offsetof(struct image, other),
	},
	.other = {
		.note = { .n_namesz = 6, .n_descsz = 4, .n_type = 0x100 },
		.name = "Linux",
	},
	.takes = {
		.note = {
			.n_namesz = sizeof(KHO_NOTE_NAME),
			.n_descsz = sizeof(DESC),
			.n_type = KHO_NOTE_TAKES,
		},
		.name = KHO_NOTE_NAME,
		.desc = DESC,
	},
};

static_assert(sizeof(DESC) == 24);

/* With the memory of the image ending where the image does. */
static unsigned int nr_taken(struct kunit *test, const struct image *image,
			     size_t len, const char *cmdline)
{
	struct kho_kimage kho = { .nr_takes = KHO_TAKES_MAX };
	void *elf = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, elf);
	memcpy(elf, image, len);
	kho_next_read(&kho, elf, len, cmdline);
	kunit_kfree(test, elf);
	if (kho.nr_takes == 1)
		KUNIT_EXPECT_STREQ(test, kho.takes[0], "device-1");
	return kho.nr_takes;
}

static void expect_taken(struct kunit *test, const char *cmdline, unsigned int nr)
{
	KUNIT_EXPECT_EQ_MSG(test, nr, nr_taken(test, &sound, sizeof(sound), cmdline),
			    "%s", cmdline);
}

static void what_is_on_is_taken(struct kunit *test)
{
	expect_taken(test, "kho=on", 1);
	expect_taken(test, "quiet kho=1 -- kho=off", 1);
	expect_taken(test, "kho=off kho=on\n", 1);
	expect_taken(test, "\tkho=Yes  pci=nomsi xkho=off kho=", 1);
	expect_taken(test, "kho=on kho pci=noacpi,on kho=what", 1);
}

static void what_is_off_is_not(struct kunit *test)
{
	expect_taken(test, NULL, 0);
	expect_taken(test, "", 0);
	expect_taken(test, "quiet kho", 0);
	expect_taken(test, "kho=on kho=0", 0);
	expect_taken(test, "kho=on kho=NO", 0);
	expect_taken(test, "xkho=on khox=on -- kho=on", 0);
	expect_taken(test, "kho=on pci=nomsi,off", 0);
	expect_taken(test, "kho=on pci=off,nomsi", 0);
	expect_taken(test, "kho=on pci=,off", 0);
}

/* As kstrtobool() does, of the whole value. */
static void own_parameters_are_read_by_their_beginning(struct kunit *test)
{
	expect_taken(test, "kho=onward", 1);
	expect_taken(test, "kho=true,off", 1);
	expect_taken(test, "kho=on kho=nope", 0);
	expect_taken(test, "kho=on kho=off,on", 0);
	expect_taken(test, "kho=on kho=Fine", 0);
}

static void words_of_others_do_not_take_off_back(struct kunit *test)
{
	expect_taken(test, "kho=on pci=off,on", 0);
	expect_taken(test, "kho=on pci=off pci=on", 0);
	expect_taken(test, "kho=on pci=offline", 0);
	expect_taken(test, "kho=on pci=OFF pci=no pci=0", 1);
}

static void a_bootconfig_may_say_anything(struct kunit *test)
{
	expect_taken(test, "kho=on bootconfig", 0);
	expect_taken(test, "bootconfig=off kho=on", 0);
	expect_taken(test, "kho=on xbootconfig -- bootconfig", 1);
}

static void quotes_are_those_of_the_next_kernel(struct kunit *test)
{
	expect_taken(test, "kho=\"on\"", 1);
	expect_taken(test, "\"kho=on\"", 1);
	expect_taken(test, "kho=on pci=\"off\"", 0);
	expect_taken(test, "kho=on x=\"1 kho=off\"", 1);
	expect_taken(test, "x=\"1 kho=on\"", 0);
	expect_taken(test, "kho=on x=\" -- \" kho=off", 0);
}

static void expect_nothing(struct kunit *test, const struct image *image)
{
	KUNIT_EXPECT_EQ(test, 0, nr_taken(test, image, sizeof(*image), "kho=on"));
}

static void malformed_files_take_nothing(struct kunit *test)
{
	struct image image;

#define EXPECT_NOTHING(field, value) do {	\
	image = sound;				\
	image.field = value;			\
	expect_nothing(test, &image);		\
} while (0)
	EXPECT_NOTHING(ehdr.e_ident[0], 0);
	EXPECT_NOTHING(ehdr.e_ident[EI_CLASS], ELFCLASS32);
	EXPECT_NOTHING(ehdr.e_phoff, sizeof(image));
	EXPECT_NOTHING(ehdr.e_phoff, -8ULL);
	EXPECT_NOTHING(ehdr.e_phoff, 1);
	EXPECT_NOTHING(ehdr.e_phnum, 0);
	EXPECT_NOTHING(ehdr.e_phnum, 33);
	EXPECT_NOTHING(phdr.p_type, PT_LOAD);
	EXPECT_NOTHING(phdr.p_offset, -4ULL);
	EXPECT_NOTHING(phdr.p_offset, 2);
	EXPECT_NOTHING(phdr.p_filesz, sizeof(image));
	EXPECT_NOTHING(phdr.p_filesz, -1ULL);
	EXPECT_NOTHING(phdr.p_filesz, sizeof(image.other));
	EXPECT_NOTHING(other.note.n_namesz, -1U);
	EXPECT_NOTHING(other.note.n_descsz, -1U);
	EXPECT_NOTHING(takes.note.n_type, 2);
	EXPECT_NOTHING(takes.note.n_namesz, 3);
	EXPECT_NOTHING(takes.note.n_descsz, 25);
	EXPECT_NOTHING(takes.note.n_descsz, 0);
	EXPECT_NOTHING(takes.note.n_descsz, 4);
	EXPECT_NOTHING(takes.note.n_descsz, 8);
	EXPECT_NOTHING(takes.note.n_descsz, 9);
	EXPECT_NOTHING(takes.name[3], 'X');
	EXPECT_NOTHING(takes.desc[0], 0);
	EXPECT_NOTHING(takes.desc[8], 'x');
	EXPECT_NOTHING(takes.desc[20], 0);
	EXPECT_NOTHING(takes.desc[23], 'x');
#undef EXPECT_NOTHING
}

static void short_files_take_nothing(struct kunit *test)
{
	for (size_t len = 0; len < sizeof(sound); len++)
		KUNIT_EXPECT_EQ(test, 0, nr_taken(test, &sound, len, "kho=on"));
}

static void names_that_are_too_long_are_not_taken(struct kunit *test)
{
	struct {
		struct image image;
		char rest[64];
	} *long_name = kunit_kzalloc(test, sizeof(*long_name), GFP_KERNEL);
	struct kho_kimage kho = {};

	KUNIT_ASSERT_NOT_NULL(test, long_name);
	long_name->image = sound;
	long_name->image.phdr.p_filesz += sizeof(long_name->rest);
	long_name->image.takes.note.n_descsz = KHO_TAKES_LENGTH + 2;
	memset(long_name->image.takes.desc, 'x', KHO_TAKES_LENGTH);
	kho_next_read(&kho, long_name, sizeof(*long_name), "kho=on");
	KUNIT_EXPECT_EQ(test, 0, kho.nr_takes);

	long_name->image.takes.note.n_descsz--;
	long_name->image.takes.desc[KHO_TAKES_LENGTH - 1] = '\0';
	kho_next_read(&kho, long_name, sizeof(*long_name), "kho=on");
	KUNIT_EXPECT_EQ(test, 1, kho.nr_takes);
}

/* No more than there is room for, and nothing but what is in the file. */
static void random_damage_does_no_harm(struct kunit *test)
{
	struct rnd_state rnd;
	struct image image;
	int i, nr;

	prandom_seed_state(&rnd, 20);
	for (i = 0; i < 5000; i++) {
		struct kho_kimage kho = {};

		image = sound;
		for (nr = prandom_u32_state(&rnd) % 4; nr >= 0; nr--)
			((u8 *)&image)[prandom_u32_state(&rnd) % sizeof(image)] =
				prandom_u32_state(&rnd);
		kho_next_read(&kho, &image, sizeof(image), "kho=on");
		KUNIT_ASSERT_LE(test, kho.nr_takes, 1);
	}
}

static struct kunit_case kho_next_test_cases[] = {
	KUNIT_CASE(what_is_on_is_taken),
	KUNIT_CASE(what_is_off_is_not),
	KUNIT_CASE(own_parameters_are_read_by_their_beginning),
	KUNIT_CASE(words_of_others_do_not_take_off_back),
	KUNIT_CASE(a_bootconfig_may_say_anything),
	KUNIT_CASE(quotes_are_those_of_the_next_kernel),
	KUNIT_CASE(malformed_files_take_nothing),
	KUNIT_CASE(short_files_take_nothing),
	KUNIT_CASE(names_that_are_too_long_are_not_taken),
	KUNIT_CASE(random_damage_does_no_harm),
	{}
};

static struct kunit_suite kho_next_test_suite = {
	.name = "kho_next",
	.test_cases = kho_next_test_cases,
};

kunit_test_suite(kho_next_test_suite);

MODULE_DESCRIPTION("KUnit tests of what the next kernel takes over");
MODULE_LICENSE("GPL");
