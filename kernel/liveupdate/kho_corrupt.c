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
 * when all is written out. kho_structures.c finds the structures.
 *
 * All addresses are found before the first byte is changed. A corruption that
 * is random draws its instance, offset and byte from its seed. Instead of a byte
 * that is changed, its page can be one that the next kernel is told has failed.
 */

#define pr_fmt(fmt) "KHO: " fmt

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/prandom.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include <linux/kho/abi/luo.h>

#include "kho_internal.h"
#include "kho_structures.h"

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
	[FLB_SUM] = "flb-sum",
	[PCI_DEVICES] = "pci",
	[IOMMU] = "iommu",
	[IOMMU_ROOT] = "iommu-root",
	[IOMMU_CONTEXT] = "iommu-context",
	[IOMMU_TABLE] = "iommu-table",
	[MEMFD] = "memfd",
	[HUGETLB] = "hugetlb",
	[HUGETLB_POOL] = "hugetlb-pool",
	[TMPFS] = "tmpfs",
	[TMPFS_INODE] = "tmpfs-inode",
	[TMPFS_NAME] = "tmpfs-name",
	[TMPFS_ATTR] = "tmpfs-attr",
	[PIPE] = "pipe",
	[VFIO_PCI] = "vfio-pci",
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
 * @xor:       what to change the byte by; 0 to have its page fail
 * @nr:        how many such structures there are
 * @p:         the structure, NULL when there is none
 * @size:      bytes of it that mean something
 * @owner:     the session that it belongs to; empty for none
 * @file:      the file in the session that it belongs to, by the order of
 *             preservation; -1 for none
 */
struct corruption {
	struct list_head list;
	enum kho_structure structure;
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

/* The walk found a structure. */
static void found(const struct kho_walk *walk, enum kho_structure structure,
		  void *p, size_t size)
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
	kho_walk_structures(found);
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

	if (!c->xor) {
		kho_poison_add(PHYS_PFN(virt_to_phys(c->p + c->offset)));
		pr_notice("poisoned: %s%s%s %lu %zu\n", structure, at,
			  c->session, c->instance, c->offset);
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

	kho_walk_structures(found);
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
 * STRUCTURE[@SESSION] INSTANCE OFFSET XOR|poison
 */
static int parse_line(char *line)
{
	struct corruption c = { .instance = ULONG_MAX };
	unsigned int count = 1, xor, n;
	char word[LIVEUPDATE_SESSION_NAME_LENGTH + 16], how[8];
	int err;

	if (sscanf(line, "%79s random %u %u", word, &c.seed, &count) >= 2)
		c.random = true;
	else if (sscanf(line, "%79s %lu %zu %i", word, &c.instance, &c.offset,
			&xor) == 4 && xor && xor <= U8_MAX)
		c.xor = xor;
	else if (sscanf(line, "%79s %lu %zu %7s", word, &c.instance, &c.offset,
			how) != 4 || strcmp(how, "poison"))
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
