// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of /dev/liveupdate that show without a live update.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <assert.h>
#include <linux/falloc.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "luo_util.h"

/* A limit, not an expectation: emulated kernels with all checks on are slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	900

/* What is not a member of an ioctl's structure, yet within its size. */
#define TAIL			8

FIXTURE(device)
{
	int fd;
};

FIXTURE_SETUP(device)
{
	self->fd = luo_open();
	if (self->fd == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

TEST_F(device, has_one_opener)
{
	EXPECT_EQ(-EBUSY, luo_open());
	EXPECT_EQ(-EBUSY, luo_open());

	ASSERT_EQ(0, close(self->fd));
	self->fd = luo_open();
	EXPECT_LE(0, self->fd);
}

TEST_F(device, stays_open_in_a_duplicate)
{
	int copy = dup(self->fd);

	ASSERT_LE(0, copy);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-EBUSY, luo_open());

	ASSERT_EQ(0, close(copy));
	self->fd = luo_open();
	EXPECT_LE(0, self->fd);
}

TEST_F(device, stays_open_in_a_child)
{
	int status, pipefd[2];
	char c;
	pid_t pid;

	ASSERT_EQ(0, pipe(pipefd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(pipefd[1]);
		_exit(read(pipefd[0], &c, 1) ? 1 : 0);
	}
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-EBUSY, luo_open());

	close(pipefd[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	self->fd = luo_open();
	EXPECT_LE(0, self->fd);
}

TEST_F(device, takes_names_of_up_to_63_bytes)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	char link[128];
	int session;

	static_assert(sizeof(LUO_LONGEST_NAME) == sizeof(name), "the longest name");
	session = luo_create(self->fd, LUO_LONGEST_NAME);
	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_get_name(session, name));
	EXPECT_STREQ(LUO_LONGEST_NAME, name);
	luo_link(session, link, sizeof(link));
	EXPECT_STREQ("anon_inode:[luo_session] " LUO_LONGEST_NAME, link);
}

TEST_F(device, refuses_an_empty_name)
{
	EXPECT_EQ(-EINVAL, luo_create(self->fd, ""));
	EXPECT_EQ(-ENOENT, luo_retrieve(self->fd, ""));
}

TEST_F(device, refuses_an_unterminated_name)
{
	EXPECT_EQ(-EINVAL, luo_create(self->fd, LUO_LONGEST_NAME "4"));
	EXPECT_EQ(-ENOENT, luo_retrieve(self->fd, LUO_LONGEST_NAME "4"));
}

TEST_F(device, takes_any_bytes_in_a_name)
{
	static const char odd[] = "\x01\x7f\x80\xff /../%s\n";
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	int session = luo_create(self->fd, odd);

	ASSERT_LE(0, session);
	EXPECT_EQ(0, luo_get_name(session, name));
	EXPECT_STREQ(odd, name);
	EXPECT_EQ(-EEXIST, luo_create(self->fd, odd));
}

TEST_F(device, tells_names_apart_up_to_their_end)
{
	struct liveupdate_ioctl_create_session arg = {
		.size = sizeof(arg),
		.name = "name\0one",
	};

	EXPECT_EQ(0, ioctl(self->fd, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg));
	memcpy(arg.name, "name\0two", 8);
	EXPECT_EQ(-1, ioctl(self->fd, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_LE(0, luo_create(self->fd, "nam"));
	EXPECT_LE(0, luo_create(self->fd, "name1"));
	EXPECT_LE(0, luo_create(self->fd, "NAME"));
}

TEST_F(device, refuses_a_name_in_use_until_its_close)
{
	int session, copy;

	session = luo_create(self->fd, "name");
	ASSERT_LE(0, session);
	EXPECT_EQ(-EEXIST, luo_create(self->fd, "name"));

	copy = dup(session);
	ASSERT_EQ(0, close(session));
	EXPECT_EQ(-EEXIST, luo_create(self->fd, "name"));

	ASSERT_EQ(0, close(copy));
	session = luo_create(self->fd, "name");
	EXPECT_LE(0, session);
}

TEST_F(device, retrieves_nothing_that_did_not_come_in)
{
	EXPECT_EQ(-ENOENT, luo_retrieve(self->fd, "never handed over"));

	/* A session created here is none that came in. */
	ASSERT_LE(0, luo_create(self->fd, "name"));
	EXPECT_EQ(-ENOENT, luo_retrieve(self->fd, "name"));
}

TEST_F(device, does_not_know_commands_of_sessions)
{
	char arg[PAGE_MAX] = { 128 };
	unsigned int nr;

	for (nr = LIVEUPDATE_CMD_RETRIEVE_SESSION + 1; nr < 256; nr++) {
		EXPECT_EQ(-1, ioctl(self->fd, _IO(LIVEUPDATE_IOCTL_TYPE, nr), arg));
		EXPECT_EQ(EINVAL, errno) TH_LOG("number %#x", nr);
	}
}

TEST_F(device, takes_the_full_command_only)
{
	struct liveupdate_ioctl_create_session arg = {
		.size = sizeof(arg),
		.name = "name",
	};

	EXPECT_EQ(-1, ioctl(self->fd, _IOWR(LIVEUPDATE_IOCTL_TYPE, 0, arg), &arg));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IO(LIVEUPDATE_IOCTL_TYPE + 1, 0), &arg));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IOR(LIVEUPDATE_IOCTL_TYPE, 1, int), &arg));
	EXPECT_EQ(ENOTTY, errno);
}

