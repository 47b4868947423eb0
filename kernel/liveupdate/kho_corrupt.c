// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): corrupts what is handed over, for tests.
 *
 * Copyright The Linux Live Update LTS authors
 */

/**
 * DOC: Corruption for tests
 *
 * The next kernel must come up, and must keep all that is intact, whatever
 * single byte of what it gets is wrong. Whether it does is tested by
 * corruptions that are asked for in debugfs and made right before the jump,
 * when all is written out. Structures are found as the next kernel would find
 * them: from the root FDT on, by the wire format alone.
 *
 * All addresses are found before the first byte is changed. A corruption that
 * is random draws its instance, offset and byte from its seed.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/libfdt.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/prandom.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include <linux/kho/abi/block.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>

#include "kho_internal.h"

enum structure {
	ROOT_FDT,
	TREE_NODE,
	TREE_LEAF,
	METADATA,
	MEMBLOCK,
	LUO,
	SESSION_BLOCK,
	SESSION,
	FILE_BLOCK,
	FILE_OWNER,
	FILE_RECORD,
	FLB,
	MEMFD,
	VMALLOC,
	VMALLOC_CHUNK,
	FOLIO,
	NR_STRUCTURES
};

static const char * const structure_names[NR_STRUCTURES] = {
	[ROOT_FDT] = "root-fdt",
	[TREE_NODE] = "tree-node",
	[TREE_LEAF] = "tree-leaf",
	[METADATA] = "metadata",
	[MEMBLOCK] = "memblock",
	[LUO] = "luo",
	[SESSION_BLOCK] = "session-block",
	[SESSION] = "session",
	[FILE_BLOCK] = "file-block",
	[FILE_OWNER] = "file-owner",
	[FILE_RECORD] = "file",
	[FLB] = "flb",
	[MEMFD] = "memfd",
	[VMALLOC] = "vmalloc",
	[VMALLOC_CHUNK] = "vmalloc-chunk",
	[FOLIO] = "folio",
};

/**
 * struct corruption - a byte to be changed
 * @list:      in corruptions
 * @structure: in which kind of structure
 * @session:   only in those of this session; empty for no such limit
 * @random:    what is drawn from @seed: @instance, @offset and @xor
 * @seed:      of the random numbers
 * @instance:  in which of the structures of that kind, in the order of the walk
 * @offset:    of the byte in it
 * @xor:       what to change the byte by, not 0
 * @nr:        how many such structures there are
 * @p:         the structure, NULL when there is none
 * @size:      bytes of it that mean something
 * @owner:     the session that it belongs to; empty for none
 * @file:      the file in the session that it belongs to, by the order of
 *             preservation; -1 for none
 */
struct corruption {
	struct list_head list;
	enum structure structure;
	char session[LIVEUPDATE_SESSION_NAME_LENGTH];
	bool random;
	u32 seed;
	unsigned long instance;
	size_t offset;
	u8 xor;

	unsigned long nr;
	u8 *p;
	size_t size;
	char owner[LIVEUPDATE_SESSION_NAME_LENGTH];
	int file;
};

/* One write() to the file, and how many corruptions may be asked for with it. */
#define MAX_WRITE	4096U
#define MAX_COUNT	1024U

/* Protects the list, until the jump. */
static DEFINE_MUTEX(corruptions_lock);
static LIST_HEAD(corruptions);

/* Where the walk is: whose structures it finds. */
struct walk {
	const char *session;
	int file;
};

/* The walk found a structure. */
static void found(const struct walk *walk, enum structure structure, void *p,
		  size_t size)
{
	struct corruption *c;

	list_for_each_entry(c, &corruptions, list) {
		if (c->structure != structure)
			continue;
		if (c->session[0] && strcmp(c->session, walk->session))
			continue;
		if (c->nr++ != c->instance)
			continue;
		c->p = p;
		c->size = size;
		strscpy(c->owner, walk->session);
		c->file = walk->file;
	}
}

