// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of /dev/liveupdate and of sessions that show without a live update.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <assert.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "liveupdate.h"

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

TEST_HARNESS_MAIN