/* A session that cannot be told of must not stay behind. */
TEST_F(device, undoes_a_create_that_cannot_be_answered)
{
	struct liveupdate_ioctl_create_session arg = {
		.size = sizeof(arg),
		.name = "name",
	};
	void *map = luo_read_only(&arg, sizeof(arg));
	int fd;

	ASSERT_NE(NULL, map);
	fd = dup(0);
	EXPECT_EQ(-1, ioctl(self->fd, LIVEUPDATE_IOCTL_CREATE_SESSION, map));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(fd + 1, dup(0));
	EXPECT_LE(0, luo_create(self->fd, "name"));
}

TEST_F(device, undoes_a_create_without_a_free_descriptor)
{
	struct rlimit old, full = { };
	int fd;

	fd = dup(0);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	full.rlim_cur = fd + 1;
	full.rlim_max = old.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
	EXPECT_EQ(-EMFILE, luo_create(self->fd, "name"));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(fd + 1, luo_create(self->fd, "name"));
}

/* One session, with the device closed: sessions outlive it. */
FIXTURE(session)
{
	int fd;
	int memfd;
};

FIXTURE_SETUP(session)
{
	int dev = luo_open();

	if (dev == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, dev);
	self->fd = luo_create(dev, "session");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, close(dev));
	self->memfd = luo_memfd(4 * PAGE, 1);
	ASSERT_LE(0, self->memfd);
}

FIXTURE_TEARDOWN(session)
{
	close(self->fd);
	close(self->memfd);
}

static int create_other_session(const char *name)
{
	int session, dev = luo_open();

	if (dev < 0)
		return dev;
	session = luo_create(dev, name);
	close(dev);
	return session;
}

TEST_F(session, keeps_its_name_without_the_device)
{
	EXPECT_EQ(-EEXIST, create_other_session("session"));
}

TEST_F(session, is_close_on_exec)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
}

TEST_F(session, is_a_named_anonymous_inode)
{
	struct statfs fs;
	char link[128];

	luo_link(self->fd, link, sizeof(link));
	EXPECT_STREQ("anon_inode:[luo_session] session", link);
	ASSERT_EQ(0, fstatfs(self->fd, &fs));
	EXPECT_EQ(ANON_INODE_FS_MAGIC, fs.f_type);
}

