// SPDX-License-Identifier: GPL-2.0
/*
 * Which mounts of tmpfs can be in a session, and what can be done with one that is.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "liveupdate.h"
#include "luo_tmpfs.h"

#define MNT	"/tmp/luo_tmpfs"
#define BIND	"/tmp/luo_tmpfs_bind"

/* A mount with a few files, and a session that it is not in yet. */
FIXTURE(tmpfs)
{
	int session;
	int dir;
};

FIXTURE_SETUP(tmpfs)
{
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	mkdir("/tmp", 01777);
	tmpfs_mount(_metadata, MNT, "size=16m");
	self->dir = tmpfs_open(MNT);
	ASSERT_LE(0, self->dir);
	ASSERT_EQ(0, mkdir(MNT "/dir", 0755));
	ASSERT_TRUE(tmpfs_write(self->dir, "dir/file", "file"));
}

FIXTURE_TEARDOWN(tmpfs)
{
	close(self->session);
	close(self->dir);
	/* Nothing keeps it busy, whatever the test did. */
	EXPECT_EQ(0, umount(MNT));
}

TEST_F(tmpfs, has_to_be_read_only)
{
	struct statfs s;

	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->session, self->dir, 1));
	ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	EXPECT_EQ(0, luo_preserve_fd(self->session, self->dir, 1));

	EXPECT_EQ(-EBUSY, tmpfs_remount(MNT, 0));
	EXPECT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	EXPECT_EQ(-EROFS, luo_result(mkdir(MNT "/new", 0755)));
	EXPECT_EQ(-EROFS, luo_result(unlink(MNT "/dir/file")));
	EXPECT_EQ(-EROFS, luo_result(open(MNT "/dir/file", O_RDWR)));
	EXPECT_TRUE(tmpfs_has(self->dir, "dir/file", "file"));
	/* Another option may change. */
	EXPECT_EQ(0, mount(NULL, MNT, NULL, MS_REMOUNT | MS_RDONLY, "size=32m"));
	ASSERT_EQ(0, statfs(MNT, &s));
	EXPECT_EQ(32 << 20, s.f_blocks * s.f_bsize);
	EXPECT_EQ(-EBUSY, luo_result(umount(MNT)));

	/* When it is let go of, it is as it was. */
	EXPECT_EQ(0, close(self->session));
	self->session = -1;
	EXPECT_EQ(0, tmpfs_remount(MNT, 0));
	EXPECT_EQ(0, mkdir(MNT "/new", 0755));
	EXPECT_TRUE(tmpfs_has(self->dir, "dir/file", "file"));
}

/* Reconfigures MNT as fspick() finds it: only what is named changes. */
static int reconfigure(int command, const char *key, const char *value)
{
	int fs = syscall(SYS_fspick, AT_FDCWD, MNT, 0), err;

	if (fs < 0)
		return -errno;
	err = luo_result(fsconfig(fs, command, key, value, 0));
	if (!err)
		err = luo_result(fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL,
					  NULL, 0));
	close(fs);
	return err;
}

/* Nor do other options need to say that it stays so. */
TEST_F(tmpfs, stays_read_only)
{
	struct statfs s;

	ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->dir, 1));
	EXPECT_EQ(0, reconfigure(FSCONFIG_SET_STRING, "size", "32m"));
	ASSERT_EQ(0, statfs(MNT, &s));
	EXPECT_EQ(32 << 20, s.f_blocks * s.f_bsize);
	EXPECT_EQ(-EROFS, luo_result(mkdir(MNT "/new", 0755)));
	EXPECT_EQ(-EBUSY, reconfigure(FSCONFIG_SET_FLAG, "rw", NULL));
	EXPECT_EQ(0, reconfigure(FSCONFIG_SET_FLAG, "ro", NULL));
	EXPECT_EQ(-EROFS, luo_result(mkdir(MNT "/new", 0755)));
}

/* Read-only is the mount here, not what it is a mount of. */
TEST_F(tmpfs, is_the_superblock)
{
	ASSERT_EQ(0, mount(NULL, MNT, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			   NULL));
	EXPECT_EQ(-EROFS, luo_result(mkdir(MNT "/new", 0755)));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->session, self->dir, 1));
}

