/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update of memfds: what its files share, under the file that defines it,
 * from below. A file calls only files that stand above it here.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _MM_MEMFD_LUO_H
#define _MM_MEMFD_LUO_H

#include <linux/fs.h>
#include <linux/kho/abi/memfd.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/shmem_fs.h>
#include <linux/types.h>

#ifdef CONFIG_ARM64_MTE
#include <linux/cpufeature.h>
#endif

struct address_space;
struct inode;
struct kho_vmalloc;
struct liveupdate_file_op_args;
struct ucounts;

#define MEMFD_LUO_PER_PAGE	(PAGE_SIZE / sizeof(struct memfd_luo_folio_ser))

/* Flag of a record, in memory only: its folio cannot be restored. */
#define MEMFD_LUO_FOLIO_LOST	0x800

/**
 * struct memfd_luo_array - the records of the folios of a file that came in
 * @ser:  ascending by index
 * @nr:   how many
 * @sums: a checksum for each page of @ser, behind the records; NULL when all
 *        records have been checked
 */
struct memfd_luo_array {
	struct memfd_luo_folio_ser *ser;
	u64 nr;
	const u64 *sums;
};

/* How many checksums an array of @nr records has: one for each page of records. */
static inline u64 memfd_luo_nr_sums(u64 nr)
{
	return DIV_ROUND_UP_ULL(nr, MEMFD_LUO_PER_PAGE);
}

/* Bytes of an array of @nr records with a checksum for each page of them. */
static inline size_t memfd_luo_array_size(u64 nr)
{
	return size_add(array_size(nr, sizeof(struct memfd_luo_folio_ser)),
			array_size(memfd_luo_nr_sums(nr), sizeof(u64)));
}

/* The index behind the last page of a file of @size bytes. */
static inline pgoff_t memfd_luo_end_index(loff_t size)
{
	return DIV_ROUND_UP_ULL(size, PAGE_SIZE);
}

/*
 * A preserved file cannot change its size. So a task that may only read the file
 * must not preserve it.
 */
static inline bool memfd_luo_may_preserve(struct file *file)
{
	return file->f_mode & FMODE_WRITE ||
	       inode_owner_or_capable(file_mnt_idmap(file), file_inode(file));
}

/* memfd_luo_records.c */

/**
 * struct memfd_luo_records - records of a file's folios; those of memfds
 * ascend by index
 * @pages:     what they are in
 * @nr_pages:  how many there are
 * @max_pages: that fit @pages
 * @nr:        records in use
 */
struct memfd_luo_records {
	struct page **pages;
	unsigned long nr_pages;
	unsigned long max_pages;
	unsigned long nr;
};

static inline struct memfd_luo_folio_ser *
memfd_luo_record_at(const struct memfd_luo_records *records, unsigned long i)
{
	struct memfd_luo_folio_ser *first;

	first = page_address(records->pages[i / MEMFD_LUO_PER_PAGE]);
	return first + i % MEMFD_LUO_PER_PAGE;
}

int memfd_luo_records_reserve(struct memfd_luo_records *records,
			      unsigned long nr);
void memfd_luo_records_free(struct memfd_luo_records *records);
int memfd_luo_records_prepare(struct memfd_luo_records *records,
			      unsigned long max,
			      struct kho_vmalloc *preservation);
u64 memfd_luo_records_seal(struct memfd_luo_records *records, u32 identity);
int memfd_luo_records_preserve(struct memfd_luo_records *records, u32 identity,
			       struct kho_vmalloc *preservation, u64 *sum);

int memfd_luo_records_join(const struct memfd_luo_records *old,
			   const struct memfd_luo_records *new,
			   struct memfd_luo_records *joined);
u64 memfd_luo_page_sum(const void *first, u64 nr);
bool memfd_luo_page_ok(const void *first, u64 nr, u64 sum);
u64 memfd_luo_sum(const struct memfd_luo_sums *sums, u32 identity);

/* memfd_luo_pin.c */
void memfd_luo_unpin(struct folio **pinned, unsigned long nr);

/**
 * memfd_luo_may_have_tags - can memory of this machine have tags?
 *
 * The memory that tags are kept in cannot be handed over.
 *
 * Return: whether it has MTE.
 */
