// SPDX-License-Identifier: GPL-2.0
/*
 * Which files a session takes, and from whom.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <assert.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "liveupdate.h"
#include "luo_hugetlb.h"

/* Files of kinds that nobody preserves. */
enum unknown_kind {
	NAMED_PIPE, TMPFS_FILE, DEVICE_FILE, DIRECTORY, SOCKET, HUGETLB, ITSELF
};

FIXTURE(unknown_file)
{
	int session;
	int fd;
};

FIXTURE_VARIANT(unknown_file)
{
	enum unknown_kind kind;
};

FIXTURE_VARIANT_ADD(unknown_file, named_pipe) { .kind = NAMED_PIPE };
FIXTURE_VARIANT_ADD(unknown_file, regular_file_on_tmpfs) { .kind = TMPFS_FILE };
FIXTURE_VARIANT_ADD(unknown_file, character_device) { .kind = DEVICE_FILE };
FIXTURE_VARIANT_ADD(unknown_file, directory) { .kind = DIRECTORY };
FIXTURE_VARIANT_ADD(unknown_file, socket) { .kind = SOCKET };
FIXTURE_VARIANT_ADD(unknown_file, regular_file_on_hugetlbfs) { .kind = HUGETLB };
FIXTURE_VARIANT_ADD(unknown_file, its_own_session) { .kind = ITSELF };

static int file_on_tmpfs(void)
{
	int mnt = luo_tmpfs();

	return openat(mnt, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int named_pipe(void)
{
	int mnt = luo_tmpfs();

	if (mkfifoat(mnt, "fifo", 0600))
		return -1;
	return openat(mnt, "fifo", O_RDWR | O_CLOEXEC);
}

static int open_unknown(enum unknown_kind kind)
{
	switch (kind) {
	case NAMED_PIPE:
		return named_pipe();
	case TMPFS_FILE:
		return file_on_tmpfs();
	case DEVICE_FILE:
		return open("/dev/zero", O_RDWR);
	case DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY);
	case SOCKET:
		return socket(AF_UNIX, SOCK_STREAM, 0);
	case HUGETLB:
		return openat(huge_fs(), "file", O_RDWR | O_CREAT | O_CLOEXEC,
			      0600);
	default:
		return -1;
	}
}

FIXTURE_SETUP(unknown_file)
{
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	self->fd = variant->kind == ITSELF ? self->session :
		   open_unknown(variant->kind);
	if (self->fd < 0)
		SKIP(return, "this kernel has no such files");
}

FIXTURE_TEARDOWN(unknown_file)
{
	close(self->session);
	close(self->fd);
}

TEST_F(unknown_file, is_refused)
{
	int memfd = luo_memfd(PAGE, 1);

	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->session, self->fd, 1));
	EXPECT_EQ(0, luo_preserve_fd(self->session, memfd, 1));
}

/* The same file a second time, by whatever way. */
enum second_way { SAME_FD, DUPLICATE, REOPENED, REOPENED_READ_ONLY };

FIXTURE(second_time)
{
	int session[2];
	int memfd;
	int second;
};

FIXTURE_VARIANT(second_time)
{
	enum second_way way;
	int session;
};

FIXTURE_VARIANT_ADD(second_time, same_fd) { .way = SAME_FD, .session = 0 };
FIXTURE_VARIANT_ADD(second_time, duplicate) { .way = DUPLICATE, .session = 0 };
FIXTURE_VARIANT_ADD(second_time, reopened) { .way = REOPENED, .session = 0 };
FIXTURE_VARIANT_ADD(second_time, reopened_read_only) {
	.way = REOPENED_READ_ONLY, .session = 0,
};

FIXTURE_VARIANT_ADD(second_time, same_fd_other_session) {
	.way = SAME_FD, .session = 1,
};

FIXTURE_VARIANT_ADD(second_time, duplicate_other_session) {
	.way = DUPLICATE, .session = 1,
};

FIXTURE_VARIANT_ADD(second_time, reopened_other_session) {
	.way = REOPENED, .session = 1,
};

