// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how a kernel that was decompressed is laid out and relocated:
 * a small one, as it should be and damaged.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/elf.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/kho_unpack.h>
#include <asm/page.h>

#define BASE		0x1000000UL
#define ROOM		SZ_16K
#define TEXT_FROM	0x1000	/* in the file */
#define TEXT_SIZE	0x800
#define DATA_FROM	0x2000
#define DATA_AT		0x1000	/* in memory */
#define DATA_SIZE	0x400
#define BSS_SIZE	0x800
#define SHDRS		0x2400
#define TABLE		(SHDRS + 2 * sizeof(struct elf64_shdr))
#define ENTRY		0x40
#define DELTA		0x600000L

/* Nobody may write behind the image. */
#define GUARD_SIZE	SZ_4K
#define GUARD		0xa5

#define AT(offset)	((s32)(__START_KERNEL_map + BASE + (offset)))

struct image {
	struct elf64_hdr ehdr;
	struct elf64_phdr note, text, data;
};

static const s32 three_lists[] = {
	0, AT(0x10), AT(DATA_AT + 4), 0, AT(0x20), 0, AT(0x30),
	AT(DATA_AT + DATA_SIZE - 4),
};

static const s32 two_lists[] = { 0, AT(0x10), 0, AT(0x30) };

static void make(struct kho_vmlinux *kernel, const s32 *table, size_t bytes)
{
	struct image *image = kernel->buf;

	memset(kernel->buf, 0, TABLE);
	image->ehdr = (struct elf64_hdr) {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
		.e_machine = EM_X86_64,
		.e_entry = BASE + ENTRY,
		.e_phoff = offsetof(struct image, note),
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = 3,
		.e_shoff = SHDRS,
		.e_shentsize = sizeof(struct elf64_shdr),
		.e_shnum = 2,
	};
	image->note.p_type = PT_NOTE;
	image->text = (struct elf64_phdr) {
		.p_type = PT_LOAD,
		.p_offset = TEXT_FROM,
		.p_paddr = BASE,
		.p_filesz = TEXT_SIZE,
		.p_memsz = TEXT_SIZE,
		.p_align = SZ_2M,
	};
	image->data = (struct elf64_phdr) {
		.p_type = PT_LOAD,
		.p_offset = DATA_FROM,
		.p_paddr = BASE + DATA_AT,
		.p_filesz = DATA_SIZE,
		.p_memsz = DATA_SIZE + BSS_SIZE,
		.p_align = SZ_2M,
	};
	memset(kernel->buf + TEXT_FROM, 't', TEXT_SIZE);
	memset(kernel->buf + DATA_FROM, 'd', DATA_SIZE);
	memcpy(kernel->buf + TABLE, table, bytes);
	kernel->len = TABLE + bytes;
	kernel->base = BASE;
	kernel->room = ROOM;
	memset(kernel->buf + kernel->len, GUARD, GUARD_SIZE);
}

static struct kho_vmlinux *new_kernel(struct kunit *test)
{
	struct kho_vmlinux *kernel;

	kernel = kunit_kzalloc(test, sizeof(*kernel), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kernel);
	kernel->buf = kunit_kzalloc(test, TABLE + sizeof(three_lists) +
				    GUARD_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kernel->buf);
	make(kernel, three_lists, sizeof(three_lists));

	return kernel;
}

static bool guarded(const struct kho_vmlinux *kernel)
{
	return !memchr_inv(kernel->buf + kernel->len, GUARD, GUARD_SIZE);
}

static void segments_go_where_they_belong(struct kunit *test)
{
	struct kho_vmlinux *kernel = new_kernel(test);
	void *buf = kernel->buf;

	KUNIT_ASSERT_NULL(test, kho_vmlinux_lay_out(kernel));
	KUNIT_EXPECT_EQ(test, kernel->size, (size_t)DATA_AT + DATA_SIZE);
	KUNIT_EXPECT_EQ(test, kernel->entry, (size_t)ENTRY);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 't', TEXT_SIZE));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + TEXT_SIZE, 0,
					   DATA_AT - TEXT_SIZE));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + DATA_AT, 'd', DATA_SIZE));
	KUNIT_EXPECT_TRUE(test, kho_vmlinux_relocatable(kernel));
	KUNIT_EXPECT_TRUE(test, guarded(kernel));
}

static u64 get(const struct kho_vmlinux *kernel, size_t offset, size_t width)
{
	u64 value = 0;

	memcpy(&value, kernel->buf + offset, width);

	return value;
}