TEST_F(session, says_its_name)
{
	struct liveupdate_session_get_name arg = { .size = sizeof(arg) };

	EXPECT_EQ(0, ioctl(self->fd, LIVEUPDATE_SESSION_GET_NAME, &arg));
	EXPECT_STREQ("session", (char *)arg.name);

	arg.reserved = 1;
	EXPECT_EQ(-1, ioctl(self->fd, LIVEUPDATE_SESSION_GET_NAME, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.reserved = 1U << 31;
	EXPECT_EQ(-1, ioctl(self->fd, LIVEUPDATE_SESSION_GET_NAME, &arg));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(session, does_not_know_commands_of_the_device)
{
	char arg[PAGE_MAX] = { 128 };
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		if (nr >= LIVEUPDATE_CMD_SESSION_BASE &&
		    nr <= LIVEUPDATE_CMD_SESSION_GET_NAME)
			continue;
		EXPECT_EQ(-1, ioctl(self->fd, _IO(LIVEUPDATE_IOCTL_TYPE, nr), arg));
		EXPECT_EQ(EINVAL, errno) TH_LOG("number %#x", nr);
	}
}

TEST_F(session, takes_the_full_command_only)
{
	struct liveupdate_session_get_name arg = { .size = sizeof(arg) };
	unsigned int nr;

	for (nr = LIVEUPDATE_CMD_SESSION_BASE;
	     nr <= LIVEUPDATE_CMD_SESSION_GET_NAME; nr++) {
		EXPECT_EQ(-1, ioctl(self->fd,
				    _IOWR(LIVEUPDATE_IOCTL_TYPE, nr, arg), &arg));
		EXPECT_EQ(ENOTTY, errno) TH_LOG("number %#x", nr);
		EXPECT_EQ(-1, ioctl(self->fd,
				    _IO(LIVEUPDATE_IOCTL_TYPE + 1, nr), &arg));
		EXPECT_EQ(ENOTTY, errno) TH_LOG("number %#x", nr);
	}
}

TEST_F(session, retrieves_nothing_when_created_here)
{
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(self->fd, 0));
	ASSERT_EQ(0, luo_preserve_fd(self->fd, self->memfd, 1));
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(self->fd, 1));
	EXPECT_EQ(-EINVAL, luo_retrieve_fd(self->fd, 2));
}

TEST_F(session, is_not_finished_when_created_here)
{
	EXPECT_EQ(-EINVAL, luo_finish(self->fd));
	EXPECT_EQ(-EINVAL, luo_finish_reserved(self->fd, 1));

	/* What it holds is not let go of by the attempt. */
	ASSERT_EQ(0, luo_preserve_fd(self->fd, self->memfd, 1));
	EXPECT_EQ(-EINVAL, luo_finish(self->fd));
	EXPECT_EQ(-EBUSY, luo_preserve_fd(self->fd, self->memfd, 2));
}

TEST_F(session, takes_a_token_once)
{
	int other = luo_memfd(PAGE, 2);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, luo_preserve_fd(self->fd, self->memfd, 5));
	EXPECT_EQ(-EEXIST, luo_preserve_fd(self->fd, other, 5));

	/* The refused file was left alone. */
	EXPECT_EQ(0, ftruncate(other, 0));
	EXPECT_EQ(0, luo_preserve_fd(self->fd, other, 6));
}

TEST_F(session, has_tokens_of_its_own)
{
	int session = create_other_session("other");
	int other = luo_memfd(PAGE, 2);

	ASSERT_LE(0, session);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, luo_preserve_fd(self->fd, self->memfd, 5));
	EXPECT_EQ(0, luo_preserve_fd(session, other, 5));
}

TEST_F(session, takes_any_token)
{
	static const __u64 tokens[] = {
		0, 1, UINT64_MAX, UINT64_MAX - 1, 1ULL << 63, 1ULL << 32,
		0xffffffff, 0xdeadbeefcafebabe,
	};
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(tokens); i++) {
		fd = luo_memfd(PAGE, i);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, luo_preserve_fd(self->fd, fd, tokens[i]));
		EXPECT_EQ(-EEXIST, luo_preserve_fd(self->fd, self->memfd, tokens[i]));
	}
}

TEST_F(session, refuses_bad_descriptors)
{
	int path = luo_reopen(self->memfd, O_PATH);

	EXPECT_EQ(-EBADF, luo_preserve_fd(self->fd, -1, 1));
	EXPECT_EQ(-EBADF, luo_preserve_fd(self->fd, INT32_MAX, 1));
	EXPECT_EQ(-EBADF, luo_preserve_fd(self->fd, INT32_MIN, 1));
	ASSERT_LE(0, path);
	EXPECT_EQ(-EBADF, luo_preserve_fd(self->fd, path, 1));

	/* The token is still free. */
	EXPECT_EQ(0, luo_preserve_fd(self->fd, self->memfd, 1));
}

TEST_F(session, holds_the_file_without_its_descriptor)
{
	const long size = 8 << 20;
	long before, held;
	int fd;

	before = luo_meminfo("Shmem");
	fd = luo_memfd(size, 1);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, luo_preserve_fd(self->fd, fd, 1));
	ASSERT_EQ(0, close(fd));
	held = luo_meminfo("Shmem");
	EXPECT_LT(before + size / 2048, held);
	EXPECT_EQ(-EEXIST, luo_preserve_fd(self->fd, self->memfd, 1));

	ASSERT_EQ(0, close(self->fd));
	EXPECT_GT(before + size / 2048, luo_meminfo("Shmem"));
}

