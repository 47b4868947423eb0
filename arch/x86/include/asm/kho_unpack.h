/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: unpacks the next kernel when it is loaded.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _ASM_X86_KHO_UNPACK_H
#define _ASM_X86_KHO_UNPACK_H

#include <linux/kho_hooks.h>
#include <linux/types.h>

struct boot_params;
struct kimage;

#ifdef CONFIG_KEXEC_HANDOVER_UNPACK
void kho_unpack(struct kimage *image, struct boot_params *params,
		u64 *entry);
#else
static inline void kho_unpack(struct kimage *image, struct boot_params *params,
			      u64 *entry)
{
	if (kho_image(image))
		kho_warn_of_kaslr(image);
}
#endif

/**
 * struct kho_vmlinux - a kernel that was decompressed
 * @buf:     an ELF file, and behind it the table of relocations; after
 *           kho_vmlinux_lay_out() the kernel as it is in memory
 * @len:     length of both
 * @base:    the physical address for which the kernel was linked
 * @room:    bytes of memory that the kernel may use from its beginning on
 * @elf_len: set to the length of the ELF file
 * @size:    set to the length of the kernel without what it clears itself
 * @entry:   set to the offset of its 64-bit entry
 */
struct kho_vmlinux {
	void *buf;
	size_t len;
	u64 base;
	size_t room;
	size_t elf_len;
	size_t size;
	size_t entry;
};

const char *kho_vmlinux_lay_out(struct kho_vmlinux *kernel);
bool kho_vmlinux_relocatable(const struct kho_vmlinux *kernel);
const char *kho_vmlinux_relocate(struct kho_vmlinux *kernel, long delta);

#endif /* _ASM_X86_KHO_UNPACK_H */
