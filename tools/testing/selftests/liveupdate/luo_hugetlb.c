// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds of huge pages over a live update. How to run it: luo_update.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_hugetlb.h"
#include "luo_memfd.h"
#include "luo_test.h"

#define GIGANTIC	(1024 * MIB)

/* The size of the huge pages of a test, which is a process of its own. */
static size_t huge_size;

static size_t huge(void)
{
	return huge_size ?: huge_default();
}

static int new_file(struct __test_metadata *const _metadata, off_t pages)
{
	int fd = huge_memfd(huge(), pages * huge());

	ASSERT_LE(0, fd);
	return fd;
}

static void fill_page(struct __test_metadata *const _metadata, int fd,
		      off_t page, __u64 seed)
{
	ASSERT_TRUE(huge_fill(fd, page * huge(), huge(), seed));
}

static bool has_page(int fd, off_t page, __u64 seed)
{
	return huge_filled(fd, page * huge(), huge(), seed);
}

/* Files with all their pages. */
TEST_F(prepare, full)
{
	int fd = new_file(_metadata, 4), i;

	for (i = 0; i < 4; i++)
		fill_page(_metadata, fd, i, 10 + i);
	luo_give_one(_metadata, self->dev, "full", fd);
}

TEST_F(verify, full)
{
	long free = huge_count(huge(), "free");
	long nr = huge_count(huge(), "nr");
	int fd, i;

	fd = luo_take_one(_metadata, self->dev, "full");
	EXPECT_EQ(4 * huge(), luo_size(fd));
	EXPECT_EQ(4 * huge(), luo_allocated(fd));
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(has_page(fd, i, 10 + i));
	/* They were in the pool before. */
	EXPECT_EQ(free, huge_count(huge(), "free"));
	EXPECT_EQ(nr, huge_count(huge(), "nr"));
	EXPECT_EQ(0, huge_count(huge(), "resv"));

	/* A mapping finds them, and reserves nothing for them. */
	ASSERT_NE(MAP_FAILED, luo_map(fd, 0, 4 * huge()));
	EXPECT_EQ(0, huge_count(huge(), "resv"));
	fill_page(_metadata, fd, 2, 5);
	EXPECT_TRUE(has_page(fd, 2, 5));
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, huge(), huge()));
	EXPECT_TRUE(luo_zero(fd, huge(), PAGE));
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_EQ(0, ftruncate(fd, huge()));
	EXPECT_EQ(huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 0, 10));
}

/* Holes stay holes, and take what the pool has left. */
TEST_F(prepare, sparse)
{
	int fd = new_file(_metadata, 40);

	fill_page(_metadata, fd, 1, 21);
	fill_page(_metadata, fd, 33, 22);
	luo_give_one(_metadata, self->dev, "sparse", fd);
}

TEST_F(verify, sparse)
{
	int fd = luo_take_one(_metadata, self->dev, "sparse");

	EXPECT_EQ(40 * huge(), luo_size(fd));
	EXPECT_EQ(2 * huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 1, 21));
	EXPECT_TRUE(has_page(fd, 33, 22));
	EXPECT_TRUE(luo_zero(fd, 0, PAGE));
	EXPECT_TRUE(luo_zero(fd, 39 * huge(), PAGE));
	EXPECT_EQ(2 * huge(), luo_allocated(fd));
	if (!huge_count(huge(), "free"))
		return;
	fill_page(_metadata, fd, 2, 23);
	EXPECT_TRUE(has_page(fd, 2, 23));
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
}

/* What is faulted in after the file was preserved is handed over, too: all of it. */
TEST_F(prepare, late)
{
	int session = luo_create(self->dev, "late");
	int fd = new_file(_metadata, 3);

	ASSERT_LE(0, session);
	fill_page(_metadata, fd, 2, 31);
	ASSERT_EQ(0, luo_preserve_fd(session, fd, 1));
	fill_page(_metadata, fd, 0, 32);
	fill_page(_metadata, fd, 1, 33);
	fill_page(_metadata, fd, 2, 34);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, late)
{
	int fd = luo_take_one(_metadata, self->dev, "late");

	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 0, 32));
	EXPECT_TRUE(has_page(fd, 2, 34));
	EXPECT_TRUE(has_page(fd, 1, 33));
}