TEST_F(session, lets_go_of_all_files_at_its_close)
{
	int fds[16], session, i;

	for (i = 0; i < 16; i++) {
		fds[i] = luo_memfd(PAGE, i);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, luo_preserve_fd(self->fd, fds[i], i));
	}
	ASSERT_EQ(0, close(self->fd));
	session = create_other_session("session");
	ASSERT_LE(0, session);
	for (i = 0; i < 16; i++) {
		EXPECT_TRUE(luo_filled(fds[i], 0, PAGE, i));
		EXPECT_EQ(0, ftruncate(fds[i], 2 * PAGE));
		EXPECT_EQ(0, luo_preserve_fd(session, fds[i], 15 - i));
	}
}

/* Files of kinds that nobody preserves. */
enum unknown_kind { PIPE, TMPFS_FILE, DEVICE_FILE, DIRECTORY, SOCKET, HUGETLB, ITSELF };

FIXTURE(unknown_file)
{
	int session;
	int fd;
};

FIXTURE_VARIANT(unknown_file)
{
	enum unknown_kind kind;
};

FIXTURE_VARIANT_ADD(unknown_file, pipe) { .kind = PIPE };
FIXTURE_VARIANT_ADD(unknown_file, regular_file_on_tmpfs) { .kind = TMPFS_FILE };
FIXTURE_VARIANT_ADD(unknown_file, character_device) { .kind = DEVICE_FILE };
FIXTURE_VARIANT_ADD(unknown_file, directory) { .kind = DIRECTORY };
FIXTURE_VARIANT_ADD(unknown_file, socket) { .kind = SOCKET };
FIXTURE_VARIANT_ADD(unknown_file, hugetlb_memfd) { .kind = HUGETLB };
FIXTURE_VARIANT_ADD(unknown_file, its_own_session) { .kind = ITSELF };