static void walk_vmalloc(const struct walk *walk, struct kho_vmalloc *vmalloc)
{
	struct kho_vmalloc_chunk *chunk;
	u64 phys;
	size_t i;

	found(walk, VMALLOC, vmalloc, sizeof(*vmalloc));
	for (phys = vmalloc->first.phys; phys; phys = chunk->next.phys) {
		chunk = phys_to_virt(phys);
		for (i = 0; i < KHO_VMALLOC_CHUNK_SLOTS - 1 && chunk->phys[i];)
			i++;
		/* The zero that ends the list is a part of it. */
		found(walk, VMALLOC_CHUNK, chunk,
		      offsetof(struct kho_vmalloc_chunk, phys[i + 1]));
	}
}

/* The array of folios lies in the pages that the chunks name. */
static void walk_folios(const struct walk *walk, const struct kho_vmalloc *vmalloc,
			u64 nr)
{
	const size_t per_run = (PAGE_SIZE << vmalloc->order) /
			       sizeof(struct memfd_luo_folio_ser);
	struct kho_vmalloc_chunk *chunk = phys_to_virt(vmalloc->first.phys);
	struct memfd_luo_folio_ser *folios;
	u64 done, i;
	size_t slot = 0;

	for (done = 0; done < nr; done += per_run, slot++) {
		if (slot == KHO_VMALLOC_CHUNK_SLOTS) {
			chunk = phys_to_virt(chunk->next.phys);
			slot = 0;
		}
		folios = phys_to_virt(chunk->phys[slot]);
		for (i = 0; i < min_t(u64, per_run, nr - done); i++)
			found(walk, FOLIO, &folios[i], sizeof(*folios));
	}
}

static void walk_memfd(const struct walk *walk, struct memfd_luo_ser *memfd)
{
	found(walk, MEMFD, memfd, offsetof(struct memfd_luo_ser, folios));
	if (!memfd->nr_folios)
		return;
	walk_vmalloc(walk, &memfd->folios);
	walk_folios(walk, &memfd->folios, memfd->nr_folios);
}

static void walk_files(struct walk *walk, u64 phys)
{
	struct kho_block_header_ser *block;
	struct luo_file_ser *file;
	u64 i;

	walk->file = -1;
	for (; phys; phys = block->next) {
		block = phys_to_virt(phys);
		file = (struct luo_file_ser *)(block + 1);
		found(walk, FILE_BLOCK, block, sizeof(*block));
		found(walk, FILE_OWNER, kho_block_owner(block),
		      sizeof(struct kho_block_owner_ser));
		for (i = 0; i < block->count; i++, file++) {
			walk->file++;
			found(walk, FILE_RECORD, file, sizeof(*file));
			if (!strcmp(file->compatible, MEMFD_LUO_FH_COMPATIBLE))
				walk_memfd(walk, phys_to_virt(file->data));
		}
	}
}

static void walk_sessions(u64 phys)
{
	const struct walk nobodys = { .session = "", .file = -1 };
	struct kho_block_header_ser *block;
	struct luo_session_ser *session;
	struct walk walk;
	u64 i;

	for (; phys; phys = block->next) {
		block = phys_to_virt(phys);
		session = (struct luo_session_ser *)(block + 1);
		found(&nobodys, SESSION_BLOCK, block, sizeof(*block));
		for (i = 0; i < block->count; i++, session++) {
			walk.session = session->name;
			walk.file = -1;
			found(&walk, SESSION, session, sizeof(*session));
			walk_files(&walk, session->files);
		}
	}
}

static void walk_flbs(const struct walk *walk, u64 phys)
{
	struct luo_flb_header_ser *header;
	struct luo_flb_ser *flb;
	u64 i;

	if (!phys)
		return;
	header = phys_to_virt(phys);
	flb = (struct luo_flb_ser *)(header + 1);
	found(walk, FLB, header, sizeof(*header));
	for (i = 0; i < header->count; i++, flb++)
		found(walk, FLB, flb, sizeof(*flb));
}

