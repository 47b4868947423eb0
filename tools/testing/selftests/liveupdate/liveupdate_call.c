// SPDX-License-Identifier: GPL-2.0
/*
 * What each ioctl of live updates makes of its argument: its size, its end.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "liveupdate.h"

/* What is not a member of an ioctl's structure, yet within its size. */
#define TAIL			8

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

TEST_HARNESS_MAIN
