// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what mounts of tmpfs are made of: names, inodes, attributes and
 * records of folios that have right checksums and are wrong nevertheless.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <linux/string.h>
#include <linux/xattr.h>

#include "memfd_luo_hooks.h"
#include "tmpfs_luo.h"

#define NR_INODES	6
#define NR_PAGES	2	/* of each array */

/* A mount that came in; inode 0 is the root, and 1 and 2 are directories. */
struct incoming {
	struct tmpfs_luo_in in;
	struct tmpfs_luo_ser ser;
	struct dentry *dentries[NR_INODES];
	struct vfsmount *mnt;
};

static struct tmpfs_luo_inode_ser *inode_ser(struct incoming *m, unsigned int i)
{
	return (struct tmpfs_luo_inode_ser *)m->in.arrays[TMPFS_LUO_INODES].units + i;
}

/* Adds units with some data to an array, and returns the number of the first. */
static u64 add(struct incoming *m, enum tmpfs_luo_array_nr nr, const void *data,
	       size_t size)
{
	struct tmpfs_luo_array *array = &m->in.arrays[nr];
	const u64 first = array->nr;

	memcpy(array->units + first * TMPFS_LUO_UNIT, data, size);
	array->nr += tmpfs_luo_units(size);
	return first;
}

static void add_name_of(struct incoming *m, u32 parent, u32 child,
			const char *name, u16 size)
{
	const struct tmpfs_luo_name_ser ser = {
		.parent = parent,
		.child = child,
		.offset = 3,
		.size = size,
	};

	add(m, TMPFS_LUO_NAMES, &ser, sizeof(ser));
	add(m, TMPFS_LUO_NAMES, name, size);
}

static void add_name(struct incoming *m, u32 parent, u32 child,
		     const char *name)
{
	add_name_of(m, parent, child, name, strlen(name));
}

static u64 add_attr(struct incoming *m, const char *name, const void *value,
		    size_t size)
{
	const struct tmpfs_luo_attr_ser ser = {
		.name_size = name ? strlen(name) + 1 : 0,
		.value_size = size,
	};
	const u64 first = add(m, TMPFS_LUO_ATTRS, &ser, sizeof(ser));

	add(m, TMPFS_LUO_ATTRS, name, ser.name_size);
	add(m, TMPFS_LUO_ATTRS, value, size);
	return first;
}

static int tmpfs_luo_test_init(struct kunit *test)
{
	struct incoming *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct tmpfs_luo_array *array;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (i = 0; i < TMPFS_LUO_NR_ARRAYS; i++) {
		array = &m->in.arrays[i];
		array->units = kunit_kzalloc(test, NR_PAGES * PAGE_SIZE,
					     GFP_KERNEL);
		array->bad = kunit_kzalloc(test, sizeof(long), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, array->units);
		KUNIT_ASSERT_NOT_NULL(test, array->bad);
	}
	m->in.arrays[TMPFS_LUO_INODES].nr = NR_INODES * TMPFS_LUO_INODE_UNITS;
	for (i = 0; i < NR_INODES; i++)
		inode_ser(m, i)->mode = i < 3 ? S_IFDIR | 0755 : S_IFREG | 0644;
	m->in.ser = &m->ser;
	m->mnt = tmpfs_luo_mount(&m->ser);
	KUNIT_ASSERT_FALSE(test, IS_ERR(m->mnt));
	m->dentries[0] = m->mnt->mnt_root;
	test->priv = m;
	return 0;
}

static void tmpfs_luo_test_exit(struct kunit *test)
{
	struct incoming *m = test->priv;

	if (m)
		mntput(m->mnt);
}

static void expect_lost(struct kunit *test, u64 lost)
{
	struct incoming *m = test->priv;

	m->in.lost = 0;
	KUNIT_EXPECT_EQ(test, tmpfs_luo_make_names(&m->in, m->dentries), 0);
	KUNIT_EXPECT_EQ(test, tmpfs_luo_set_inodes(&m->in, m->dentries), 0);
	KUNIT_EXPECT_EQ(test, m->in.lost, lost);
}

static void tmpfs_luo_test_tree(struct kunit *test)
{
	struct incoming *m = test->priv;

	add_name(m, 0, 1, "dir");
	add_name(m, 1, 2, "dir");
	add_name(m, 2, 3, "file");
	add_name(m, 0, 3, "link");
	expect_lost(test, 0);
	KUNIT_ASSERT_NOT_NULL(test, m->dentries[3]);
	KUNIT_EXPECT_PTR_EQ(test, m->dentries[3]->d_parent, m->dentries[2]);
	KUNIT_EXPECT_EQ(test, d_inode(m->dentries[3])->i_nlink, 2);
	KUNIT_EXPECT_EQ(test, d_inode(m->dentries[3])->i_mode, S_IFREG | 0644);
	KUNIT_EXPECT_EQ(test, d_inode(m->dentries[1])->i_nlink, 3);
	KUNIT_EXPECT_NULL(test, m->dentries[4]);
}