static int file_on_tmpfs(void)
{
	int mnt = luo_tmpfs();

	return openat(mnt, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int open_unknown(enum unknown_kind kind)
{
	int fds[2];

	switch (kind) {
	case PIPE:
		return pipe(fds) ? -1 : fds[0];
	case TMPFS_FILE:
		return file_on_tmpfs();
	case DEVICE_FILE:
		return open("/dev/zero", O_RDWR);
	case DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY);
	case SOCKET:
		return socket(AF_UNIX, SOCK_STREAM, 0);
	case HUGETLB:
		return memfd_create("luo", MFD_CLOEXEC | MFD_HUGETLB);
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

/* The rules about the size of an argument, for each command. */
struct call {
	int fd;
	unsigned long cmd;
	/* A correct argument, and its length. */
	char good[128];
	size_t len;
};

FIXTURE(argument)
{
	struct call call;
	int dev;
	int session;
	int memfd;
	char *end;
};

FIXTURE_VARIANT(argument)
{
	unsigned long cmd;
	size_t len;
	/* What a correct call gives: some commands fail on a new session. */
	int result;
};

FIXTURE_VARIANT_ADD(argument, create_session) {
	.cmd = LIVEUPDATE_IOCTL_CREATE_SESSION,
	.len = sizeof(struct liveupdate_ioctl_create_session),
};

FIXTURE_VARIANT_ADD(argument, retrieve_session) {
	.cmd = LIVEUPDATE_IOCTL_RETRIEVE_SESSION,
	.len = sizeof(struct liveupdate_ioctl_retrieve_session),
	.result = -ENOENT,
};

FIXTURE_VARIANT_ADD(argument, preserve_fd) {
	.cmd = LIVEUPDATE_SESSION_PRESERVE_FD,
	.len = sizeof(struct liveupdate_session_preserve_fd),
};

FIXTURE_VARIANT_ADD(argument, retrieve_fd) {
	.cmd = LIVEUPDATE_SESSION_RETRIEVE_FD,
	.len = sizeof(struct liveupdate_session_retrieve_fd),
	.result = -EINVAL,
};

FIXTURE_VARIANT_ADD(argument, finish) {
	.cmd = LIVEUPDATE_SESSION_FINISH,
	.len = sizeof(struct liveupdate_session_finish),
	.result = -EINVAL,
};

FIXTURE_VARIANT_ADD(argument, get_name) {
	.cmd = LIVEUPDATE_SESSION_GET_NAME,
	.len = sizeof(struct liveupdate_session_get_name),
};

FIXTURE_SETUP(argument)
{
	struct call *call = &self->call;

	self->dev = luo_open();
	if (self->dev == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->dev);
	self->session = luo_create(self->dev, "session");
	ASSERT_LE(0, self->session);
	self->memfd = luo_memfd(PAGE, 1);
	ASSERT_LE(0, self->memfd);
	self->end = luo_end_of_memory();
	ASSERT_NE(NULL, self->end);

	call->cmd = variant->cmd;
	call->len = variant->len;
	call->fd = _IOC_NR(call->cmd) < LIVEUPDATE_CMD_SESSION_BASE ?
		   self->dev : self->session;
	if (call->cmd == LIVEUPDATE_SESSION_PRESERVE_FD)
		memcpy(call->good + 4, &self->memfd, sizeof(self->memfd));
	else if (call->fd == self->dev)
		memcpy(call->good + 8, "name", 4);
}

FIXTURE_TEARDOWN(argument)
{
	close(self->dev);
	close(self->session);
	close(self->memfd);
}

/* Call with a correct argument at @arg that says it is @size bytes long. */
static int call_sized(const struct call *call, char *arg, __u32 size)
{
	memcpy(arg, call->good, call->len);
	memcpy(arg, &size, sizeof(size));
	return luo_result(ioctl(call->fd, call->cmd, arg));
}

static int call_right(const struct call *call, char *arg)
{
	return call_sized(call, arg, call->len);
}

TEST_F(argument, may_end_where_memory_ends)
{
	EXPECT_EQ(variant->result,
		  call_right(&self->call, self->end - variant->len));
}

TEST_F(argument, is_refused_when_too_short)
{
	char *arg = self->end - variant->len;
	__u32 size;

	for (size = 0; size < variant->len; size++) {
		EXPECT_EQ(-EINVAL, call_sized(&self->call, arg, size))
			TH_LOG("size %u", size);
	}
	EXPECT_EQ(variant->result, call_right(&self->call, arg));
}

TEST_F(argument, may_have_a_tail_of_zeroes)
{
	char *arg = self->end - variant->len - TAIL;
	char zero[TAIL] = { };

	EXPECT_EQ(variant->result,
		  call_sized(&self->call, arg, variant->len + TAIL));
	EXPECT_EQ(0, memcmp(self->end - TAIL, zero, TAIL));
}

TEST_F(argument, may_have_a_long_tail_of_zeroes)
{
	EXPECT_EQ(variant->result,
		  call_sized(&self->call, self->end - PAGE, PAGE));
}

TEST_F(argument, is_refused_with_anything_else_behind)
{
	char *arg = self->end - variant->len - TAIL;
	int i;

	for (i = 0; i < TAIL; i++) {
		memset(self->end - TAIL, 0, TAIL);
		self->end[i - TAIL] = 1;
		EXPECT_EQ(-E2BIG, call_sized(&self->call, arg, variant->len + TAIL))
			TH_LOG("byte %d", i);
	}
	EXPECT_EQ(variant->result, call_right(&self->call, arg));
}

TEST_F(argument, is_written_back_to_its_size_only)
{
	char *arg = self->end - variant->len - TAIL;
	char tail[TAIL];

	memset(tail, 0xa5, TAIL);
	memcpy(self->end - TAIL, tail, TAIL);
	EXPECT_EQ(variant->result, call_right(&self->call, arg));
	EXPECT_EQ(0, memcmp(self->end - TAIL, tail, TAIL));
}

TEST_F(argument, must_be_readable)
{
	const struct call *call = &self->call;
	char *arg = self->end - variant->len;
	__u32 size = variant->len;

	EXPECT_EQ(-EFAULT, luo_result(ioctl(call->fd, call->cmd, NULL)));
	EXPECT_EQ(-EFAULT, luo_result(ioctl(call->fd, call->cmd, self->end)));

	/* The size can be read, but not all that it promises. */
	memcpy(self->end - sizeof(size), &size, sizeof(size));
	EXPECT_EQ(-EFAULT, luo_result(ioctl(call->fd, call->cmd,
					    self->end - sizeof(size))));
	EXPECT_EQ(-EFAULT, call_sized(call, arg, variant->len + 1));
	EXPECT_EQ(variant->result, call_right(call, arg));
}

/* A memfd while it is in a session. */
FIXTURE(preserved_memfd)
{
	int session;
	int memfd;
	char *map;
};

#define MEMFD_SIZE	(4 * PAGE)

FIXTURE_SETUP(preserved_memfd)
{
	self->session = create_other_session("session");
	if (self->session == -ENOENT)
		SKIP(return, "no " LUO_DEVICE ": boot with kho=on liveupdate=on");
	ASSERT_LE(0, self->session);
	self->memfd = luo_memfd(MEMFD_SIZE, 1);
	ASSERT_LE(0, self->memfd);
	self->map = luo_map(self->memfd, 0, MEMFD_SIZE);
	ASSERT_NE(MAP_FAILED, self->map);
	ASSERT_EQ(0, luo_preserve_fd(self->session, self->memfd, 1));
}

FIXTURE_TEARDOWN(preserved_memfd)
{
	close(self->session);
	close(self->memfd);
}

TEST_F(preserved_memfd, keeps_its_size)
{
	char page[PAGE_MAX] = { };

	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->memfd, 0)));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->memfd, MEMFD_SIZE - 1)));
	EXPECT_EQ(-EPERM, luo_result(ftruncate(self->memfd, MEMFD_SIZE + 1)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, 0, 0, 2 * MEMFD_SIZE)));
	EXPECT_EQ(-EPERM, luo_result(pwrite(self->memfd, page, PAGE, MEMFD_SIZE)));
	EXPECT_EQ(-EPERM, luo_reopen(self->memfd, O_RDWR | O_TRUNC));
	EXPECT_EQ(0, ftruncate(self->memfd, MEMFD_SIZE));
	EXPECT_EQ(MEMFD_SIZE, luo_size(self->memfd));
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
}

