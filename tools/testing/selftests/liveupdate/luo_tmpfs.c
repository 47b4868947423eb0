// SPDX-License-Identifier: GPL-2.0
/*
 * Mounts of tmpfs over a live update. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "luo_tmpfs_update.h"

#define LONGEST		255

static void set_flags(struct __test_metadata *const _metadata, int dir,
		      const char *name, int flags)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
}

static void make_acl(struct __test_metadata *const _metadata, const char *path,
		     const char *name)
{
	/* Version 2: the owner, user 7, the group, the mask, others. */
	static const struct {
		__u32 version;
		struct {
			__u16 tag, perm;
			__u32 id;
		} entries[5];
	} acl = { 2, { { 1, 7, -1 }, { 2, 5, 7 }, { 4, 5, -1 }, { 16, 5, -1 },
		       { 32, 0, -1 } } };

	ASSERT_EQ(0, setxattr(path, name, &acl, sizeof(acl), 0));
}

static void make_socket(struct __test_metadata *const _metadata,
			const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
}

static void make_files(struct __test_metadata *const _metadata, int dir)
{
	char name[LONGEST + 1];
	int fd;

	tmpfs_fill(_metadata, dir, "empty", 0, 0, 0);
	tmpfs_fill(_metadata, dir, "small", 0, 1, 1);
	tmpfs_fill(_metadata, dir, "large", 0, 1000, 2);
	tmpfs_fill(_metadata, dir, "sparse", 0, 3, 3);
	tmpfs_fill(_metadata, dir, "sparse", 1UL << 40, 2, 4);
	tmpfs_fill(_metadata, dir, "hole", 0, 0, 0);
	fd = openat(dir, "hole", O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(0, ftruncate(fd, 12345678));
	close(fd);
	memset(name, 'n', LONGEST);
	name[LONGEST] = '\0';
	ASSERT_TRUE(tmpfs_write(dir, name, "the longest name"));
	ASSERT_TRUE(tmpfs_write(dir, "\xff\n \\", "not text"));
	ASSERT_TRUE(tmpfs_write(dir, "...", "three"));

	ASSERT_EQ(0, linkat(dir, "large", dir, "also large", 0));
	ASSERT_EQ(0, linkat(dir, "large", dir, "large, too", 0));
	ASSERT_EQ(0, symlinkat("small", dir, "short link"));
	ASSERT_EQ(0, mknodat(dir, "fifo", S_IFIFO | 0620, 0));
	ASSERT_EQ(0, mknodat(dir, "char", S_IFCHR | 0600, makedev(1, 3)));
	ASSERT_EQ(0, mknodat(dir, "block", S_IFBLK | 0600, makedev(300, 70000)));
}

static void make_attributes(struct __test_metadata *const _metadata, int dir)
{
	static char value[65536];
	struct timespec times[2] = { { 12345, 678 }, { -5, 999999999 } };

	ASSERT_TRUE(tmpfs_write(dir, "owned", "owned"));
	ASSERT_EQ(0, fchownat(dir, "owned", 123456, 7, 0));
	ASSERT_EQ(0, fchmodat(dir, "owned", 06751, 0));
	ASSERT_EQ(0, utimensat(dir, "owned", times, 0));
	ASSERT_TRUE(tmpfs_write(dir, "immutable", "immutable"));
	set_flags(_metadata, dir, "immutable", FS_IMMUTABLE_FL | FS_NODUMP_FL);
	ASSERT_TRUE(tmpfs_write(dir, "append", "append"));
	set_flags(_metadata, dir, "append", FS_APPEND_FL);

	memset(value, 'v', sizeof(value));
	ASSERT_EQ(0, fchdir(dir));
	ASSERT_TRUE(tmpfs_write(dir, "xattrs", "xattrs"));
	ASSERT_EQ(0, setxattr("xattrs", "user.empty", "", 0, 0));
	ASSERT_EQ(0, setxattr("xattrs", "user.large", value, sizeof(value), 0));
	ASSERT_EQ(0, setxattr("xattrs", "trusted.t", "t", 1, 0));
	ASSERT_EQ(0, setxattr("xattrs", "security.s", "secure", 6, 0));
	make_acl(_metadata, "xattrs", "system.posix_acl_access");
	ASSERT_EQ(0, symlinkat("nowhere", dir, "link with xattr"));
	ASSERT_EQ(0, lsetxattr("link with xattr", "trusted.t", "l", 1, 0));
	memset(value, 'l', PAGE - 1);
	value[PAGE - 1] = '\0';
	value[4095] = '\0';
	ASSERT_EQ(0, symlinkat(value, dir, "long link"));
	ASSERT_EQ(0, chdir("/"));
}

static void make_dirs(struct __test_metadata *const _metadata, int dir)
{
	char name[16];
	int i, fd, deep = dup(dir);

	ASSERT_EQ(0, fchdir(dir));
	ASSERT_EQ(0, mkdir("empty dir", 01777));
	ASSERT_EQ(0, chmod("empty dir", 01777));
	ASSERT_EQ(0, mkdir("setgid", 0755));
	ASSERT_EQ(0, chown("setgid", 0, 77));
	ASSERT_EQ(0, chmod("setgid", 02775));
	make_acl(_metadata, "setgid", "system.posix_acl_default");
	ASSERT_EQ(0, linkat(dir, "large", dir, "setgid/large", 0));
	ASSERT_TRUE(tmpfs_write(dir, "setgid/inherits", "an ACL"));
	make_socket(_metadata, "setgid/socket");
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, mkdirat(deep, "d", 0700 + i % 8));
		fd = openat(deep, "d", O_RDONLY | O_DIRECTORY);
		ASSERT_LE(0, fd);
		close(deep);
		deep = fd;
	}
	ASSERT_TRUE(tmpfs_write(deep, "bottom", "the bottom"));
	close(deep);
	/* Offsets with gaps. */
	ASSERT_EQ(0, mkdir("gaps", 0755));
	for (i = 0; i < 600; i++) {
		sprintf(name, "gaps/%d", i);
		ASSERT_TRUE(tmpfs_write(dir, name, name));
	}
	for (i = 0; i < 600; i += 1 + i % 3) {
		sprintf(name, "gaps/%d", i);
		ASSERT_EQ(0, unlink(name));
	}
	ASSERT_EQ(0, chdir("/"));
}

