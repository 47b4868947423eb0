// SPDX-License-Identifier: GPL-2.0
/*
 * Mounts of tmpfs whose description was damaged on the way. How to run it:
 * luo_update.h.
 *
 * Each mount has NR_DIRS directories, each with NR_FILES files, each with a page of
 * data, an ACL and another name.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_memfd.h"
#include "luo_tmpfs.h"

#define NR_DIRS		3
#define NR_FILES	200

static void make_file(struct __test_metadata *const _metadata, int dir, int i)
{
	char name[32], other[32], path[64];
	int fd;

	sprintf(name, "file %d", i);
	sprintf(other, "other %d", i);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_fill(fd, 0, PAGE, i));
	sprintf(path, "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, setxattr(path, "user.number", name, strlen(name), 0));
	ASSERT_EQ(0, linkat(dir, name, dir, other, 0));
	close(fd);
}

static void give_mount(struct __test_metadata *const _metadata, int dev,
		       const char *name)
{
	char path[64];
	int mnt, dir, i, j;

	sprintf(path, "/%s", name);
	tmpfs_mount(_metadata, path, "size=64m,mode=755");
	mnt = tmpfs_open(path);
	ASSERT_LE(0, mnt);
	for (i = 0; i < NR_DIRS; i++) {
		sprintf(path, "dir %d", i);
		ASSERT_EQ(0, mkdirat(mnt, path, 0755));
		dir = openat(mnt, path, O_RDONLY | O_DIRECTORY);
		ASSERT_LE(0, dir);
		for (j = 0; j < NR_FILES; j++)
			make_file(_metadata, dir, j);
		close(dir);
	}
	/* Of one large file only a part is lost. */
	dir = openat(mnt, "large", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, dir);
	ASSERT_EQ(0, luo_fill(dir, 0, 1000 * PAGE, 9));
	close(dir);
	sprintf(path, "/%s", name);
	ASSERT_EQ(0, tmpfs_remount(path, MS_RDONLY));
	luo_give_one(_metadata, dev, name, mnt);
}

/* What is there of a mount. */
struct found {
	int dirs;
	int names;
	int data;
	int eio;
	int attrs;
	int closed;	/* to all but root */
};

static void look_at(int dir, const char *name, int i, struct found *found)
{
	struct stat s;
	char byte, value[32], path[64];
	int fd;

	if (fstatat(dir, name, &s, 0))
		return;
	found->names++;
	found->closed += !(s.st_mode & 0777);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	found->data += luo_filled(fd, 0, PAGE, i);
	found->eio += pread(fd, &byte, 1, 0) < 0 && errno == EIO;
	sprintf(path, "/proc/self/fd/%d", fd);
	found->attrs += getxattr(path, "user.number", value, 32) > 0;
	close(fd);
}

static struct found find(int mnt)
{
	struct found found = { };
	char name[32];
	int i, j, dir;

	for (i = 0; i < NR_DIRS; i++) {
		sprintf(name, "dir %d", i);
		dir = openat(mnt, name, O_RDONLY | O_DIRECTORY);
		if (dir < 0)
			continue;
		found.dirs++;
		for (j = 0; j < NR_FILES; j++) {
			sprintf(name, "file %d", j);
			look_at(dir, name, j, &found);
			sprintf(name, "other %d", j);
			look_at(dir, name, j, &found);
		}
		close(dir);
	}
	return found;
}

#define NR_NAMES	(2 * NR_DIRS * NR_FILES)

/* Takes a mount of which something is lost, and tells what is found. */
static struct found take_damaged(struct __test_metadata *const _metadata,
				 int dev, const char *name, int *mnt)
{
	int session = luo_retrieve(dev, name);
	struct found found;

	ASSERT_LE(0, session);
	*mnt = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, *mnt);
	found = find(*mnt);
	TH_LOG("%d directories, %d names, %d with data, %d EIO, %d with attributes, %d closed",
	       found.dirs, found.names, found.data, found.eio, found.attrs,
	       found.closed);
	EXPECT_EQ(-EIO, luo_finish(session));
	close(session);
	return found;
}

static int pages_of(struct __test_metadata *const _metadata, int mnt)
{
	int fd = openat(mnt, "large", O_RDONLY | O_CLOEXEC), i, there = 0;
	char byte;

	ASSERT_LE(0, fd);
	EXPECT_EQ(1000 * PAGE, luo_size(fd));
	for (i = 0; i < 1000; i++) {
		if (luo_filled(fd, i * PAGE, PAGE, 9)) {
			there++;
			continue;
		}
		EXPECT_EQ(-1, pread(fd, &byte, 1, i * PAGE));
		EXPECT_EQ(EIO, errno);
	}
	close(fd);
	return there;
}