TEST_F(preserved_memfd, is_not_written_across_its_end)
{
	char pages[2 * PAGE_MAX] = { };
	ssize_t ret;

	/* Nothing, or as much as fits. */
	ret = luo_result(pwrite(self->memfd, pages, 2 * PAGE, MEMFD_SIZE - PAGE));
	EXPECT_TRUE(ret == -EPERM || ret == PAGE) TH_LOG("wrote %zd", ret);
	EXPECT_EQ(MEMFD_SIZE, luo_size(self->memfd));
}

TEST_F(preserved_memfd, keeps_its_pages)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	off_t allocated = luo_allocated(self->memfd);

	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, mode, 0, PAGE)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, mode, PAGE, MEMFD_SIZE)));
	EXPECT_EQ(-EPERM, luo_result(madvise(self->map, PAGE, MADV_REMOVE)));
	EXPECT_EQ(-EPERM, luo_result(fallocate(self->memfd, FALLOC_FL_KEEP_SIZE,
					       0, 2 * MEMFD_SIZE)));
	EXPECT_EQ(-EBUSY, luo_result(fcntl(self->memfd, F_ADD_SEALS, F_SEAL_WRITE)));
	EXPECT_EQ(allocated, luo_allocated(self->memfd));
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
}

TEST_F(preserved_memfd, is_read_and_written_as_before)
{
	char *second;

	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
	EXPECT_EQ(0, luo_fill(self->memfd, PAGE, PAGE, 2));
	EXPECT_TRUE(luo_filled(self->memfd, PAGE, PAGE, 2));

	self->map[3 * PAGE] = 'm';
	second = luo_map(self->memfd, 0, MEMFD_SIZE);
	ASSERT_NE(MAP_FAILED, second);
	EXPECT_EQ('m', second[3 * PAGE]);
	second[3 * PAGE + 1] = 'n';
	EXPECT_EQ('n', self->map[3 * PAGE + 1]);
	EXPECT_EQ(MEMFD_SIZE / 2, lseek(self->memfd, MEMFD_SIZE / 2, SEEK_SET));
}

TEST_F(preserved_memfd, is_like_any_other_when_let_go_of)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	ASSERT_EQ(0, close(self->session));
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
	EXPECT_EQ(0, fallocate(self->memfd, mode, 0, PAGE));
	EXPECT_TRUE(luo_zero(self->memfd, 0, PAGE));
	EXPECT_EQ(0, fallocate(self->memfd, 0, 0, 2 * MEMFD_SIZE));
	EXPECT_EQ(0, luo_fill(self->memfd, 2 * MEMFD_SIZE, PAGE, 3));
	EXPECT_EQ(2 * MEMFD_SIZE + PAGE, luo_size(self->memfd));
	EXPECT_EQ(0, ftruncate(self->memfd, PAGE));
	EXPECT_EQ(PAGE, luo_allocated(self->memfd));
	EXPECT_EQ(0, fcntl(self->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	EXPECT_EQ(-1, ftruncate(self->memfd, 0));
}

TEST_F(preserved_memfd, can_be_preserved_again)
{
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, close(self->session));
		self->session = create_other_session("session");
		ASSERT_LE(0, self->session);
		EXPECT_EQ(0, luo_preserve_fd(self->session, self->memfd, i));
		EXPECT_EQ(-1, ftruncate(self->memfd, 0));
	}
	EXPECT_TRUE(luo_filled(self->memfd, 0, MEMFD_SIZE, 1));
}

