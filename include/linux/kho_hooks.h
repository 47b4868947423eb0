/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover (KHO): what the rest of the kernel calls at its fixed places.
 *
 * For the files of the kernel that KHO has a hook in. Subsystems that preserve
 * memory use <linux/kexec_handover.h>.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_HOOKS_H
#define _LINUX_KHO_HOOKS_H

#include <linux/errno.h>
#include <linux/kexec_handover.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include <linux/kho/abi/image.h>

struct kexec_buf;
struct kexec_segment;
struct kho_scratch;
struct kimage;
struct page;
struct resource;
struct zone;

/* More than any kernel takes over that has to be told. */
#define KHO_TAKES_MAX	8

/**
 * struct kho_kimage - what a loaded kexec image hands over
 * @fdt:        physical address of the root FDT, 0 for nothing
 * @scratch_id: the segment that is the array of scratch areas, not on x86
 * @in_place:   bitmap of the segments that were written to where they belong
 *              and are not copied there at the time of the kexec
 * @nr_takes:   entries in @takes
 * @takes:      what its kernel says that it takes over, see KHO_TAKES()
 */
struct kho_kimage {
	phys_addr_t fdt;
	unsigned int scratch_id;
	unsigned long in_place;
	unsigned int nr_takes;
	char takes[KHO_TAKES_MAX][KHO_TAKES_LENGTH];
};

#ifdef CONFIG_KEXEC_HANDOVER

/* For architecture code and memory initialisation. */
void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
		  phys_addr_t scratch_phys, u64 scratch_len);
void kho_memory_init_early(void);

/*
 * Where memory begins that is freed after boot. On x86 all below 1M stays
 * reserved: the next kernel writes there before it knows what is preserved.
 */
static inline phys_addr_t kho_first_phys(void)
{
	return IS_ENABLED(CONFIG_X86) ? SZ_1M : 0;
}

void kho_memory_init(void);
void kho_memory_reserve_scratch(void);
void kho_memory_release(void);
void kho_memory_release_late(void);
bool kho_reserved_early(phys_addr_t phys, phys_addr_t size);
const struct kho_scratch *kho_scratch_areas(unsigned int *nr);
bool kho_reserve_mem(const char *name, phys_addr_t size, phys_addr_t align,
		     phys_addr_t *start);

/* For kexec, its image formats and firmware. */
bool kho_image(const struct kimage *image);
int kho_prepare_image(struct kimage *image);
void kho_warn_of_kaslr(const struct kimage *image);
void kho_describe(const struct kimage *image, u64 *fdt_phys, u64 *fdt_len,
		  u64 *scratch_phys, u64 *scratch_len);
int kho_locate_mem_hole(struct kexec_buf *kbuf,
			int (*func)(struct resource *res, void *arg));
void kho_place_randomly(struct kimage *image, unsigned int id,
			unsigned long min, unsigned long align);
const char *kho_decompress(const void *in, size_t in_len, void *out,
			   size_t out_len);
void kho_next_read(struct kho_kimage *kho, const void *elf, size_t len,
		   const char *cmdline);
const char *kho_unpack_initramfs(const void *from, size_t len, size_t max_len,
				 void **to, size_t *to_len);
size_t kho_room_for(const struct kimage *image, unsigned int id);
bool kho_place_again(struct kimage *image, unsigned int id, size_t memsz,
		     unsigned long min);
bool kho_load_segment(struct kimage *image,
		      const struct kexec_segment *segment);
bool kho_segment_in_place(const struct kimage *image, unsigned int id);
void kho_free_segments(struct kimage *image);
int kho_poison_check_image(const struct kimage *image);
void kho_before_jump(const struct kimage *image);
void kho_warn_legacy_load(void);
unsigned long kho_file_flags(unsigned long flags);
bool kho_efi_kexec_boot(void);
bool kho_crash_trylock(void);

/* In mm/vmalloc.c. */
void *kho_vmalloc_from_pages(struct page **pages, unsigned int nr_pages,
			     unsigned int page_order, unsigned long vm_flags);

#else /* CONFIG_KEXEC_HANDOVER */