static inline bool memfd_luo_may_have_tags(void)
{
#ifdef CONFIG_ARM64_MTE
	return system_supports_mte();
#else
	return false;
#endif
}

bool memfd_luo_has_tags(struct folio *folio);
long memfd_luo_pin(struct inode *inode, pgoff_t *start, pgoff_t end,
		   struct folio **pinned);

/* memfd_luo_collect.c */

/**
 * struct memfd_luo_folios - pinned and preserved folios
 * @records:  their records
 * @nr_pages: pages in all the folios
 * @locked:   bytes that count as locked memory of a user
 * @ucounts:  of that user
 */
struct memfd_luo_folios {
	struct memfd_luo_records records;
	unsigned long nr_pages;
	size_t locked;
	struct ucounts *ucounts;
};

/* Pages that the file has in memory or in swap. */
static inline unsigned long memfd_luo_nr_pages(struct inode *inode)
{
	return inode->i_mapping->nrpages + READ_ONCE(SHMEM_I(inode)->swapped);
}

bool memfd_luo_fits(unsigned long nr_pages);
int memfd_luo_account(struct memfd_luo_folios *folios);
int memfd_luo_collect(struct inode *inode, pgoff_t index, pgoff_t end,
		      struct memfd_luo_folios *folios);
void memfd_luo_drop_folios(struct memfd_luo_folios *folios);

/**
 * struct memfd_luo_page - what is handed over of a memfd, but its folios
 * @ser:   the record
 * @sum:   its checksum
 * @count: how large it is
 */
struct memfd_luo_page {
	struct memfd_luo_ser ser;
	struct memfd_luo_sum_ser sum;
	struct memfd_luo_count_ser count;
} __packed;

/**
 * struct memfd_luo - a preserved memfd
 * @page:     its record, in preserved memory
 * @folios:   its folios; their records are preserved if there are any
 * @identity: of the file, which the checksum begins with
 * @sum:      checksum of @identity and the records
 */
struct memfd_luo {
	struct memfd_luo_page *page;
	struct memfd_luo_folios folios;
	u32 identity;
	u64 sum;
};

int memfd_luo_preserve_folios(struct memfd_luo *memfd, struct inode *inode);
void memfd_luo_unpreserve_folios(struct memfd_luo *memfd);
int memfd_luo_check_tags(const struct memfd_luo_folios *folios);

/* memfd_luo_check.c */
bool memfd_luo_records_sum(const struct kho_vmalloc *folios, u64 nr,
			   u32 identity, u64 *sum);
struct memfd_luo_ser *
memfd_luo_find_record(const struct liveupdate_file_op_args *args);
u64 memfd_luo_count(const struct memfd_luo_ser *ser);

/* memfd_luo_insert.c */
int memfd_luo_insert(struct inode *inode, const struct memfd_luo_folio_ser *ser,
		     u64 *nr_pages);

/* memfd_luo_fill.c */
void memfd_luo_warn_of_limit(u64 nr_pages);
void memfd_luo_fill_begin(struct inode *inode,
			  const struct memfd_luo_array *array, u64 nr_pages);
bool memfd_luo_fill_now(struct inode *inode,
			const struct memfd_luo_array *array);
void memfd_luo_discard(const struct memfd_luo_array *array);

/* memfd_luo_retrieve.c */
struct file *memfd_luo_no_file(const struct file *error);
int memfd_luo_init_file(struct file *file, unsigned int *file_seals, u64 pos,
			unsigned int seals);
int memfd_luo_retrieve(struct liveupdate_file_op_args *args);
bool memfd_luo_is_left(const struct liveupdate_file_op_args *args, size_t size);
void memfd_luo_finish(struct liveupdate_file_op_args *args);

/* memfd_luo_freeze.c */
int memfd_luo_set_preserved(struct inode *inode);
void memfd_luo_clear_preserved(struct inode *inode);
bool memfd_luo_set_frozen(struct inode *inode, unsigned long nr_pages);
void memfd_luo_clear_frozen(struct inode *inode);

#endif /* _MM_MEMFD_LUO_H */