/* Size, position and seals; and files without a page. */
TEST_F(prepare, attributes)
{
	int session = luo_create(self->dev, "attributes");
	int fd = new_file(_metadata, 2);

	ASSERT_LE(0, session);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	ASSERT_EQ(12345, lseek(fd, 12345, SEEK_SET));
	luo_give(_metadata, session, fd, 1);
	luo_give(_metadata, session, new_file(_metadata, 0), 2);
	fd = new_file(_metadata, 1);
	fill_page(_metadata, fd, 0, 41);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	luo_give(_metadata, session, fd, 3);
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, attributes)
{
	int session = luo_retrieve(self->dev, "attributes");
	char link[64];
	int fd;

	ASSERT_LE(0, session);
	fd = luo_retrieve_fd(session, 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * huge(), luo_size(fd));
	EXPECT_EQ(0, luo_allocated(fd));
	EXPECT_EQ(12345, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(F_SEAL_GROW | F_SEAL_SHRINK, fcntl(fd, F_GET_SEALS));
	luo_link(fd, link, sizeof(link));
	EXPECT_EQ(0, strncmp(link, "/memfd:liveupdate", 17));

	fd = luo_retrieve_fd(session, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, luo_size(fd));

	fd = luo_retrieve_fd(session, 3);
	ASSERT_LE(0, fd);
	EXPECT_EQ(F_SEAL_WRITE | F_SEAL_SEAL, fcntl(fd, F_GET_SEALS));
	EXPECT_TRUE(has_page(fd, 0, 41));
	EXPECT_EQ(0, luo_finish(session));
}

/* A file on a mount that was unlinked is a memfd then. */
TEST_F(prepare, unlinked)
{
	int fs = huge_fs();
	int fd;

	ASSERT_LE(0, fs);
	fd = openat(fs, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 3 * huge()));
	fill_page(_metadata, fd, 1, 51);
	ASSERT_EQ(0, unlinkat(fs, "file", 0));
	luo_give_one(_metadata, self->dev, "unlinked", fd);
}

TEST_F(verify, unlinked)
{
	int fd = luo_take_one(_metadata, self->dev, "unlinked");

	EXPECT_EQ(3 * huge(), luo_size(fd));
	EXPECT_EQ(huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 1, 51));
}

/* One page, at the end of a file. */
static void give_last_page(struct __test_metadata *const _metadata, int dev,
			   const char *name)
{
	int fd = new_file(_metadata, 2);

	fill_page(_metadata, fd, 1, 61);
	luo_give_one(_metadata, dev, name, fd);
}

static void take_last_page(struct __test_metadata *const _metadata, int dev,
			   const char *name)
{
	int fd = luo_take_one(_metadata, dev, name);

	EXPECT_EQ(2 * huge(), luo_size(fd));
	EXPECT_EQ(huge(), luo_allocated(fd));
	EXPECT_TRUE(has_page(fd, 1, 61));
}

TEST_F(prepare, one)
{
	give_last_page(_metadata, self->dev, "one");
}

TEST_F(verify, one)
{
	take_last_page(_metadata, self->dev, "one");
}

TEST_F(prepare, gigantic)
{
	huge_size = GIGANTIC;
	give_last_page(_metadata, self->dev, "gigantic");
}

TEST_F(verify, gigantic)
{
	huge_size = GIGANTIC;
	take_last_page(_metadata, self->dev, "gigantic");
}

/* A gigantic page in memory that the next kernel uses; the file is as it was. */
TEST_F(prepare, gigantic_in_cma)
{
	int session = luo_create(self->dev, "gigantic_in_cma"), fd;

	huge_size = GIGANTIC;
	ASSERT_LE(0, session);
	ASSERT_TRUE(huge_pool(huge(), 1));
	fd = new_file(_metadata, 1);
	fill_page(_metadata, fd, 0, 91);
	EXPECT_EQ(-EOPNOTSUPP, luo_preserve_fd(session, fd, 1));
	EXPECT_TRUE(has_page(fd, 0, 91));
	EXPECT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(1, huge_count(huge(), "free"));
	EXPECT_TRUE(huge_pool(huge(), 0));
}

/*
 * An update is called off in the midst of the freeze. Until then a task that has a
 * page goes on, and one that would fill a hole or has added seals waits.
 */
static pid_t start_write(struct __test_metadata *const _metadata, int fd,
			 off_t page)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(huge_fill(fd, page * huge(), huge(), 80 + page) ? 0 : 1);
	return pid;
}

static pid_t start_seal(struct __test_metadata *const _metadata, int fd)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) ? 1 : 0);
	return pid;
}