static inline void kho_populate(phys_addr_t fdt_phys, u64 fdt_len,
				phys_addr_t scratch_phys, u64 scratch_len) { }
static inline void kho_memory_init_early(void) { }

static inline phys_addr_t kho_first_phys(void)
{
	return 0;
}

static inline void kho_memory_init(void) { }
static inline void kho_memory_reserve_scratch(void) { }
static inline void kho_memory_release(void) { }
static inline void kho_memory_release_late(void) { }

static inline bool kho_reserved_early(phys_addr_t phys, phys_addr_t size)
{
	return false;
}

static inline bool kho_reserve_mem(const char *name, phys_addr_t size,
				   phys_addr_t align, phys_addr_t *start)
{
	return false;
}

static inline bool kho_image(const struct kimage *image)
{
	return false;
}

static inline int kho_prepare_image(struct kimage *image)
{
	return 0;
}

static inline void kho_warn_of_kaslr(const struct kimage *image) { }
static inline void kho_describe(const struct kimage *image, u64 *fdt_phys,
				u64 *fdt_len, u64 *scratch_phys,
				u64 *scratch_len) { }

static inline int
kho_locate_mem_hole(struct kexec_buf *kbuf,
		    int (*func)(struct resource *res, void *arg))
{
	return -EOPNOTSUPP;
}

static inline bool kho_load_segment(struct kimage *image,
				    const struct kexec_segment *segment)
{
	return false;
}

static inline bool kho_segment_in_place(const struct kimage *image,
					unsigned int id)
{
	return false;
}

static inline void kho_free_segments(struct kimage *image) { }

static inline int kho_poison_check_image(const struct kimage *image)
{
	return 0;
}

static inline void kho_before_jump(const struct kimage *image) { }
static inline void kho_warn_legacy_load(void) { }

static inline unsigned long kho_file_flags(unsigned long flags)
{
	return flags;
}

static inline bool kho_efi_kexec_boot(void)
{
	return false;
}

static inline bool kho_crash_trylock(void)
{
	return false;
}

#endif /* CONFIG_KEXEC_HANDOVER */

#ifdef CONFIG_MEMORY_FAILURE
/* Held while memory_failure() deals with a page. */
extern struct mutex mf_mutex;

/* No page fails between these two. */
static inline void memory_failure_lock(void)
{
	mutex_lock(&mf_mutex);
}

static inline void memory_failure_unlock(void)
{
	mutex_unlock(&mf_mutex);
}
#else
static inline void memory_failure_lock(void) { }
static inline void memory_failure_unlock(void) { }
#endif

/* For mm/memory-failure.c. */
#if defined(CONFIG_KEXEC_HANDOVER) && defined(CONFIG_MEMORY_FAILURE)
bool kho_poison_is_new(unsigned long pfn);
#else
static inline bool kho_poison_is_new(unsigned long pfn)
{
	return false;
}
#endif

/* For the memory map, and in mm/mm_init.c. */
bool zone_movable_wanted(void);

#if defined(CONFIG_KEXEC_HANDOVER) && \
	defined(CONFIG_HUGETLB_PAGE_OPTIMIZE_VMEMMAP)
struct page *kho_populate_memmap(unsigned long pfn, int nid);
bool kho_next_memmap(unsigned long *pfn, unsigned long *end, unsigned long stop,
		     unsigned long zone, int nid);
#else
static inline struct page *kho_populate_memmap(unsigned long pfn, int nid)
{
	return NULL;
}

static inline bool kho_next_memmap(unsigned long *pfn, unsigned long *end,
				   unsigned long stop, unsigned long zone,
				   int nid)
{
	*end = stop;
	return *pfn < stop;
}
#endif

/* For mm/mm_init.c. */
void kho_init_pages(unsigned long pfn, unsigned long end, unsigned long zone,
		    int nid);
#ifdef CONFIG_KEXEC_HANDOVER
bool kho_init_memmap(struct zone *zone, unsigned long pfn, unsigned long end);
#else
static inline bool kho_init_memmap(struct zone *zone, unsigned long pfn,
				   unsigned long end)
{
	return false;
}
#endif

#endif /* _LINUX_KHO_HOOKS_H */
