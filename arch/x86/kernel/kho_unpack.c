// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): unpacks the next kernel when it is loaded.
 *
 * A bzImage decompresses itself when it is started. Services stand still by
 * then, so it is done here instead, while they run: the segment with the
 * bzImage's protected-mode code becomes one with the kernel itself, which is
 * entered at once. What the code before that entry would have decided is decided
 * here: physical and virtual addresses, and what struct boot_params says of it.
 * When something is not as expected the image stays as it is.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/cc_platform.h>
#include <linux/kexec.h>
#include <linux/kho_hooks.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include <asm/bootparam.h>
#include <asm/cmdline.h>
#include <asm/cpufeatures.h>
#include <asm/cpuid.h>
#include <asm/kho_unpack.h>
#include <asm/setup.h>

/* The virtual addresses of a kernel that may run at any. */
#define RANDOM_RANGE	SZ_1G

/* An initramfs does not go below this. */
#define MIN_INITRD	SZ_16M

/* Its length follows the payload. */
#define LEN_SIZE	sizeof(u32)

/* Parameters on which the decompressor, and nobody else, acts in its own way. */
static const char *const decompressor_params[] = {
	"mem", "memmap", "mem_encrypt",
};

static bool has_value(const char *cmdline, const char *param)
{
	char value[2];

	return cmdline_find_option(cmdline, param, value, sizeof(value)) >= 0;
}

static bool has_word(const char *cmdline, const char *word)
{
	return cmdline_find_option_bool(cmdline, word) > 0;
}

/*
 * Would the decompressor switch between page tables of four and five levels? It
 * decides by the processor, as the running kernel need not have done.
 */
static bool levels_change(const struct setup_header *hdr, const char *cmdline)
{
	bool five = (hdr->xloadflags & XLF_5LEVEL_ENABLED) &&
		    !has_word(cmdline, "no5lvl") && cpuid_eax(0) >= 7 &&
		    (cpuid_ecx(7) & BIT(X86_FEATURE_LA57 & 31));

	return five != pgtable_l5_enabled();
}

/* Can the kernel be entered without its decompressor? */
static const char *check_header(const struct setup_header *hdr,
				const char *cmdline)
{
	unsigned int i;

	/* Parameters are looked for no further. */
	if (cmdline && strlen(cmdline) >= COMMAND_LINE_SIZE)
		return "its command line is longer than that of this kernel can be";

	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return "memory is encrypted";

	if (!hdr->relocatable_kernel || !is_power_of_2(hdr->kernel_alignment) ||
	    hdr->kernel_alignment < SZ_2M || hdr->pref_address % SZ_2M ||
	    hdr->init_size > RANDOM_RANGE)
		return "it runs at one address only, or its header is malformed";

	if (levels_change(hdr, cmdline))
		return "it has page tables of another number of levels";

	for (i = 0; i < ARRAY_SIZE(decompressor_params); i++)
		if (has_value(cmdline, decompressor_params[i]))
			return "mem=, memmap= or mem_encrypt= is on its command line";
	if (has_word(cmdline, "movable_node"))
		return "movable_node is on its command line";

	return NULL;
}

static const char *decompress(const struct setup_header *hdr,
			      const struct kexec_segment *segment,
			      struct kho_vmlinux *kernel)
{
	const void *payload = segment->kbuf + hdr->payload_offset;

	if (hdr->payload_offset > segment->bufsz ||
	    hdr->payload_length > segment->bufsz - hdr->payload_offset ||
	    hdr->payload_length < LEN_SIZE)
		return "its payload is not in the file";

	kernel->base = hdr->pref_address;
	kernel->room = min_t(size_t, hdr->init_size, segment->memsz);
	kernel->len = get_unaligned_le32(payload + hdr->payload_length -
					 LEN_SIZE);
	if (!kernel->len || kernel->len > kernel->room)
		return "its payload is not of the size that its header says";

	/* It is not worth killing a process for. */
	kernel->buf = __vmalloc(kernel->len, GFP_KERNEL | __GFP_NOWARN |
					     __GFP_RETRY_MAYFAIL);
	if (!kernel->buf)
		return "not enough memory to unpack it";

	return kho_decompress(payload, hdr->payload_length, kernel->buf,
			      kernel->len);
}

/* Where a kernel goes that may go anywhere. */
static const char *randomize(struct kimage *image, unsigned int id,
			     struct boot_params *params,
			     struct kho_vmlinux *kernel)
{
	const unsigned long align = params->hdr.kernel_alignment;
	unsigned long size = ALIGN(kernel->room, SZ_2M), slots;
	const char *reason;