FIXTURE_SETUP(second_time)
{
	self->session[0] = create_other_session("first");
	if (self->session[0] == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session[0]);
	self->session[1] = create_other_session("second");
	ASSERT_LE(0, self->session[1]);
	self->memfd = luo_memfd(PAGE, 1);
	ASSERT_LE(0, self->memfd);
	if (variant->way == SAME_FD)
		self->second = self->memfd;
	else if (variant->way == DUPLICATE)
		self->second = dup(self->memfd);
	else
		self->second = luo_reopen(self->memfd, variant->way == REOPENED ?
				      O_RDWR : O_RDONLY);
	ASSERT_LE(0, self->second);
}

FIXTURE_TEARDOWN(second_time)
{
	close(self->session[0]);
	close(self->session[1]);
	close(self->memfd);
	close(self->second);
}

TEST_F(second_time, is_busy_until_let_go_of)
{
	int session = self->session[variant->session];
	int other = luo_memfd(PAGE, 2);

	ASSERT_EQ(0, luo_preserve_fd(self->session[0], self->memfd, 1));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(session, self->second, 2));
	EXPECT_EQ(0, luo_preserve_fd(session, other, 2));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(session, self->second, 3));

	ASSERT_EQ(0, close(self->session[0]));
	EXPECT_EQ(0, luo_preserve_fd(self->session[1], self->second, 4));
	EXPECT_TRUE(luo_filled(self->memfd, 0, PAGE, 1));
}

/* What kinds of memfd there are. */
TEST_F(session, takes_empty_memfds)
{
	int empty = memfd_create("luo", MFD_CLOEXEC);
	int hollow = memfd_create("luo", MFD_CLOEXEC);

	ASSERT_EQ(0, ftruncate(hollow, 1 << 20));
	EXPECT_EQ(0, luo_preserve_fd(self->fd, empty, 1));
	EXPECT_EQ(0, luo_preserve_fd(self->fd, hollow, 2));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(empty, PAGE)));
	EXPECT_EQ(0, ftruncate(empty, 0));
	EXPECT_EQ(0, ftruncate(hollow, 1 << 20));

	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, ftruncate(empty, PAGE));
	EXPECT_EQ(0, ftruncate(hollow, 0));
}

TEST_F(session, takes_memfds_with_any_seal)
{
	static const int seals[] = {
		F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
		F_SEAL_FUTURE_WRITE, F_SEAL_EXEC,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	};
	unsigned int i;
	int fd, before;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		fd = luo_memfd(PAGE, i);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, seals[i]));
		before = fcntl(fd, F_GET_SEALS);
		EXPECT_EQ(0, luo_preserve_fd(self->fd, fd, i));
		EXPECT_EQ(before, fcntl(fd, F_GET_SEALS));
		EXPECT_TRUE(luo_filled(fd, 0, PAGE, i));
	}
}

TEST_F(session, takes_a_memfd_larger_than_memory)
{
	off_t size = 1LL << 40;

	ASSERT_EQ(0, ftruncate(self->memfd, size));
	ASSERT_EQ(0, luo_fill(self->memfd, size - PAGE, PAGE, 2));
	EXPECT_EQ(0, luo_preserve_fd(self->fd, self->memfd, 1));
	EXPECT_TRUE(luo_filled(self->memfd, size - PAGE, PAGE, 2));
}

/* Files of tmpfs without a name. */
TEST_F(session, takes_an_unlinked_file)
{
	int mnt = luo_tmpfs();
	int fd = openat(mnt, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_fill(fd, 0, 4 * PAGE, 3));
	ASSERT_EQ(0, linkat(mnt, "file", mnt, "second", 0));
	ASSERT_EQ(0, unlinkat(mnt, "file", 0));
	EXPECT_EQ(-ENOENT, luo_preserve_fd(self->fd, fd, 1));
	ASSERT_EQ(0, unlinkat(mnt, "second", 0));
	EXPECT_EQ(0, luo_preserve_fd(self->fd, fd, 1));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->fd, fd, 2));

	EXPECT_EQ(-EPERM, luo_result(ftruncate(fd, 0)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(fd, 0, 0, 8 * PAGE)));
	EXPECT_EQ(0, luo_fill(fd, PAGE, PAGE, 4));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, ftruncate(fd, 8 * PAGE));
	EXPECT_TRUE(luo_filled(fd, PAGE, PAGE, 4));
}

