/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: the setup_data of an image that hands over.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _ASM_X86_KHO_SETUP_H
#define _ASM_X86_KHO_SETUP_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct boot_params;
struct kimage;

#ifdef CONFIG_KEXEC_HANDOVER
int kho_setup_data_room(const struct kimage *image, unsigned long *bytes);
unsigned int kho_setup_data_add(const struct kimage *image,
				struct boot_params *params,
				unsigned long load_addr, unsigned int offset);
#else
static inline int kho_setup_data_room(const struct kimage *image,
				      unsigned long *bytes)
{
	return 0;
}

static inline unsigned int kho_setup_data_add(const struct kimage *image,
					      struct boot_params *params,
					      unsigned long load_addr,
					      unsigned int offset)
{
	return 0;
}
#endif

#if IS_ENABLED(CONFIG_KUNIT)
struct e820_table;
struct kho_scratch;

unsigned int kho_setup_data_write(struct boot_params *params,
				  unsigned long load_addr, unsigned int offset,
				  phys_addr_t fdt, const struct kho_scratch *areas,
				  unsigned int nr_areas,
				  const struct e820_table *table);
unsigned int kho_setup_data_size(unsigned int nr_areas,
				 const struct e820_table *table);
u64 kho_setup_unknown_ram(const struct e820_table *table,
			  const struct e820_table *firmware);
#endif

#endif /* _ASM_X86_KHO_SETUP_H */
