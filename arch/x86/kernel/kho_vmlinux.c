// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): lays out and relocates a kernel that was decompressed.
 *
 * Does what arch/x86/boot/compressed/misc.c of that kernel would do. It comes
 * from outside: nothing in it is believed before it is checked.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/cleanup.h>
#include <linux/elf.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include <asm/kho_unpack.h>
#include <asm/page.h>

/* A kernel has five. */
#define PHDRS_MAX	32

/* Lists of relocations: 64-bit, of some kernels inverse 32-bit, and 32-bit. */
#define LISTS_MAX	3

static const char bad_elf[] = "its ELF file is malformed";
static const char bad_table[] = "its table of relocations is malformed";

/* Is [start, start + size) within the first @len bytes? */
static bool within(u64 start, u64 size, u64 len)
{
	return start <= len && size <= len - start;
}

/* The ELF file ends with the table of sections. */
static bool find_elf_end(struct kho_vmlinux *kernel)
{
	const struct elf64_hdr *ehdr = kernel->buf;
	u64 size;

	if (kernel->len < sizeof(*ehdr) ||
	    memcmp(ehdr->e_ident, ELFMAG, SELFMAG) ||
	    ehdr->e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr->e_machine != EM_X86_64 ||
	    ehdr->e_shentsize != sizeof(struct elf64_shdr) ||
	    ehdr->e_phentsize != sizeof(struct elf64_phdr) ||
	    !ehdr->e_phnum || ehdr->e_phnum > PHDRS_MAX)
		return false;

	size = ehdr->e_shnum * sizeof(struct elf64_shdr);
	if (!within(ehdr->e_shoff, size, kernel->len))
		return false;

	kernel->elf_len = ehdr->e_shoff + size;

	return within(ehdr->e_phoff, ehdr->e_phnum * sizeof(struct elf64_phdr),
		      kernel->elf_len);
}

/*
 * A segment moves down or stays, and segments have the same order in the file
 * and in memory. So none overwrites another that is still to be moved.
 */
static bool segment_moves(const struct kho_vmlinux *kernel,
			  const struct elf64_phdr *phdr, u64 file_end)
{
	u64 offset;

	if (phdr->p_align % SZ_2M || phdr->p_filesz > phdr->p_memsz ||
	    check_sub_overflow(phdr->p_paddr, kernel->base, &offset))
		return false;

	/* The first one is where the kernel begins. */
	if (!file_end && offset)
		return false;

	return phdr->p_offset >= file_end &&
	       within(phdr->p_offset, phdr->p_filesz, kernel->elf_len) &&
	       offset >= kernel->size && offset <= phdr->p_offset &&
	       within(offset, phdr->p_memsz, kernel->room);
}

static const char *move_segments(struct kho_vmlinux *kernel,
				 const struct elf64_phdr *phdr,
				 unsigned int nr)
{
	u64 file_end = 0, offset;

	for (; nr--; phdr++) {
		if (phdr->p_type != PT_LOAD)
			continue;
		if (!segment_moves(kernel, phdr, file_end))
			return bad_elf;

		offset = phdr->p_paddr - kernel->base;
		memmove(kernel->buf + offset, kernel->buf + phdr->p_offset,
			phdr->p_filesz);
		memset(kernel->buf + kernel->size, 0, offset - kernel->size);
		kernel->size = offset + phdr->p_filesz;
		file_end = phdr->p_offset + phdr->p_filesz;
	}

	return NULL;
}

/**
 * kho_vmlinux_lay_out - put the segments of a kernel to where it expects them
 * @kernel: all that is not set by this function is given; afterwards only the
 *          table of relocations is where it was
 *
 * Return: NULL, or why not, to follow a colon in a message. What @kernel->buf
 * points to is of no use then.
 */
const char *kho_vmlinux_lay_out(struct kho_vmlinux *kernel)
{
	const struct elf64_hdr *ehdr = kernel->buf;
	struct elf64_phdr *phdrs __free(kfree) = NULL;
	const char *reason;
	u64 entry;

	if (!find_elf_end(kernel))
		return bad_elf;

	entry = ehdr->e_entry - kernel->base;
	phdrs = kmemdup(kernel->buf + ehdr->e_phoff,
			ehdr->e_phnum * sizeof(*phdrs), GFP_KERNEL);
	if (!phdrs)
		return "not enough memory to read its ELF file";

	kernel->size = 0;
	reason = move_segments(kernel, phdrs, ehdr->e_phnum);
	if (reason)
		return reason;

	if (entry >= kernel->size)
		return bad_elf;
	kernel->entry = entry;

	return NULL;
}

/**
 * kho_vmlinux_relocatable - can a kernel run at another virtual address?
 * @kernel: laid out
 *
 * Return: whether it has a table of relocations. It has one if and only if it
 * was built with CONFIG_RANDOMIZE_BASE.
 */
bool kho_vmlinux_relocatable(const struct kho_vmlinux *kernel)
{
	return kernel->len > kernel->elf_len;
}

/*
 * An entry of the table is a virtual address, sign-extended. What is to be
 * relocated must be in the kernel.
 */
static void *relocated_at(const struct kho_vmlinux *kernel, s32 entry,
			  size_t width)
{
	u64 offset = (s64)entry - __START_KERNEL_map - kernel->base;

	return within(offset, width, kernel->size) ? kernel->buf + offset :
						     NULL;
}

static bool relocate32(const struct kho_vmlinux *kernel, const s32 *from,
		       const s32 *to, s32 delta)
{
	void *at;

	for (; from < to; from++) {
		at = relocated_at(kernel, *from, sizeof(u32));
		if (!at)
			return false;
		put_unaligned(get_unaligned((u32 *)at) + delta, (u32 *)at);
	}

	return true;
}

static bool relocate64(const struct kho_vmlinux *kernel, const s32 *from,
		       const s32 *to, long delta)
{
	void *at;

	for (; from < to; from++) {
		at = relocated_at(kernel, *from, sizeof(u64));
		if (!at)
			return false;
		put_unaligned(get_unaligned((u64 *)at) + delta, (u64 *)at);
	}

	return true;
}

/**
 * kho_vmlinux_relocate - have a kernel run at another virtual address
 * @kernel: laid out
 * @delta:  the distance from the address for which it was linked
 *
 * Each list in the table begins with 0. Kernels from 6.15 on have no list of
 * inverse relocations.
 *
 * Return: NULL, or why not, to follow a colon in a message. What @kernel->buf
 * points to is of no use then.
 */
const char *kho_vmlinux_relocate(struct kho_vmlinux *kernel, long delta)
{
	const s32 *table = kernel->buf + kernel->elf_len;
	size_t bytes = kernel->len - kernel->elf_len;
	const s32 *end = table + bytes / sizeof(*table);
	const s32 *lists[LISTS_MAX + 1], *entry;
	unsigned int nr = 0;

	if (!delta)
		return NULL;

	for (entry = table; entry < end; entry++) {
		if (*entry)
			continue;
		if (nr == LISTS_MAX)
			return bad_table;
		lists[nr++] = entry;
	}
	lists[nr] = end;

	if (nr < 2 || lists[0] != table || bytes % sizeof(*table) ||
	    kernel->elf_len % sizeof(*table))
		return bad_table;

	if (!relocate64(kernel, lists[0] + 1, lists[1], delta) ||
	    (nr == LISTS_MAX &&
	     !relocate32(kernel, lists[1] + 1, lists[2], -delta)) ||
	    !relocate32(kernel, lists[nr - 1] + 1, lists[nr], delta))
		return bad_table;

	return NULL;
}