static void each_list_is_relocated(struct kunit *test)
{
	struct kho_vmlinux *kernel = new_kernel(test);
	const u64 t64 = 0x7474747474747474, d64 = 0x6464646464646464;
	const u32 t32 = 0x74747474, d32 = 0x64646464;

	KUNIT_ASSERT_NULL(test, kho_vmlinux_lay_out(kernel));
	KUNIT_ASSERT_NULL(test, kho_vmlinux_relocate(kernel, DELTA));
	KUNIT_EXPECT_EQ(test, get(kernel, 0x10, 8), t64 + DELTA);
	KUNIT_EXPECT_EQ(test, get(kernel, DATA_AT + 4, 8), d64 + DELTA);
	KUNIT_EXPECT_EQ(test, get(kernel, 0x20, 4), t32 - DELTA);
	KUNIT_EXPECT_EQ(test, get(kernel, 0x24, 4), t32);
	KUNIT_EXPECT_EQ(test, get(kernel, 0x30, 4), t32 + DELTA);
	KUNIT_EXPECT_EQ(test, get(kernel, DATA_AT + DATA_SIZE - 4, 4),
			d32 + DELTA);
	KUNIT_EXPECT_TRUE(test, guarded(kernel));

	make(kernel, two_lists, sizeof(two_lists));
	KUNIT_ASSERT_NULL(test, kho_vmlinux_lay_out(kernel));
	KUNIT_ASSERT_NULL(test, kho_vmlinux_relocate(kernel, DELTA));
	KUNIT_EXPECT_EQ(test, get(kernel, 0x10, 8), t64 + DELTA);
	KUNIT_EXPECT_EQ(test, get(kernel, 0x20, 4), t32);
	KUNIT_EXPECT_EQ(test, get(kernel, 0x30, 4), t32 + DELTA);
}

static void malformed_tables_are_refused(struct kunit *test)
{
	static const s32 tables[][5] = {
		{ AT(0x10), 0, AT(0x10), 0, AT(0x30) },	/* begins with no 0 */
		{ 0, AT(0x10), AT(0x10), AT(0x20), AT(0x30) },	/* one list */
		{ 0, 0, 0, 0, AT(0x30) },		/* four lists */
		{ 0, AT(-8), 0, 0, AT(0x30) },
		{ 0, AT(DATA_AT + DATA_SIZE - 7), 0, 0, AT(0x30) },
		{ 0, 0, AT(DATA_AT + DATA_SIZE - 3), 0, AT(0x30) },
		{ 0, 0, AT(0x10), 0, AT(DATA_AT + DATA_SIZE) },
		{ 0, 0, AT(0x10), 0, 42 },
	};
	struct kho_vmlinux *kernel = new_kernel(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		make(kernel, tables[i], sizeof(tables[i]));
		KUNIT_ASSERT_NULL(test, kho_vmlinux_lay_out(kernel));
		KUNIT_EXPECT_NOT_NULL_MSG(test,
					  kho_vmlinux_relocate(kernel, DELTA),
					  "table %u", i);
		KUNIT_EXPECT_TRUE(test, guarded(kernel));
	}

	make(kernel, three_lists, sizeof(three_lists) - 1);
	KUNIT_ASSERT_NULL(test, kho_vmlinux_lay_out(kernel));
	KUNIT_EXPECT_NOT_NULL(test, kho_vmlinux_relocate(kernel, DELTA));
}

static void without_a_table_nothing_is_relocated(struct kunit *test)
{
	struct kho_vmlinux *kernel = new_kernel(test);

	make(kernel, NULL, 0);
	KUNIT_ASSERT_NULL(test, kho_vmlinux_lay_out(kernel));
	KUNIT_EXPECT_FALSE(test, kho_vmlinux_relocatable(kernel));
	KUNIT_EXPECT_NOT_NULL(test, kho_vmlinux_relocate(kernel, DELTA));
	KUNIT_EXPECT_NULL(test, kho_vmlinux_relocate(kernel, 0));
}