static void tmpfs_luo_test_bad_names(struct kunit *test)
{
	struct incoming *m = test->priv;
	static const char longest[NAME_MAX + 1] = { [0 ... NAME_MAX] = 'n' };

	add_name(m, 0, 3, ".");
	add_name(m, 0, 3, "..");
	add_name(m, 0, 3, "a/b");
	add_name(m, 0, 3, "/");
	add_name_of(m, 0, 3, "a\0b", 3);
	add_name_of(m, 0, 3, "a", 2);
	add_name_of(m, 0, 3, longest, NAME_MAX + 1);
	expect_lost(test, 7);
	KUNIT_EXPECT_NULL(test, m->dentries[3]);

	add_name_of(m, 0, 3, longest, NAME_MAX);
	expect_lost(test, 7);
	KUNIT_EXPECT_NOT_NULL(test, m->dentries[3]);
}

static void tmpfs_luo_test_same_name(struct kunit *test)
{
	struct incoming *m = test->priv;

	add_name(m, 0, 3, "name");
	add_name(m, 0, 4, "name");
	add_name(m, 0, 3, "name");
	expect_lost(test, 2);
	KUNIT_EXPECT_NULL(test, m->dentries[4]);
	KUNIT_EXPECT_EQ(test, d_inode(m->dentries[3])->i_nlink, 1);
}

static void tmpfs_luo_test_circle(struct kunit *test)
{
	struct incoming *m = test->priv;

	add_name(m, 1, 2, "circle");
	add_name(m, 2, 1, "circle");
	add_name(m, 1, 1, "itself");
	expect_lost(test, 3);
	KUNIT_EXPECT_NULL(test, m->dentries[1]);
	KUNIT_EXPECT_NULL(test, m->dentries[2]);
}

static void tmpfs_luo_test_directory_twice(struct kunit *test)
{
	struct incoming *m = test->priv;

	add_name(m, 0, 1, "dir");
	add_name(m, 0, 1, "again");
	add_name(m, 1, 0, "root");
	add_name(m, 1, 1, "itself");
	expect_lost(test, 3);
	KUNIT_EXPECT_EQ(test, d_inode(m->dentries[1])->i_nlink, 2);
}

static void tmpfs_luo_test_no_such_inode(struct kunit *test)
{
	struct incoming *m = test->priv;

	add_name(m, 0, NR_INODES, "child");
	add_name(m, NR_INODES, 3, "parent");
	add_name(m, U32_MAX, U32_MAX, "both");
	add_name(m, 0, 3, "file");
	add_name(m, 3, 4, "in a file");
	expect_lost(test, 4);
}

static void tmpfs_luo_test_bad_inodes(struct kunit *test)
{
	struct incoming *m = test->priv;

	inode_ser(m, 1)->mode = 0755;
	inode_ser(m, 2)->mode = S_IFSOCK | 0755;
	inode_ser(m, 3)->mtime_nsec = NSEC_PER_SEC;
	inode_ser(m, 4)->size = U64_MAX;
	inode_ser(m, 5)->uid = U32_MAX;
	add_name(m, 0, 1, "no type");
	add_name(m, 0, 2, "a socket");
	add_name(m, 0, 3, "time");
	add_name(m, 0, 4, "size");
	add_name(m, 0, 5, "owner");
	expect_lost(test, 5);
}

static void tmpfs_luo_test_bad_root(struct kunit *test)
{
	struct incoming *m = test->priv;

	inode_ser(m, 0)->mode = S_IFREG | 0644;
	expect_lost(test, 1);
	KUNIT_EXPECT_EQ(test, d_inode(m->dentries[0])->i_mode, S_IFDIR);
}

/* The rest of a page is given up with a name that does not fit in. */
static void tmpfs_luo_test_page_end(struct kunit *test)
{
	struct incoming *m = test->priv;
	struct tmpfs_luo_array *names = &m->in.arrays[TMPFS_LUO_NAMES];
	char longest[NAME_MAX];

	memset(longest, 'n', NAME_MAX);
	while (names->nr < MEMFD_LUO_PER_PAGE - 1 - tmpfs_luo_units(NAME_MAX)) {
		longest[0]++;
		add_name_of(m, 0, 3, longest, NAME_MAX);
	}
	add_name_of(m, 0, 5, longest + 1, NAME_MAX - 1);
	names->nr = MEMFD_LUO_PER_PAGE;
	add_name(m, 0, 4, "file");
	add_name(m, 0, 5, "the end");
	names->nr--;
	expect_lost(test, 2);
	KUNIT_EXPECT_NOT_NULL(test, m->dentries[3]);
	KUNIT_EXPECT_NOT_NULL(test, m->dentries[4]);
	KUNIT_EXPECT_NULL(test, m->dentries[5]);
}