/* Each kind of file, and all that a file has; the one that came in, if there is one. */
TEST_F(prepare, tree)
{
	int dir;

	if (luo_stage() == 1) {
		tmpfs_mount(_metadata, "/tree",
			    "size=256m,nr_inodes=5000,mode=1770,uid=12,gid=34,huge=within_size,mpol=prefer:0");
		dir = tmpfs_open("/tree");
		ASSERT_LE(0, dir);
		make_files(_metadata, dir);
		make_attributes(_metadata, dir);
		make_dirs(_metadata, dir);
		ASSERT_EQ(0, unlink("/tree/setgid/socket"));
		close(dir);
	}
	tmpfs_give(_metadata, self->dev, "tree", "/tree");
}

TEST_F(verify, tree)
{
	int dir;

	tmpfs_take(_metadata, luo_retrieve(self->dev, "tree"), "/tree");
	EXPECT_EQ(-EROFS, luo_result(mkdir("/tree/new", 0755)));
	dir = tmpfs_open("/tree");
	ASSERT_LE(0, dir);
	EXPECT_TRUE(tmpfs_has(dir, "setgid/inherits", "an ACL"));

	/* It is as good as any. */
	ASSERT_EQ(0, tmpfs_remount("/tree", MS_NOSUID));
	EXPECT_EQ(0, mkdir("/tree/new", 0755));
	EXPECT_TRUE(tmpfs_write(dir, "new/file", "new"));
	EXPECT_EQ(0, rename("/tree/new", "/tree/gaps/renamed"));
	EXPECT_EQ(0, unlink("/tree/gaps/renamed/file"));
	EXPECT_EQ(0, rmdir("/tree/gaps/renamed"));
	EXPECT_EQ(0, unlink("/tree/also large"));
	EXPECT_EQ(0, linkat(dir, "large", dir, "also large", 0));
	EXPECT_EQ(0, truncate("/tree/large", 500 * PAGE));
	EXPECT_EQ(0, truncate("/tree/large", 1000 * PAGE));
	close(dir);
}