TEST_F(prepare, called_off)
{
	int sleeper = luo_test_file("sleep freeze"), session[2], i;
	int asleep = luo_logged("asleep in freeze");
	int fd = new_file(_metadata, 8);
	pid_t update, waits[2];

	session[0] = luo_create(self->dev, "called_off");
	session[1] = luo_create(self->dev, "called_off 2");
	ASSERT_LE(0, session[0]);
	ASSERT_LE(0, session[1]);
	fill_page(_metadata, fd, 0, 1);
	ASSERT_EQ(0, luo_preserve_fd(session[0], fd, 1));
	fill_page(_metadata, fd, 1, 81);
	ASSERT_LT(0, luo_tell(sleeper, "fail freeze"));
	ASSERT_EQ(0, luo_preserve_fd(session[1], sleeper, 1));

	update = luo_start_reboot(_metadata);
	luo_wait_for_log("asleep in freeze", asleep + 1);
	luo_wait_for_exit(_metadata, start_write(_metadata, fd, 0));
	waits[0] = start_write(_metadata, fd, 2);
	waits[1] = start_seal(_metadata, fd);
	for (i = 0; i < 2; i++) {
		luo_wait_for_sleep(waits[i]);
		EXPECT_EQ(0, waitpid(waits[i], NULL, WNOHANG));
	}
	EXPECT_EQ(2 * huge(), luo_allocated(fd));

	luo_tell_all(_metadata, "wake");
	luo_wait_for_exit(_metadata, update);
	for (i = 0; i < 2; i++)
		luo_wait_for_exit(_metadata, waits[i]);
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(fd, 9 * huge())));
	ASSERT_EQ(0, close(session[1]));
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, called_off)
{
	int fd = luo_take_one(_metadata, self->dev, "called_off"), i;

	EXPECT_EQ(8 * huge(), luo_size(fd));
	EXPECT_EQ(3 * huge(), luo_allocated(fd));
	EXPECT_EQ(F_SEAL_SHRINK, fcntl(fd, F_GET_SEALS));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(has_page(fd, i, 80 + i));
}

/* A file that nobody wants. */
TEST_F(prepare, unwanted)
{
	int fd = new_file(_metadata, 3);

	fill_page(_metadata, fd, 0, 71);
	fill_page(_metadata, fd, 2, 72);
	luo_give_one(_metadata, self->dev, "unwanted", fd);
}

static void discard(struct __test_metadata *const _metadata, int dev,
		    const char *name)
{
	int session = luo_retrieve(dev, name);

	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_finish(session));
}

TEST_F(verify, unwanted)
{
	discard(_metadata, self->dev, "unwanted");
}

/* Nobody wants any of the others either. */
TEST_F(verify, none)
{
	static const char * const names[] = { "full", "sparse", "late",
		"attributes", "unlinked", "one", "gigantic", NULL };
	const char * const *name;

	for (name = names; *name; name++)
		discard(_metadata, self->dev, *name);
}

static void lose(struct __test_metadata *const _metadata, int dev,
		 const char *name, int err)
{
	int session = luo_retrieve(dev, name);

	ASSERT_LE(0, session);
	EXPECT_EQ(err, luo_retrieve_fd(session, 1));
	luo_finish(session);
}

/* In one the records of folios are damaged, in the other all else is. */
TEST_F(verify, damaged)
{
	lose(_metadata, self->dev, "full", -EIO);
	lose(_metadata, self->dev, "sparse", -EINVAL);
}

/* The kernel has no huge pages of the size. */
TEST_F(verify, no_such_size)
{
	int session = luo_retrieve(self->dev, "gigantic");

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENODEV, luo_retrieve_fd(session, 1));
	EXPECT_EQ(0, luo_finish(session));
}

static long read_charge(const char *counter)
{
	char path[128], text[64] = { };
	int fd;

	snprintf(path, sizeof(path), "/cgroup/limited/hugetlb.%zuMB.%s",
		 huge() >> 20, counter);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	return atol(text);
}

/* A cgroup is charged for what comes in, beyond its limits. */
TEST_F(verify, charged)
{
	int fd, i;

	ASSERT_TRUE(luo_write_text("/cgroup/limited/cgroup.procs", "0"));
	fd = luo_take_one(_metadata, self->dev, "full");
	EXPECT_EQ(4 * huge(), read_charge("current"));
	EXPECT_EQ(4 * huge(), read_charge("rsvd.current"));
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(has_page(fd, i, 10 + i));
	EXPECT_EQ(0, fallocate(fd, PUNCH_HOLE, 0, 4 * huge()));
	EXPECT_EQ(0, read_charge("current"));
	EXPECT_EQ(0, read_charge("rsvd.current"));
	EXPECT_TRUE(luo_write_text("/cgroup/cgroup.procs", "0"));
}

TEST_HARNESS_MAIN