/*
 * A write to a memfd that waits, with the inode locked, for the memory that it
 * is from.
 */
struct stuck_write {
	pthread_t thread;
	int memfd;
	int uffd;
	char *from;
};

static void *write_page(void *arg)
{
	struct stuck_write *w = arg;

	return (void *)pwrite(w->memfd, w->from, PAGE, 0);
}

static void begin_stuck_write(struct __test_metadata *const _metadata,
			      struct stuck_write *w, int memfd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffd_msg msg;

	w->memfd = memfd;
	w->from = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, w->from);
	w->uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	ASSERT_LE(0, w->uffd);
	ASSERT_EQ(0, ioctl(w->uffd, UFFDIO_API, &api));
	reg.range.start = (__u64)w->from;
	reg.range.len = PAGE;
	ASSERT_EQ(0, ioctl(w->uffd, UFFDIO_REGISTER, &reg));
	ASSERT_EQ(0, pthread_create(&w->thread, NULL, write_page, w));
	/* The write has come to the memory. */
	ASSERT_EQ(sizeof(msg), read(w->uffd, &msg, sizeof(msg)));
}

static void end_stuck_write(struct __test_metadata *const _metadata,
			    struct stuck_write *w)
{
	struct uffdio_zeropage zero = { .range.len = PAGE };
	void *written;

	zero.range.start = (__u64)w->from;
	EXPECT_EQ(0, ioctl(w->uffd, UFFDIO_ZEROPAGE, &zero));
	ASSERT_EQ(0, pthread_join(w->thread, &written));
	EXPECT_EQ(PAGE, (size_t)written);
	close(w->uffd);
}

/* For as long as this waits, there is no update. */
TEST_F(session, lets_itself_be_killed_while_a_memfd_is_written)
{
	int memfd = luo_memfd(PAGE, 1), status;
	struct stuck_write w;
	pid_t pid;

	ASSERT_LE(0, memfd);
	begin_stuck_write(_metadata, &w, memfd);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(luo_preserve_fd(self->fd, memfd, 1) ? 1 : 0);
	luo_wait_for_sleep(pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	end_stuck_write(_metadata, &w);
	EXPECT_EQ(0, luo_preserve_fd(self->fd, memfd, 1));
}

TEST_F(preserved_memfd, is_let_go_of_while_it_is_written)
{
	struct stuck_write w;

	begin_stuck_write(_metadata, &w, self->memfd);
	EXPECT_EQ(0, close(self->session));
	end_stuck_write(_metadata, &w);
	EXPECT_EQ(0, ftruncate(self->memfd, 0));
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

/* Many at the same time: each rule holds for exactly one of them. */
#define RACERS	8
#define ROUNDS	30

struct racer {
	pthread_t thread;
	pthread_barrier_t *start;
	int (*run)(struct racer *self);
	int dev, session, memfd;
	__u64 token;
	int result;
};

static void *racer_thread(void *arg)
{
	struct racer *racer = arg;

	pthread_barrier_wait(racer->start);
	racer->result = racer->run(racer);
	return NULL;
}

/* Run all at once; the number of those that got @result. */
static int race(struct racer *racers, int result)
{
	pthread_barrier_t start;
	pthread_attr_t attr;
	int i, nr = 0;

	/* A stack for which no huge page has to be cleared. */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_barrier_init(&start, NULL, RACERS);
	for (i = 0; i < RACERS; i++) {
		racers[i].start = &start;
		if (pthread_create(&racers[i].thread, &attr, racer_thread, &racers[i]))
			abort();
	}
	for (i = 0; i < RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		nr += racers[i].result == result;
	}
	pthread_barrier_destroy(&start);
	pthread_attr_destroy(&attr);
	return nr;
}

static int race_create(struct racer *racer)
{
	racer->session = luo_create(racer->dev, "session");
	return racer->session < 0 ? racer->session : 0;
}

static int race_preserve(struct racer *racer)
{
	return luo_preserve_fd(racer->session, racer->memfd, racer->token);
}

/* Whoever gets the session gives it away again at once. */
static int race_create_and_close(struct racer *racer)
{
	int i, session;

	for (i = 0; i < ROUNDS; i++) {
		session = luo_create(racer->dev, "session");
		if (session >= 0)
			close(session);
		else if (session != -EEXIST)
			return session;
	}
	return 0;
}

static int race_open(struct racer *racer)
{
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		fd = luo_open();
		if (fd >= 0)
			close(fd);
		else if (fd != -EBUSY)
			return fd;
	}
	return 0;
}

/* An ioctl in one thread while another closes the session under it. */
static int race_close(struct racer *racer)
{
	if (racer->token)
		return luo_preserve_fd(racer->session, racer->memfd, racer->token);
	return close(racer->session);
}

TEST_F(device, creates_one_session_when_many_ask)
{
	struct racer racers[RACERS];
	int i, round;

	for (i = 0; i < RACERS; i++)
		racers[i] = (struct racer){ .run = race_create, .dev = self->fd };
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(1, race(racers, 0));
		for (i = 0; i < RACERS; i++) {
			if (racers[i].session >= 0)
				close(racers[i].session);
			else
				ASSERT_EQ(-EEXIST, racers[i].session);
		}
	}
}