/* Sockets are left out. */
TEST_F(prepare, socket)
{
	int session = luo_create(self->dev, "socket");

	ASSERT_LE(0, session);
	tmpfs_mount(_metadata, "/socket", "size=1m");
	ASSERT_EQ(0, mkdir("/socket/dir", 0755));
	make_socket(_metadata, "/socket/dir/socket");
	ASSERT_EQ(0, mkdir("/socket/dir/dir", 0755));
	ASSERT_EQ(0, tmpfs_remount("/socket", MS_RDONLY));
	luo_give(_metadata, session, tmpfs_open("/socket"), 1);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, socket)
{
	int mnt = luo_take_one(_metadata, self->dev, "socket");
	struct stat s;

	EXPECT_EQ(0, fstatat(mnt, "dir/dir", &s, 0));
	EXPECT_EQ(-ENOENT, luo_result(fstatat(mnt, "dir/socket", &s, 0)));
	EXPECT_EQ(0, fstatat(mnt, "dir", &s, 0));
	EXPECT_EQ(3, s.st_nlink);
}

/* Files of huge folios, before the mount is attached and after. */
#define LARGE	(8 * MIB)

TEST_F(prepare, large)
{
	long huge = luo_meminfo("ShmemHugePages");
	int dir;

	tmpfs_mount(_metadata, "/large", "huge=always,size=64m");
	dir = tmpfs_open("/large");
	ASSERT_LE(0, dir);
	tmpfs_fill(_metadata, dir, "huge", 0, LARGE / PAGE, 11);
	tmpfs_fill(_metadata, dir, "tail", 0, LARGE / PAGE + 1, 12);
	huge = luo_meminfo("ShmemHugePages") - huge;
	ASSERT_EQ(0, fsetxattr(dir, "user.huge", &huge, sizeof(huge), 0));
	close(dir);
	tmpfs_give(_metadata, self->dev, "large", "/large");
}

TEST_F(verify, large)
{
	int session = luo_retrieve(self->dev, "large"), mnt, fd;
	long huge = luo_meminfo("ShmemHugePages"), had = -1;
	struct stat s;

	ASSERT_LE(0, session);
	mnt = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, mnt);

	/* Before it is attached, from the end. */
	fd = openat(mnt, "huge", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(LARGE, luo_size(fd));
	EXPECT_EQ(LARGE, luo_allocated(fd));
	EXPECT_TRUE(luo_filled(fd, LARGE - PAGE, PAGE, 11));
	EXPECT_TRUE(luo_filled(fd, 0, LARGE, 11));
	close(fd);
	EXPECT_EQ(-EROFS, luo_result(openat(mnt, "huge", O_RDWR)));

	ASSERT_EQ(0, tmpfs_attach(mnt, "/large"));
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_EQ(sizeof(had),
		  getxattr("/large", "user.huge", &had, sizeof(had)));
	EXPECT_EQ(had, luo_meminfo("ShmemHugePages") - huge);
	TH_LOG("%ld KiB in huge folios", had);
	EXPECT_EQ(0, fstatat(mnt, "tail", &s, 0));
	EXPECT_EQ(LARGE + PAGE, s.st_size);
	/* The file keeps it busy. */
	EXPECT_EQ(-EBUSY, luo_result(umount("/large")));
	close(mnt);
	EXPECT_EQ(0, umount("/large"));
	close(session);
}