/* Makes one field wrong; there are as many as @nr may be. */
static bool edit(struct image *image, unsigned int nr)
{
	switch (nr) {
	case 0:
		image->ehdr.e_ident[EI_MAG1] = 'e';
		break;
	case 1:
		image->ehdr.e_ident[EI_CLASS] = ELFCLASS32;
		break;
	case 2:
		image->ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
		break;
	case 3:
		image->ehdr.e_machine = EM_AARCH64;
		break;
	case 4:
		image->ehdr.e_phentsize = 32;
		break;
	case 5:
		image->ehdr.e_shentsize = 40;
		break;
	case 6:
		image->ehdr.e_phnum = 0;
		break;
	case 7:
		image->ehdr.e_phnum = 0xffff;
		break;
	case 8:
		image->ehdr.e_phoff = TABLE;
		break;
	case 9:
		image->ehdr.e_phoff = U64_MAX;
		break;
	case 10:
		image->ehdr.e_shoff = U64_MAX - 64;
		break;
	case 11:
		image->ehdr.e_shnum = 0xffff;
		break;
	case 12:
		image->ehdr.e_entry = BASE - 1;
		break;
	case 13:
		image->ehdr.e_entry = BASE + DATA_AT + DATA_SIZE;
		break;
	case 14:	/* nothing at the beginning */
		image->text.p_type = PT_NOTE;
		break;
	case 15:
		image->text.p_align = SZ_4K;
		break;
	case 16:
		image->text.p_filesz = TEXT_SIZE + 1;
		break;
	case 17:
		image->text.p_paddr = BASE - SZ_2M;
		break;
	case 18:
		image->text.p_paddr = BASE + DATA_AT + DATA_SIZE;
		break;
	case 19:
		image->data.p_offset = TEXT_FROM + TEXT_SIZE - 1;
		break;
	case 20:
		image->data.p_offset = U64_MAX - 1;
		break;
	case 21:
		image->data.p_offset = TABLE - DATA_SIZE + 1;
		break;
	case 22:
		image->data.p_paddr = BASE + TEXT_SIZE - 1;
		break;
	case 23:
		image->data.p_paddr = BASE + DATA_FROM + 1;
		break;
	case 24:
		image->data.p_paddr = U64_MAX;
		break;
	case 25:
		image->data.p_filesz = U64_MAX;
		break;
	case 26:
		image->data.p_memsz = ROOM - DATA_AT + 1;
		break;
	default:
		return false;
	}

	return true;
}

static void malformed_elf_files_are_refused(struct kunit *test)
{
	struct kho_vmlinux *kernel = new_kernel(test);
	unsigned int nr;

	for (nr = 0; edit(kernel->buf, nr); nr++) {
		KUNIT_EXPECT_NOT_NULL_MSG(test, kho_vmlinux_lay_out(kernel),
					  "edit %u", nr);
		KUNIT_EXPECT_TRUE(test, guarded(kernel));
		make(kernel, three_lists, sizeof(three_lists));
	}
}

static void truncated_files_are_refused(struct kunit *test)
{
	struct kho_vmlinux *kernel = new_kernel(test);
	size_t len;

	for (len = 0; len < TABLE; len += 61) {
		make(kernel, NULL, 0);
		kernel->len = len;
		KUNIT_EXPECT_NOT_NULL_MSG(test, kho_vmlinux_lay_out(kernel),
					  "%zu bytes", len);
	}
}

/* Whatever comes of it, nothing outside of the image is touched. */
static void damage_does_no_harm(struct kunit *test)
{
	struct kho_vmlinux *kernel = new_kernel(test);
	unsigned int i, nr;
	struct rnd_state rnd;
	size_t at;

	prandom_seed_state(&rnd, 42);
	for (i = 0; i < 5000; i++) {
		make(kernel, three_lists, sizeof(three_lists));
		for (nr = 1 + i % 4; nr--;) {
			at = prandom_u32_state(&rnd) %
			     (sizeof(struct image) + sizeof(three_lists));
			if (at >= sizeof(struct image))
				at += TABLE - sizeof(struct image);
			((u8 *)kernel->buf)[at] = prandom_u32_state(&rnd);
		}
		if (!kho_vmlinux_lay_out(kernel)) {
			KUNIT_ASSERT_LE(test, kernel->size, kernel->elf_len);
			KUNIT_ASSERT_LT(test, kernel->entry, kernel->size);
			kho_vmlinux_relocate(kernel, DELTA);
		}
		KUNIT_ASSERT_TRUE(test, guarded(kernel));
	}
}

static struct kunit_case kho_vmlinux_cases[] = {
	KUNIT_CASE(segments_go_where_they_belong),
	KUNIT_CASE(each_list_is_relocated),
	KUNIT_CASE(malformed_tables_are_refused),
	KUNIT_CASE(without_a_table_nothing_is_relocated),
	KUNIT_CASE(malformed_elf_files_are_refused),
	KUNIT_CASE(truncated_files_are_refused),
	KUNIT_CASE(damage_does_no_harm),
	{}
};

static struct kunit_suite kho_vmlinux_suite = {
	.name = "kho_vmlinux",
	.test_cases = kho_vmlinux_cases,
};

kunit_test_suite(kho_vmlinux_suite);

MODULE_DESCRIPTION("KUnit tests of a kernel that was decompressed for a kexec");
MODULE_LICENSE("GPL");
