// SPDX-License-Identifier: GPL-2.0
/*
 * What /sys/kernel/debug/liveupdate/ shows (CONFIG_KEXEC_HANDOVER_DEBUGFS) of
 * sessions and files in each state. How to run it: luo_update.h.
 *
 * The test prepare.frozen wants the next kernel to be loaded.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_test.h"

#define DIR	"/sys/kernel/debug/liveupdate/"

/* A session's name is one word there. */
#define NAME	"a \\ view\n\303\251"
#define WORD	"a\\040\\134\\040view\\012\\303\\251"

/* The lines of a file that begin with this word. */
static void expect_lines(struct __test_metadata *const _metadata,
			 const char *path, const char *word,
			 const char *expected)
{
	char line[256], lines[1024] = "";
	FILE *file = fopen(path, "r");

	ASSERT_NE(NULL, file) TH_LOG("%s", path);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, word, strlen(word)) ||
		    line[strlen(word)] != ' ')
			continue;
		ASSERT_LT(strlen(lines) + strlen(line), sizeof(lines));
		strcat(lines, line);
	}
	EXPECT_EQ(0, fclose(file));
	EXPECT_STREQ(expected, lines) TH_LOG("%s", path);
}

TEST_F(prepare, view)
{
	int session = luo_create(self->dev, NAME), other;

	ASSERT_LE(0, session);
	expect_lines(_metadata, DIR "out/sessions", WORD,
		     WORD " outgoing 0\n");
	expect_lines(_metadata, DIR "out/files", WORD, "");

	luo_give(_metadata, session, luo_memfd(4 * PAGE, 1), UINT64_MAX);
	luo_give(_metadata, session, luo_test_file("fail retrieve"), 0);
	luo_give(_metadata, session, luo_memfd(0, 1), 0x30);
	expect_lines(_metadata, DIR "out/sessions", WORD,
		     WORD " outgoing 3\n");
	expect_lines(_metadata, DIR "out/files", WORD,
		     WORD " 0xffffffffffffffff memfd-v2 preserved 16384\n"
		     WORD " 0x0 luo-test-v1 preserved 0\n"
		     WORD " 0x30 memfd-v2 preserved 0\n");

	other = luo_create(self->dev, "closed");
	ASSERT_LE(0, other);
	expect_lines(_metadata, DIR "out/sessions", "closed",
		     "closed outgoing 0\n");
	ASSERT_EQ(0, close(other));
	expect_lines(_metadata, DIR "out/sessions", "closed", "");
	luo_hold(_metadata, self->dev);
}

TEST_F(verify, view)
{
	int session;

	expect_lines(_metadata, DIR "out/sessions", WORD, "");
	expect_lines(_metadata, DIR "in/sessions", WORD,
		     WORD " incoming 3\n");
	expect_lines(_metadata, DIR "in/files", WORD,
		     WORD " 0xffffffffffffffff memfd-v2 not-retrieved -\n"
		     WORD " 0x0 luo-test-v1 not-retrieved -\n"
		     WORD " 0x30 memfd-v2 not-retrieved -\n");

	session = luo_retrieve(self->dev, NAME);
	ASSERT_LE(0, session);
	luo_take(_metadata, session, UINT64_MAX, 4 * PAGE, 1);
	EXPECT_EQ(-EIO, luo_retrieve_fd(session, 0));
	expect_lines(_metadata, DIR "in/sessions", WORD,
		     WORD " retrieved 3\n");
	expect_lines(_metadata, DIR "in/files", WORD,
		     WORD " 0xffffffffffffffff memfd-v2 retrieved 16384\n"
		     WORD " 0x0 luo-test-v1 failed:-5 -\n"
		     WORD " 0x30 memfd-v2 not-retrieved -\n");

	ASSERT_EQ(0, luo_finish(session));
	expect_lines(_metadata, DIR "in/sessions", WORD, WORD " finished 0\n");
	expect_lines(_metadata, DIR "in/files", WORD, "");
	ASSERT_EQ(0, close(session));
	expect_lines(_metadata, DIR "in/sessions", WORD, "");
}

/* In the midst of a freeze, which is called off then. */
TEST_F(prepare, frozen)
{
	int session[2], asleep = luo_logged("asleep in freeze");
	int fd = luo_test_file("sleep freeze");
	pid_t update;

	session[0] = luo_create(self->dev, "frozen");
	session[1] = luo_create(self->dev, "freezing");
	ASSERT_LE(0, session[0]);
	ASSERT_LE(0, session[1]);
	luo_give(_metadata, session[0], luo_memfd(PAGE, 1), 1);
	ASSERT_LT(0, luo_tell(fd, "fail freeze"));
	ASSERT_EQ(0, luo_preserve_fd(session[1], fd, 1));

	update = luo_start_reboot(_metadata);
	luo_wait_for_log("asleep in freeze", asleep + 1);
	expect_lines(_metadata, DIR "out/files", "frozen",
		     "frozen 0x1 memfd-v2 frozen 4096\n");
	expect_lines(_metadata, DIR "out/files", "freezing",
		     "freezing - - busy -\n");
	luo_tell_all(_metadata, "wake");
	luo_wait_for_exit(_metadata, update);
	expect_lines(_metadata, DIR "out/files", "frozen",
		     "frozen 0x1 memfd-v2 preserved 4096\n");
}

TEST_F(prepare, handlers)
{
	expect_lines(_metadata, DIR "handlers", "memfd-v2",
		     "memfd-v2 kernel luo-test-flb0-v1,luo-test-flb1-v1,luo-test-flb2-v1\n");
}

TEST_HARNESS_MAIN