TEST_F(device, survives_create_and_close_at_once)
{
	struct racer racers[RACERS];
	int i;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){
			.run = race_create_and_close, .dev = self->fd,
		};
	}
	EXPECT_EQ(RACERS, race(racers, 0));
	EXPECT_LE(0, luo_create(self->fd, "session"));
}

TEST_F(device, survives_open_and_close_at_once)
{
	struct racer racers[RACERS];
	int i;

	for (i = 0; i < RACERS; i++)
		racers[i] = (struct racer){ .run = race_open };
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(RACERS, race(racers, 0));
	self->fd = luo_open();
	EXPECT_LE(0, self->fd);
}

TEST_F(device, preserves_a_file_once_when_many_ask)
{
	struct racer racers[RACERS];
	char name[32];
	int i, round, memfd;

	memfd = luo_memfd(PAGE, 1);
	ASSERT_LE(0, memfd);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < RACERS; i++) {
			snprintf(name, sizeof(name), "session%d", i);
			racers[i] = (struct racer){
				.run = race_preserve,
				.session = luo_create(self->fd, name),
				.memfd = memfd,
			};
			ASSERT_LE(0, racers[i].session);
		}
		ASSERT_EQ(1, race(racers, 0));
		for (i = 0; i < RACERS; i++) {
			if (racers[i].result)
				ASSERT_EQ(-EBUSY, racers[i].result);
			close(racers[i].session);
		}
	}
}

TEST_F(device, gives_a_token_once_when_many_ask)
{
	struct racer racers[RACERS];
	int i, round, session;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){
			.run = race_preserve, .memfd = luo_memfd(PAGE, i),
		};
	}
	for (round = 0; round < ROUNDS; round++) {
		session = luo_create(self->fd, "session");
		ASSERT_LE(0, session);
		for (i = 0; i < RACERS; i++)
			racers[i].session = session;
		ASSERT_EQ(1, race(racers, 0));
		for (i = 0; i < RACERS; i++) {
			if (racers[i].result)
				ASSERT_EQ(-EEXIST, racers[i].result);
		}
		ASSERT_EQ(0, close(session));
	}
}

TEST_F(device, survives_a_close_under_an_ioctl)
{
	struct racer racers[RACERS];
	int i, round, session;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){
			.run = race_close, .memfd = luo_memfd(PAGE, i), .token = i,
		};
	}
	for (round = 0; round < ROUNDS; round++) {
		session = luo_create(self->fd, "session");
		ASSERT_LE(0, session);
		for (i = 0; i < RACERS; i++)
			racers[i].session = session;
		race(racers, 0);
		for (i = 1; i < RACERS; i++) {
			if (racers[i].result)
				ASSERT_EQ(-EBADF, racers[i].result);
			/* Nobody holds the session, so nobody the file. */
			ASSERT_EQ(0, ftruncate(racers[i].memfd, PAGE));
		}
	}
}

TEST_HARNESS_MAIN