static void tmpfs_luo_test_bad_targets(struct kunit *test)
{
	struct incoming *m = test->priv;

	for (int i = 1; i < NR_INODES; i++) {
		inode_ser(m, i)->mode = S_IFLNK | 0777;
		inode_ser(m, i)->nr_attrs = 2;
	}
	inode_ser(m, 1)->attrs = add_attr(m, NULL, "target", 7);
	inode_ser(m, 2)->attrs = add_attr(m, NULL, "target", 6);
	inode_ser(m, 3)->attrs = add_attr(m, NULL, "", 1);
	inode_ser(m, 4)->attrs = add_attr(m, NULL, "a\0b", 4);
	inode_ser(m, 5)->nr_attrs = 0;
	add_name(m, 0, 1, "good");
	add_name(m, 0, 2, "no end");
	add_name(m, 0, 3, "empty");
	add_name(m, 0, 4, "two ends");
	add_name(m, 0, 5, "none");
	expect_lost(test, 4);
	KUNIT_ASSERT_NOT_NULL(test, m->dentries[1]);
	KUNIT_EXPECT_STREQ(test, d_inode(m->dentries[1])->i_link, "target");
}

/* Attributes are of one inode, and within the array. */
static void tmpfs_luo_test_bad_attrs(struct kunit *test)
{
	struct incoming *m = test->priv;
	char value[8];

	for (int i = 1; i < NR_INODES; i++)
		inode_ser(m, i)->nr_attrs = 3;
	inode_ser(m, 1)->attrs = add_attr(m, "user.a", "value", 5);
	inode_ser(m, 2)->attrs = inode_ser(m, 1)->attrs;
	inode_ser(m, 3)->attrs = add_attr(m, "none.b", "value", 5);
	inode_ser(m, 4)->attrs = add_attr(m, "user.c", "value", 5);
	inode_ser(m, 4)->nr_attrs = 2;
	inode_ser(m, 5)->attrs = m->in.arrays[TMPFS_LUO_ATTRS].nr - 2;
	add_name(m, 0, 1, "good");
	add_name(m, 0, 2, "another's");
	add_name(m, 0, 3, "no such kind");
	add_name(m, 0, 4, "cut off");
	add_name(m, 0, 5, "beyond");
	expect_lost(test, 4);
	KUNIT_EXPECT_EQ(test, d_inode(m->dentries[1])->i_mode, S_IFDIR | 0755);
	KUNIT_EXPECT_EQ(test, __vfs_getxattr(m->dentries[1],
					     d_inode(m->dentries[1]), "user.a",
					     value, sizeof(value)), 5);
	for (int i = 2; i < NR_INODES; i++)
		KUNIT_EXPECT_EQ(test, d_inode(m->dentries[i])->i_mode & 07777, 0);
}

/* Records of folios are of one file, and within the array. There are none here. */
static void tmpfs_luo_test_bad_folios(struct kunit *test)
{
	struct incoming *m = test->priv;

	m->in.arrays[TMPFS_LUO_FOLIOS].nr = 4;
	for (int i = 3; i < NR_INODES; i++) {
		inode_ser(m, i)->size = PAGE_SIZE;
		inode_ser(m, i)->nr_folios = 2;
	}
	inode_ser(m, 3)->folios = 1;
	inode_ser(m, 4)->folios = 2;
	inode_ser(m, 5)->folios = U64_MAX;
	add_name(m, 0, 3, "good");
	add_name(m, 0, 4, "another's");
	add_name(m, 0, 5, "beyond");
	expect_lost(test, 0);
	tmpfs_luo_fill_files(&m->in, m->dentries);
	KUNIT_EXPECT_EQ(test, memfd_luo_fill_at(d_inode(m->dentries[3]), 0), 0);
	KUNIT_EXPECT_EQ(test, memfd_luo_fill_at(d_inode(m->dentries[4]), 0), -EIO);
	KUNIT_EXPECT_EQ(test, memfd_luo_fill_at(d_inode(m->dentries[5]), 0), -EIO);
	KUNIT_EXPECT_EQ(test, tmpfs_luo_wait_files(m->mnt->mnt_sb), -EIO);
}

static struct kunit_case tmpfs_luo_test_cases[] = {
	KUNIT_CASE(tmpfs_luo_test_tree),
	KUNIT_CASE(tmpfs_luo_test_bad_names),
	KUNIT_CASE(tmpfs_luo_test_same_name),
	KUNIT_CASE(tmpfs_luo_test_circle),
	KUNIT_CASE(tmpfs_luo_test_directory_twice),
	KUNIT_CASE(tmpfs_luo_test_no_such_inode),
	KUNIT_CASE(tmpfs_luo_test_bad_inodes),
	KUNIT_CASE(tmpfs_luo_test_bad_root),
	KUNIT_CASE(tmpfs_luo_test_page_end),
	KUNIT_CASE(tmpfs_luo_test_bad_targets),
	KUNIT_CASE(tmpfs_luo_test_bad_attrs),
	KUNIT_CASE(tmpfs_luo_test_bad_folios),
	{}
};

static struct kunit_suite tmpfs_luo_test_suite = {
	.name = "tmpfs_luo",
	.init = tmpfs_luo_test_init,
	.exit = tmpfs_luo_test_exit,
	.test_cases = tmpfs_luo_test_cases,
};

kunit_test_suite(tmpfs_luo_test_suite);

MODULE_DESCRIPTION("KUnit tests of live update of mounts of tmpfs");
MODULE_LICENSE("GPL");