/* What could still change something keeps a mount from becoming read-only. */
TEST_F(tmpfs, has_no_writers)
{
	int fd = open(MNT "/dir/file", O_RDWR | O_CLOEXEC);
	char *page;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, tmpfs_remount(MNT, MS_RDONLY));
	page = luo_map(fd, 0, PAGE);
	ASSERT_NE(MAP_FAILED, page);
	close(fd);
	EXPECT_EQ(-EBUSY, tmpfs_remount(MNT, MS_RDONLY));
	ASSERT_EQ(0, munmap(page, PAGE));

	fd = open(MNT "/dir/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unlink(MNT "/dir/file"));
	EXPECT_EQ(-EBUSY, tmpfs_remount(MNT, MS_RDONLY));
	close(fd);
	EXPECT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	EXPECT_EQ(0, luo_preserve_fd(self->session, self->dir, 1));
}

TEST_F(tmpfs, is_preserved_once)
{
	int other = create_other_session("other"), dir;

	ASSERT_LE(0, other);
	mkdir(BIND, 0755);
	ASSERT_EQ(0, mount(MNT, BIND, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	dir = tmpfs_open(BIND);
	ASSERT_LE(0, dir);
	EXPECT_EQ(0, luo_preserve_fd(self->session, self->dir, 1));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->session, self->dir, 2));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->session, dir, 2));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(other, dir, 1));
	/* By no mount it can be made writable. */
	EXPECT_EQ(-EBUSY, tmpfs_remount(BIND, 0));
	close(self->session);
	self->session = -1;
	EXPECT_EQ(0, luo_preserve_fd(other, dir, 1));
	close(other);
	close(dir);
	ASSERT_EQ(0, umount(BIND));
}

/* A page of a hole is added, and is nothing that has to be preserved. */
TEST_F(tmpfs, holes_can_be_read)
{
	char *page;
	int fd;

	ASSERT_EQ(0, truncate(MNT "/dir/file", 4 * PAGE));
	ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	EXPECT_EQ(0, luo_preserve_fd(self->session, self->dir, 1));
	fd = open(MNT "/dir/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	page = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ('f', page[0]);
	EXPECT_EQ(0, page[2 * PAGE]);
	ASSERT_EQ(0, munmap(page, 4 * PAGE));
	close(fd);
}

TEST_F(tmpfs, takes_only_roots)
{
	int fd;

	ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	fd = tmpfs_open(MNT "/dir");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, fd, 1));
	close(fd);
	fd = open(MNT "/dir/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, fd, 1));
	close(fd);

	mkdir(BIND, 0755);
	ASSERT_EQ(0, mount(MNT "/dir", BIND, NULL, MS_BIND, NULL));
	fd = tmpfs_open(BIND);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, fd, 1));
	close(fd);
	ASSERT_EQ(0, umount(BIND));
}

TEST_F(tmpfs, takes_no_others)
{
	int fd;

	mkdir(BIND, 0755);
	ASSERT_EQ(0, mount("dev", BIND, "devtmpfs", 0, NULL));
	fd = tmpfs_open(BIND);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, fd, 1));
	close(fd);
	ASSERT_EQ(0, umount(BIND));

	tmpfs_mount(_metadata, BIND, "usrquota");
	ASSERT_EQ(0, tmpfs_remount(BIND, MS_RDONLY));
	fd = tmpfs_open(BIND);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, luo_preserve_fd(self->session, fd, 1));
	close(fd);
	ASSERT_EQ(0, umount(BIND));
}

/* Exits with what comes of a mount that a new user namespace has made. */
static void preserve_in_userns(int session)
{
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		_exit(100);
	if (mount("tmpfs", "/proc", "tmpfs", MS_RDONLY, NULL))
		_exit(101);
	fd = tmpfs_open("/proc");
	_exit(fd < 0 ? 102 : -luo_preserve_fd(session, fd, 1));
}

TEST_F(tmpfs, is_of_the_initial_user_namespace)
{
	pid_t pid = fork();
	int status;

	ASSERT_LE(0, pid);
	if (!pid)
		preserve_in_userns(self->session);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(ENOENT, WEXITSTATUS(status));
}

TEST_F(tmpfs, needs_a_capability)
{
	pid_t pid;
	int status;

	ASSERT_EQ(0, tmpfs_remount(MNT, MS_RDONLY));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (setresuid(65534, 65534, 65534))
			_exit(100);
		_exit(-luo_preserve_fd(self->session, self->dir, 1));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
	EXPECT_EQ(0, tmpfs_remount(MNT, 0));
}

TEST_HARNESS_MAIN
