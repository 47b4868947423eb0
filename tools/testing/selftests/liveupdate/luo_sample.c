// SPDX-License-Identifier: GPL-2.0
/*
 * Files of the sample driver, samples/liveupdate/. How to run it: luo_update.h;
 * prepare.channels wants the module to be loaded, verify.channels loads $MODULE.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_update.h"

#define CHANNELS	3

static int sample_channel(const char *text)
{
	int fd = open("/dev/luo_sample", O_RDWR | O_CLOEXEC);
	ssize_t len = strlen(text);

	return fd >= 0 && pwrite(fd, text, len, 100) == len ? fd : -1;
}

static void expect_text(struct __test_metadata *const _metadata, int fd,
			const char *text)
{
	char buffer[80] = { };

	ASSERT_LE(0, fd);
	EXPECT_LE(0, pread(fd, buffer, sizeof(buffer) - 1, 100));
	EXPECT_STREQ(text, buffer);
}

TEST_F(prepare, channels)
{
	int session = luo_create(self->dev, "channels");
	char text[20];
	int i, fd;

	ASSERT_LE(0, session);
	for (i = 0; i < CHANNELS; i++) {
		snprintf(text, sizeof(text), "channel %d", i);
		fd = sample_channel("preserved");
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, luo_preserve_fd(session, fd, i));
		/* It stays in use. */
		ASSERT_EQ(strlen(text), pwrite(fd, text, strlen(text), 100));
		EXPECT_EQ(-EBUSY, luo_preserve_fd(session, fd, 100));
		close(fd);
	}
	luo_give(_metadata, session, luo_memfd(PAGE, 7), 7);
	luo_hold(_metadata, self->dev);
}

/* As long as the module is not there, its files alone are not to be had. */
TEST_F(verify, channels)
{
	int session = luo_retrieve(self->dev, "channels");
	char text[20];
	int i;

	ASSERT_LE(0, session);
	EXPECT_EQ(-ENOENT, luo_retrieve_fd(session, 0));
	luo_take(_metadata, session, 7, PAGE, 7);
	ASSERT_EQ(0, system("insmod \"$MODULE\""));

	/* The last one is finished without having been retrieved. */
	for (i = 0; i < CHANNELS - 1; i++) {
		snprintf(text, sizeof(text), "channel %d", i);
		expect_text(_metadata, luo_retrieve_fd(session, i), text);
	}
	EXPECT_EQ(0, luo_finish(session));
}

TEST_HARNESS_MAIN