/* One mount for each of the tests below. */
TEST_F(prepare, mounts)
{
	static const char * const names[] = {
		"head", "list", "inodes", "root", "names", "attrs", "folios",
		"part", "failed_head", "failed_list", "failed_sums",
		"failed_attrs"
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		give_mount(_metadata, self->dev, names[i]);
}

/* Of the record a byte is damaged, and of the list of the pages of an array. */
static void take_nothing(struct __test_metadata *const _metadata, int dev,
			 const char *name)
{
	int session = luo_retrieve(dev, name);

	ASSERT_LE(0, session);
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(session, 1));
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(session, 1));
	luo_finish(session);
	close(session);
}

TEST_F(verify, head)
{
	take_nothing(_metadata, self->dev, "head");
}

TEST_F(verify, list)
{
	take_nothing(_metadata, self->dev, "list");
}

/* The same when their memory fails, or that of the checksums of an array. */
TEST_F(verify, failed_head)
{
	take_nothing(_metadata, self->dev, "failed_head");
}

TEST_F(verify, failed_list)
{
	take_nothing(_metadata, self->dev, "failed_list");
}

TEST_F(verify, failed_sums)
{
	take_nothing(_metadata, self->dev, "failed_sums");
}

/* A page of inodes: they are gone, with both names. */
TEST_F(verify, inodes)
{
	const int lost = 2 * PAGE / 128;
	struct found found;
	int mnt;

	found = take_damaged(_metadata, self->dev, "inodes", &mnt);
	EXPECT_EQ(NR_DIRS, found.dirs);
	EXPECT_LE(NR_NAMES - lost, found.names);
	EXPECT_GT(NR_NAMES, found.names);
	EXPECT_EQ(found.names, found.data);
	EXPECT_EQ(found.names, found.attrs);
	EXPECT_EQ(0, found.closed);
	EXPECT_EQ(1000, pages_of(_metadata, mnt));
}

/* The first page of these: the root is in it. */
TEST_F(verify, root)
{
	struct found found;
	struct stat s;
	int mnt;

	found = take_damaged(_metadata, self->dev, "root", &mnt);
	EXPECT_EQ(0, fstat(mnt, &s));
	EXPECT_EQ(S_IFDIR, s.st_mode);
	EXPECT_EQ(0, found.dirs);
}

/* A page of names: they are gone; a file with another name is not. */
TEST_F(verify, names)
{
	struct found found;
	int mnt;

	found = take_damaged(_metadata, self->dev, "names", &mnt);
	EXPECT_EQ(NR_DIRS, found.dirs);
	EXPECT_LE(NR_NAMES - (int)PAGE / 32, found.names);
	EXPECT_GT(NR_NAMES, found.names);
	EXPECT_EQ(found.names, found.data);
	EXPECT_EQ(found.names, found.attrs);
}

/* A page of attributes: the files are there, and nobody but root can open them. */
static void take_without_attrs(struct __test_metadata *const _metadata, int dev,
			       const char *name)
{
	struct found found;
	int mnt;

	found = take_damaged(_metadata, dev, name, &mnt);
	EXPECT_EQ(NR_NAMES, found.names);
	EXPECT_EQ(NR_NAMES, found.data);
	EXPECT_LT(0, found.closed);
	EXPECT_GT(NR_NAMES, found.attrs);
	EXPECT_EQ(NR_NAMES, found.attrs + found.closed);
}

TEST_F(verify, attrs)
{
	take_without_attrs(_metadata, self->dev, "attrs");
}

TEST_F(verify, failed_attrs)
{
	take_without_attrs(_metadata, self->dev, "failed_attrs");
}

/* A page of records of folios. */
TEST_F(verify, folios)
{
	struct found found;
	int mnt;

	found = take_damaged(_metadata, self->dev, "folios", &mnt);
	EXPECT_EQ(NR_NAMES, found.names);
	EXPECT_EQ(NR_NAMES, found.data + found.eio);
	EXPECT_LT(0, found.eio);
	EXPECT_GE(2 * (int)PAGE / 16, found.eio);
	EXPECT_EQ(NR_NAMES, found.attrs);
	EXPECT_EQ(1000, pages_of(_metadata, mnt));
}

/* The last page of these, which are of the large file. */
TEST_F(verify, part)
{
	struct found found;
	int mnt, pages;

	found = take_damaged(_metadata, self->dev, "part", &mnt);
	EXPECT_EQ(NR_NAMES, found.data);
	pages = pages_of(_metadata, mnt);
	TH_LOG("%d pages of the large file", pages);
	EXPECT_GT(1000, pages);
	EXPECT_LE(1000 - (int)PAGE / 16, pages);
}

TEST_HARNESS_MAIN