	if (kernel->base % align || kernel->base + size > RANDOM_RANGE)
		return "there is no room for it in its range of addresses";

	slots = (RANDOM_RANGE - kernel->base - size) / align + 1;
	reason = kho_vmlinux_relocate(kernel,
				      get_random_u32_below(slots) * align);
	if (reason)
		return reason;

	params->hdr.loadflags |= KASLR_FLAG;
	kho_place_randomly(image, id, kernel->base, align);

	return NULL;
}

static const char *unpack(struct kimage *image, unsigned int id,
			  struct boot_params *params, u64 *entry)
{
	struct kexec_segment *segment = &image->segment[id];
	struct kho_vmlinux kernel = {};
	const char *reason;

	reason = decompress(&params->hdr, segment, &kernel);
	if (!reason) {
		kho_next_read(&image->kho, kernel.buf, kernel.len,
			      image->cmdline_buf);
		reason = check_header(&params->hdr, image->cmdline_buf);
	}
	if (!reason)
		reason = kho_vmlinux_lay_out(&kernel);
	if (!reason && kho_vmlinux_relocatable(&kernel) &&
	    !has_word(image->cmdline_buf, "nokaslr"))
		reason = randomize(image, id, params, &kernel);
	if (reason) {
		vfree(kernel.buf);
		return reason;
	}

	/* In the bzImage's place, as it is freed where that would have been. */
	vfree(image->kernel_buf);
	image->kernel_buf = kernel.buf;
	image->kernel_buf_len = kernel.size;
	segment->kbuf = kernel.buf;
	segment->bufsz = kernel.size;
	*entry = segment->mem + kernel.entry;

	return NULL;
}

static unsigned int find_initramfs(const struct kimage *image)
{
	unsigned int id;

	for (id = 0; id < image->nr_segments; id++)
		if (image->segment[id].kbuf == image->initrd_buf)
			break;

	return id;
}

/* As setup_initrd() has it. */
static void say_where(struct boot_params *params, u64 start, u64 len)
{
	params->hdr.ramdisk_image = lower_32_bits(start);
	params->hdr.ramdisk_size = lower_32_bits(len);
	params->ext_ramdisk_image = upper_32_bits(start);
	params->ext_ramdisk_size = upper_32_bits(len);
}

/* The initramfs, too, would be decompressed while services stand still. */
static void unpack_initramfs(struct kimage *image, struct boot_params *params)
{
	unsigned int id = find_initramfs(image);
	struct kexec_segment *segment = &image->segment[id];
	const char *reason;
	size_t len;
	void *buf;

	if (!image->initrd_buf || id == image->nr_segments)
		return;

	reason = kho_unpack_initramfs(image->initrd_buf, image->initrd_buf_len,
				      kho_room_for(image, id), &buf, &len);
	if (!reason && !buf)
		return;
	if (!reason && !kho_place_again(image, id, PAGE_ALIGN(len), MIN_INITRD)) {
		vfree(buf);
		reason = "there is no room for it in scratch memory";
	}
	if (reason) {
		pr_info("the initramfs is decompressed during the update, which takes longer: %s\n",
			reason);
		return;
	}

	vfree(image->initrd_buf);
	image->initrd_buf = buf;
	image->initrd_buf_len = len;
	segment->kbuf = buf;
	segment->bufsz = len;
	say_where(params, segment->mem, len);
}

/**
 * kho_unpack - unpack a kernel that would decompress itself, and its initramfs
 * @image:  a kexec image of a bzImage with all its segments, which are not
 *          loaded yet. Afterwards @image->kernel_buf need not be the bzImage, nor
 *          @image->initrd_buf the file.
 * @params: its parameters. KASLR_FLAG is set in them as the decompressor does.
 * @entry:  where the decompressor begins; set to where the kernel begins
 *
 * Nothing changes when the image does not hand over, or for a reason that a
 * message tells.
 *
 * Context: kexec lock held, process context.
 */
void kho_unpack(struct kimage *image, struct boot_params *params,
		u64 *entry)
{
	const char *reason;
	unsigned int id;

	if (!kho_image(image))
		return;

	for (id = 0; id < image->nr_segments; id++)
		if (*entry - image->segment[id].mem < image->segment[id].memsz)
			break;
	if (id == image->nr_segments)
		return;

	/* First: the kernel may go to a place in the middle of all room. */
	unpack_initramfs(image, params);
	reason = unpack(image, id, params, entry);
	if (!reason)
		return;
	pr_info("the next kernel decompresses itself during the update, which takes longer: %s\n",
		reason);
	kho_warn_of_kaslr(image);
}