static void walk_luo(const struct walk *walk, struct luo_ser *luo)
{
	found(walk, LUO, luo, sizeof(*luo));
	walk_flbs(walk, luo->flbs_pa);
	walk_sessions(luo->sessions_pa);
}

/* Calls itself, KHO_TREE_DEPTH deep at most. */
static void walk_tree(const struct walk *walk, u64 phys, unsigned int level)
{
	struct kho_radix_node *node = phys_to_virt(phys);
	unsigned long i;

	found(walk, level ? TREE_NODE : TREE_LEAF, node, sizeof(*node));
	for (i = 0; level && i < KHO_TREE_TABLE_SLOTS; i++)
		if (node->table[i])
			walk_tree(walk, node->table[i], level - 1);
}

static u64 fdt_u64(const void *fdt, int node, const char *name)
{
	u64 value;

	return kho_fdt_get_u64(fdt, node, name, &value) ? 0 : value;
}

static void walk_subtree(const struct walk *walk, const char *name, void *blob,
			 size_t size)
{
	if (!strcmp(name, LUO_KHO_ENTRY_NAME))
		walk_luo(walk, blob);
	else if (!strcmp(name, KHO_METADATA_NODE_NAME))
		found(walk, METADATA, blob, size);
	else if (!strcmp(name, "memblock"))
		found(walk, MEMBLOCK, blob, size);
}

static void walk_all(void)
{
	const struct walk nobodys = { .session = "", .file = -1 };
	void *fdt = phys_to_virt(kho_root_fdt());
	int node;

	found(&nobodys, ROOT_FDT, fdt,
	      fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt));
	walk_tree(&nobodys, fdt_u64(fdt, 0, KHO_FDT_MEMORY_MAP_PROP_NAME),
		  KHO_TREE_DEPTH - 1);
	fdt_for_each_subnode(node, fdt, 0)
		walk_subtree(&nobodys, fdt_get_name(fdt, node, NULL),
			     phys_to_virt(fdt_u64(fdt, node,
						  KHO_SUB_TREE_PROP_NAME)),
			     fdt_u64(fdt, node, KHO_SUB_TREE_SIZE_PROP_NAME));
}

/* Most bytes are zero. Half of the draws look for one that is not. */
static size_t draw_offset(struct rnd_state *rnd, const u8 *p, size_t size)
{
	size_t offset = prandom_u32_state(rnd) % size, i;

	if (prandom_u32_state(rnd) & 1)
		return offset;

	for (i = 0; i < size; i++)
		if (p[(offset + i) % size])
			return (offset + i) % size;
	return offset;
}

/* Seeds in a row must not give similar numbers. */
static void seed_random(struct rnd_state *rnd, u32 seed)
{
	prandom_seed_state(rnd, seed * GOLDEN_RATIO_64);
}

static void draw(void)
{
	struct corruption *c;
	struct rnd_state rnd;

	list_for_each_entry(c, &corruptions, list) {
		if (!c->random || !c->nr)
			continue;
		seed_random(&rnd, c->seed);
		c->instance = prandom_u32_state(&rnd) % c->nr;
	}
	list_for_each_entry(c, &corruptions, list)
		c->nr = 0;
	walk_all();
	list_for_each_entry(c, &corruptions, list) {
		if (!c->random || !c->p)
			continue;
		seed_random(&rnd, c->seed);
		prandom_u32_state(&rnd);
		c->offset = draw_offset(&rnd, c->p, c->size);
		c->xor = 1 + prandom_u32_state(&rnd) % U8_MAX;
	}
}

