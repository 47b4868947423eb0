// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): describes the handover in the setup_data of an image.
 *
 * The next kernel finds there where the root FDT is. The array of scratch areas
 * follows in the same node: a decompressor that places its kernel at random keeps
 * off setup_data, but other kernels' ones do not keep off an array elsewhere.
 *
 * The next kernel must know all RAM as well, as what is preserved may lie in any
 * of it. What struct boot_params has no room for is in a node of its own.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/kexec.h>
#include <linux/kho_hooks.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <linux/kho/abi/kexec_handover.h>

#include <asm/bootparam.h>
#include <asm/e820/api.h>
#include <asm/kho_setup.h>

/* Nodes begin at multiples of this, so that their payload is aligned. */
#define NODE_ALIGN	16

static unsigned int node_size(u32 len)
{
	return ALIGN(sizeof(struct setup_data) + len, NODE_ALIGN);
}

static u32 kho_len(unsigned int nr_areas)
{
	return sizeof(struct kho_data) + nr_areas * sizeof(struct kho_scratch);
}

/* Of the entries that are more than the table in struct boot_params takes. */
static u32 ext_len(const struct e820_table *table)
{
	if (table->nr_entries <= E820_MAX_ENTRIES_ZEROPAGE)
		return 0;

	return (table->nr_entries - E820_MAX_ENTRIES_ZEROPAGE) *
	       sizeof(struct boot_e820_entry);
}

VISIBLE_IF_KUNIT unsigned int kho_setup_data_size(unsigned int nr_areas,
						  const struct e820_table *table)
{
	unsigned int size = node_size(kho_len(nr_areas));

	return ext_len(table) ? size + node_size(ext_len(table)) : size;
}

/* Put a node at the beginning of the list. */
static struct setup_data *add_node(struct boot_params *params,
				   unsigned long load_addr, unsigned int offset,
				   u32 type, u32 len)
{
	struct setup_data *sd = (void *)params + offset;

	sd->type = type;
	sd->len = len;
	sd->next = params->hdr.setup_data;
	params->hdr.setup_data = load_addr + offset;

	return sd;
}

/* Kernels before 6.11 hand on their setup_data as of a type of its own. */
static bool type_is_ram(u32 type)
{
	return type == E820_TYPE_RAM || type == E820_TYPE_RESERVED_KERN;
}

/* Later kernels do not know that type. */
static void tell_as_ram(struct boot_e820_entry *entry, unsigned int nr)
{
	for (; nr--; entry++)
		if (type_is_ram(entry->type))
			entry->type = E820_TYPE_RAM;
}

VISIBLE_IF_KUNIT unsigned int
kho_setup_data_write(struct boot_params *params, unsigned long load_addr,
		     unsigned int offset, phys_addr_t fdt,
		     const struct kho_scratch *areas, unsigned int nr_areas,
		     const struct e820_table *table)
{
	const u32 len = kho_len(nr_areas), ext = ext_len(table);
	struct setup_data *sd;
	struct kho_data *kho;

	sd = add_node(params, load_addr, offset, SETUP_KEXEC_KHO, len);
	kho = (void *)sd->data;
	kho->fdt_addr = fdt;
	kho->fdt_size = KHO_FDT_SIZE;
	kho->scratch_addr = load_addr + offset + sizeof(*sd) + sizeof(*kho);
	kho->scratch_size = len - sizeof(*kho);
	memcpy(kho + 1, areas, kho->scratch_size);

	if (ext) {
		sd = add_node(params, load_addr, offset + node_size(len),
			      SETUP_E820_EXT, ext);
		memcpy(sd->data, &table->entries[E820_MAX_ENTRIES_ZEROPAGE],
		       ext);
		tell_as_ram((void *)sd->data,
			    ext / sizeof(struct boot_e820_entry));
	}
	tell_as_ram(params->e820_table, params->e820_entries);

	return kho_setup_data_size(nr_areas, table);
}

/* Where does RAM end that begins at @start? A table is in ascending order. */
static u64 end_of_ram(const struct e820_table *table, u64 start)
{
	const struct e820_entry *entry;
	u32 i;

	for (i = 0; i < table->nr_entries; i++) {
		entry = &table->entries[i];
		if (type_is_ram(entry->type) && entry->addr <= start &&
		    entry->addr + entry->size > start)
			start = entry->addr + entry->size;
	}

	return start;
}

/* The first address of RAM in @table that @firmware's does not cover, or 0. */
VISIBLE_IF_KUNIT u64 kho_setup_unknown_ram(const struct e820_table *table,
					   const struct e820_table *firmware)
{
	const struct e820_entry *entry;
	u64 end;
	u32 i;

	for (i = 0; i < table->nr_entries; i++) {
		entry = &table->entries[i];
		if (!type_is_ram(entry->type))
			continue;
		end = end_of_ram(firmware, entry->addr);
		if (end < entry->addr + entry->size)
			return end;
	}

	return 0;
}

/**
 * kho_setup_data_room - room for what kho_setup_data_add() adds
 * @image: a kexec image
 * @bytes: increased by the bytes that are needed
 *
 * Context: kexec lock held.
 * Return: 0, or -EOPNOTSUPP with a message when there is RAM of which the next
 * kernel would not know.
 */
int kho_setup_data_room(const struct kimage *image, unsigned long *bytes)
{
	unsigned int nr_areas;
	u64 unknown;

	if (!kho_image(image))
		return 0;

	unknown = kho_setup_unknown_ram(e820_table, e820_table_firmware);
	if (unknown) {
		pr_err("RAM at %#llx is not in the firmware's memory map, which the next kernel gets; boot without memmap= and add_efi_memmap\n",
		       unknown);
		return -EOPNOTSUPP;
	}

	kho_scratch_areas(&nr_areas);
	*bytes += kho_setup_data_size(nr_areas, e820_table_kexec);

	return 0;
}

/**
 * kho_setup_data_add - add to setup_data what the next kernel has to know
 * @image:     a kexec image
 * @params:    its parameters, with room behind them
 * @load_addr: the physical address of @params
 * @offset:    where in @params there is room, a multiple of 16
 *
 * Return: the bytes of the room that were used.
 */
unsigned int kho_setup_data_add(const struct kimage *image,
				struct boot_params *params,
				unsigned long load_addr, unsigned int offset)
{
	const struct kho_scratch *areas;
	unsigned int nr_areas;

	if (!kho_image(image))
		return 0;

	areas = kho_scratch_areas(&nr_areas);

	return kho_setup_data_write(params, load_addr, offset, image->kho.fdt,
				    areas, nr_areas, e820_table_kexec);
}