/* What is removed is not counted any more, whether it had its folios or not. */
TEST_F(prepare, emptied)
{
	char target[1000] = "";
	int dir;

	tmpfs_mount(_metadata, "/emptied", "size=64m,nr_inodes=100");
	dir = tmpfs_open("/emptied");
	ASSERT_LE(0, dir);
	tmpfs_fill(_metadata, dir, "lazy", 0, 3000, 21);
	tmpfs_fill(_metadata, dir, "half", 0, 1000, 22);
	tmpfs_fill(_metadata, dir, "small", 0, 2, 23);
	memset(target, 't', sizeof(target) - 1);
	ASSERT_EQ(0, symlinkat(target, dir, "link"));
	ASSERT_EQ(0, linkat(dir, "lazy", dir, "second", 0));
	ASSERT_EQ(0, setxattr("/emptied/small", "user.x", target, 1000, 0));
	ASSERT_EQ(0, mkdirat(dir, "dir", 0755));
	close(dir);
	tmpfs_give(_metadata, self->dev, "emptied", "/emptied");
}

TEST_F(verify, emptied)
{
	int session = luo_retrieve(self->dev, "emptied"), mnt, fd;
	struct statfs s;
	char byte;

	ASSERT_LE(0, session);
	mnt = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, mnt);
	ASSERT_EQ(0, tmpfs_attach(mnt, "/emptied"));
	ASSERT_EQ(0, tmpfs_remount("/emptied", MS_NOSUID));
	fd = openat(mnt, "half", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pread(fd, &byte, 1, 500 * PAGE));
	EXPECT_EQ(0, ftruncate(fd, 100 * PAGE));
	close(fd);
	EXPECT_EQ(0, unlinkat(mnt, "lazy", 0));
	EXPECT_EQ(0, unlinkat(mnt, "second", 0));
	EXPECT_EQ(0, statfs("/emptied", &s));
	EXPECT_EQ(103, s.f_blocks - s.f_bfree);
	EXPECT_EQ(0, unlinkat(mnt, "half", 0));
	EXPECT_EQ(0, unlinkat(mnt, "small", 0));
	EXPECT_EQ(0, unlinkat(mnt, "link", 0));
	EXPECT_EQ(0, unlinkat(mnt, "dir", AT_REMOVEDIR));
	EXPECT_EQ(0, statfs("/emptied", &s));
	EXPECT_EQ(s.f_blocks, s.f_bfree);
	EXPECT_EQ(99, s.f_ffree);
	EXPECT_EQ(0, luo_finish(session));
	close(mnt);
	close(session);
}

/* Closed without being attached, or not even retrieved: its memory is free. */
TEST_F(prepare, unwanted)
{
	int session = luo_create(self->dev, "unwanted"), i, dir;
	char path[16];

	ASSERT_LE(0, session);
	for (i = 1; i <= 3; i++) {
		sprintf(path, "/unwanted%d", i);
		tmpfs_mount(_metadata, path, "size=64m");
		dir = tmpfs_open(path);
		ASSERT_LE(0, dir);
		tmpfs_fill(_metadata, dir, "file", 0, LARGE / PAGE, i);
		tmpfs_fill(_metadata, dir, "small", 0, 2, i);
		ASSERT_EQ(0, tmpfs_remount(path, MS_RDONLY));
		luo_give(_metadata, session, dir, i);
	}
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, unwanted)
{
	int session = luo_retrieve(self->dev, "unwanted"), mnt;
	long before = luo_meminfo("MemTotal");

	ASSERT_LE(0, session);
	mnt = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, mnt);
	close(mnt);
	EXPECT_EQ(0, luo_finish(session));
	EXPECT_LE((long)(3 * LARGE / 1024), luo_meminfo("MemTotal") - before);
	close(session);
}

TEST_HARNESS_MAIN