TEST_F(session, takes_a_file_that_never_had_a_name)
{
	int fd = openat(luo_tmpfs(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_fill(fd, 0, 4 * PAGE, 3));
	EXPECT_EQ(0, luo_preserve_fd(self->fd, fd, 1));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(fd, 0)));
}

/* A session in the hands of somebody without privileges. */
#define NOBODY	65534

static void limit(int resource, rlim_t max)
{
	struct rlimit limit = { .rlim_cur = max, .rlim_max = max };

	assert(!setrlimit(resource, &limit));
}

/* What preserving @fd gives for somebody who cannot lock more than so much. */
static int preserve_as_nobody(int session, int fd, rlim_t locked)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		limit(RLIMIT_MEMLOCK, locked);
		if (setuid(NOBODY))
			_exit(255);
		_exit(-luo_preserve_fd(session, fd, 1));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -255;
}

TEST_F(session, does_not_take_from_others_what_they_only_let_read)
{
	int fd = luo_reopen(self->memfd, O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, preserve_as_nobody(self->fd, fd, RLIM_INFINITY));
	EXPECT_EQ(0, ftruncate(self->memfd, 8 * PAGE));

	/* The owner may, and so may root. */
	EXPECT_EQ(0, luo_preserve_fd(self->fd, fd, 2));
	ASSERT_EQ(0, close(self->fd));
	self->fd = create_other_session("session");
	ASSERT_EQ(0, fchown(self->memfd, NOBODY, NOBODY));
	EXPECT_EQ(0, preserve_as_nobody(self->fd, fd, RLIM_INFINITY));
}

TEST_F(session, takes_from_others_what_they_let_write)
{
	EXPECT_EQ(0, preserve_as_nobody(self->fd, self->memfd, RLIM_INFINITY));
}

TEST_F(session, counts_as_locked_memory)
{
	EXPECT_EQ(-ENOMEM, preserve_as_nobody(self->fd, self->memfd, 4 * PAGE - 1));
	EXPECT_EQ(0, ftruncate(self->memfd, 3 * PAGE));
	EXPECT_EQ(0, preserve_as_nobody(self->fd, self->memfd, 4 * PAGE));

	/* All sessions together. */
	EXPECT_EQ(-ENOMEM, preserve_as_nobody(create_other_session("other"),
					      luo_memfd(2 * PAGE, 2), 4 * PAGE));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, preserve_as_nobody(create_other_session("third"),
					luo_memfd(4 * PAGE, 2), 4 * PAGE));
}

#define NR_OPEN	32

/* Each file is closed once it is in the session, so that one is open at a time. */
static int preserve_many_as_nobody(int session)
{
	int i, fd, err = 0, status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		limit(RLIMIT_NOFILE, NR_OPEN);
		limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
		if (setuid(NOBODY))
			_exit(255);
		for (i = 0; !err && i < 2 * NR_OPEN; i++) {
			fd = luo_memfd(PAGE, i);
			err = luo_preserve_fd(session, fd, i);
			close(fd);
		}
		_exit(err == -EMFILE && i == NR_OPEN + 1 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return status;
}

TEST_F(session, counts_as_open_files)
{
	EXPECT_EQ(0, preserve_many_as_nobody(self->fd));

	/* Each session by itself; and root may do more. */
	EXPECT_EQ(0, luo_preserve_fd(self->fd, self->memfd, 1ULL << 32));
	EXPECT_EQ(0, preserve_many_as_nobody(create_other_session("other")));
}

#ifdef __aarch64__
#ifndef HWCAP2_MTE
#define HWCAP2_MTE	0x40000
#endif
#ifndef PROT_MTE
#define PROT_MTE	0x20
#endif

/* The tags of memory would be lost. A kernel without them ignores PROT_MTE. */
TEST_F(session, refuses_memory_with_tags)
{
	const bool has_tags = getauxval(AT_HWCAP2) & HWCAP2_MTE;
	int other = luo_memfd(PAGE, 2);
	char *map;

	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_MTE, MAP_SHARED,
		   self->memfd, PAGE);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	EXPECT_EQ(has_tags ? -EOPNOTSUPP : 0,
		  luo_preserve_fd(self->fd, self->memfd, 1));
	EXPECT_EQ(0, luo_preserve_fd(self->fd, other, 2));
}
#endif

TEST_HARNESS_MAIN