/* The message begins with the line by which to ask for the same again. */
static void corrupt(struct corruption *c)
{
	const char *structure = structure_names[c->structure];
	const char *at = c->session[0] ? "@" : "";
	u8 old;

	if (!c->p || c->offset >= c->size) {
		pr_notice("not corrupted: %s%s%s: no such instance, of %lu, or no such byte, of %zu\n",
			  structure, at, c->session, c->nr, c->size);
		return;
	}

	old = c->p[c->offset];
	c->p[c->offset] ^= c->xor;
	pr_notice("corrupted: %s%s%s %lu %zu %#04x: session=%s file=%d seed=%u of=%lu old=%#04x new=%#04x\n",
		  structure, at, c->session, c->instance, c->offset, c->xor,
		  c->owner, c->file, c->seed, c->nr, old, c->p[c->offset]);
}

/**
 * kho_corrupt - make the corruptions that were asked for
 *
 * Context: right before the jump, when all is written out, all other processors
 * are stopped, so the list needs no lock, and the kexec cannot fail any more.
 */
void kho_corrupt(void)
{
	struct corruption *c;

	if (list_empty(&corruptions))
		return;

	walk_all();
	draw();
	list_for_each_entry(c, &corruptions, list)
		corrupt(c);
}

static int add_corruption(const struct corruption *template, u32 nth)
{
	struct corruption *c = kmemdup(template, sizeof(*c), GFP_KERNEL);

	if (!c)
		return -ENOMEM;

	c->seed += nth;
	mutex_lock(&corruptions_lock);
	list_add_tail(&c->list, &corruptions);
	mutex_unlock(&corruptions_lock);

	return 0;
}

/* STRUCTURE[@SESSION]; the string is cut in two. */
static int parse_structure(char *word, struct corruption *c)
{
	char *session = strchr(word, '@');
	int i;

	if (session) {
		*session++ = '\0';
		if (strscpy(c->session, session) <= 0)
			return -EINVAL;
	}

	i = match_string(structure_names, NR_STRUCTURES, word);
	if (i < 0)
		return i;
	c->structure = i;

	return 0;
}

/*
 * STRUCTURE[@SESSION] random SEED [COUNT]
 * STRUCTURE[@SESSION] INSTANCE OFFSET XOR
 */
static int parse_line(char *line)
{
	struct corruption c = { .instance = ULONG_MAX };
	unsigned int count = 1, xor, n;
	char word[LIVEUPDATE_SESSION_NAME_LENGTH + 16];
	int err;

	if (sscanf(line, "%79s random %u %u", word, &c.seed, &count) >= 2)
		c.random = true;
	else if (sscanf(line, "%79s %lu %zu %i", word, &c.instance, &c.offset,
			&xor) == 4 && xor && xor <= U8_MAX)
		c.xor = xor;
	else
		return -EINVAL;
	if (count > MAX_COUNT)
		return -EINVAL;

	err = parse_structure(word, &c);
	for (n = 0; !err && n < count; n++)
		err = add_corruption(&c, n);

	return err;
}

static ssize_t corrupt_write(struct file *file, const char __user *ubuf,
			     size_t len, loff_t *ppos)
{
	char *buf, *next, *line;
	int err = 0;

	if (len > MAX_WRITE)
		return -E2BIG;
	buf = memdup_user_nul(ubuf, len);
	if (IS_ERR(buf))
		return PTR_ERR(buf);

	/* Mark what is reported from now on as the result of a test. */
	add_taint(TAINT_TEST, LOCKDEP_STILL_OK);
	next = buf;
	while (!err && (line = strsep(&next, "\n")))
		if (*line)
			err = parse_line(line);
	kfree(buf);

	return err ?: len;
}

static const struct file_operations corrupt_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = corrupt_write,
};

static int __init kho_corrupt_init(void)
{
	if (kho_debugfs_out())
		debugfs_create_file("corrupt", 0600, kho_debugfs_out(), NULL,
				    &corrupt_fops);

	return 0;
}
postcore_initcall(kho_corrupt_init);
