// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what the live update orchestrator reads from another kernel.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../luo_internal.h"

static void luo_test_header_good(struct kunit *test)
{
	struct luo_ser ser = { .compatible = "luo-v5" };

	KUNIT_EXPECT_EQ(test, luo_header_check(&ser, sizeof(ser)), 0);
}

static void luo_test_header_longer(struct kunit *test)
{
	struct luo_ser ser = { .compatible = "luo-v5" };

	KUNIT_EXPECT_EQ(test, luo_header_check(&ser, PAGE_SIZE), 0);
}

static void luo_test_header_too_short(struct kunit *test)
{
	struct luo_ser ser = { .compatible = "luo-v5" };

	KUNIT_EXPECT_EQ(test, luo_header_check(&ser, sizeof(ser) - 1), -EIO);
	KUNIT_EXPECT_EQ(test, luo_header_check(&ser, 0), -EIO);
}

static void luo_test_header_other_format(struct kunit *test)
{
	static const char * const compatibles[] = {
		"luo-v4", "luo-v6", "luo-v50", "luo-v", "LUO-v5", "",
	};
	struct luo_ser ser = {};

	for (int i = 0; i < ARRAY_SIZE(compatibles); i++) {
		strscpy_pad(ser.compatible, compatibles[i]);
		KUNIT_EXPECT_EQ_MSG(test, luo_header_check(&ser, sizeof(ser)),
				    -EIO, "'%s'", compatibles[i]);
	}

	/* All eight bytes count, the padding too; there may be no NUL. */
	memcpy(ser.compatible, "luo-v5\0x", sizeof(ser.compatible));
	KUNIT_EXPECT_EQ(test, luo_header_check(&ser, sizeof(ser)), -EIO);
	memset(ser.compatible, 0xff, sizeof(ser.compatible));
	KUNIT_EXPECT_EQ(test, luo_header_check(&ser, sizeof(ser)), -EIO);
}

static int receive(struct luo_session_set *set,
		   const struct luo_session_ser *ser)
{
	guard(mutex)(&set->lock);
	return luo_session_receive(set, ser);
}

/* Each case has a set of its own, as if it had just come in. */
static int luo_test_init(struct kunit *test)
{
	struct luo_session_set *set;

	set = kunit_kzalloc(test, sizeof(*set), GFP_KERNEL);
	if (!set)
		return -ENOMEM;
	luo_session_set_init(set, true);
	test->priv = set;
	return 0;
}

static void luo_test_exit(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session *session, *next;

	if (!set)
		return;
	list_for_each_entry_safe(session, next, &set->sessions, list) {
		luo_files_drop(&session->files);
		luo_session_free(session);
	}
}

static struct luo_session *luo_test_find(struct kunit *test, const char *name)
{
	struct luo_session_set *set = test->priv;

	guard(mutex)(&set->lock);
	return luo_session_find(set, name);
}

static void luo_test_session_good(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = { .name = "one" };
	struct luo_session *session;

	KUNIT_ASSERT_EQ(test, receive(set, &ser), 0);
	strscpy_pad(ser.name, "two");
	KUNIT_ASSERT_EQ(test, receive(set, &ser), 0);

	session = luo_test_find(test, "one");
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_STREQ(test, session->name, "one");
	KUNIT_EXPECT_EQ(test, session->err, 0);
	KUNIT_EXPECT_EQ(test, session->files.nr_files, 0);
	KUNIT_EXPECT_FALSE(test, session->retrieved);
	KUNIT_EXPECT_NOT_NULL(test, luo_test_find(test, "two"));
	KUNIT_EXPECT_NULL(test, luo_test_find(test, "tw"));
	KUNIT_EXPECT_EQ(test, set->count, 2);
}

static void luo_test_session_no_name(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = {};

	KUNIT_EXPECT_EQ(test, receive(set, &ser), -EINVAL);
	KUNIT_EXPECT_EQ(test, set->count, 0);
}

static void luo_test_session_longest_name(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = {};

	memset(ser.name, 'n', sizeof(ser.name) - 1);
	KUNIT_EXPECT_EQ(test, receive(set, &ser), 0);
	KUNIT_EXPECT_NOT_NULL(test, luo_test_find(test, ser.name));
}

static void luo_test_session_unterminated_name(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = {};

	memset(ser.name, 'n', sizeof(ser.name));
	KUNIT_EXPECT_EQ(test, receive(set, &ser), -EINVAL);
	KUNIT_EXPECT_EQ(test, set->count, 0);
}

static void luo_test_session_same_name(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = { .name = "twin" };
	struct luo_session *first;

	KUNIT_ASSERT_EQ(test, receive(set, &ser), 0);
	first = luo_test_find(test, "twin");
	KUNIT_EXPECT_EQ(test, receive(set, &ser), -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, luo_test_find(test, "twin"), first);
	KUNIT_EXPECT_EQ(test, first->err, 0);
	KUNIT_EXPECT_EQ(test, set->count, 1);
}

static void luo_test_session_count_without_files(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = { .name = "odd", .count = 1 };
	struct luo_session *session;

	KUNIT_EXPECT_EQ(test, receive(set, &ser), -EIO);
	session = luo_test_find(test, "odd");
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_EQ(test, session->err, -EIO);
}

/* An address that the block set refuses before it looks for a page there. */
static void luo_test_session_bad_files(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = { .name = "odd", .files = 1, .count = 1 };
	struct luo_session *session;

	KUNIT_EXPECT_EQ(test, receive(set, &ser), -EIO);
	session = luo_test_find(test, "odd");
	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_EXPECT_EQ(test, session->err, -EIO);
	KUNIT_EXPECT_EQ(test, session->files.nr_files, 0);
}

static struct luo_session *luo_test_session(struct kunit *test)
{
	struct luo_session_ser ser = { .name = "files" };
	struct luo_session *session;

	KUNIT_ASSERT_EQ(test, receive(test->priv, &ser), 0);
	session = luo_test_find(test, "files");
	KUNIT_ASSERT_NOT_NULL(test, session);
	return session;
}

static void luo_test_files_any_token(struct kunit *test)
{
	static const u64 tokens[] = { 0, U64_MAX, 1, 1ULL << 63, 0x8000, S64_MAX };
	struct luo_session *session = luo_test_session(test);
	struct luo_file_ser ser = { .compatible = "luo-kunit-none" };

	guard(mutex)(&session->files.mutex);
	for (int i = 0; i < ARRAY_SIZE(tokens); i++) {
		ser.token = tokens[i];
		KUNIT_EXPECT_EQ(test, luo_file_receive(&session->files, &ser), 0);
	}
	KUNIT_EXPECT_EQ(test, session->files.nr_files, ARRAY_SIZE(tokens));
	for (int i = 0; i < ARRAY_SIZE(tokens); i++) {
		ser.token = tokens[i];
		KUNIT_EXPECT_EQ(test, luo_file_receive(&session->files, &ser), -EEXIST);
	}
	KUNIT_EXPECT_EQ(test, session->files.nr_files, ARRAY_SIZE(tokens));
}

static void luo_test_files_unknown_token(struct kunit *test)
{
	struct luo_session *session = luo_test_session(test);

	guard(mutex)(&session->files.mutex);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luo_file_retrieve(&session->files, 7)),
			-ENOENT);
}

/* Such a file is taken, so that its siblings can be used, but stays out. */
static void luo_test_files_bad_handler(struct kunit *test)
{
	struct luo_session *session = luo_test_session(test);
	struct luo_file_ser ser = { .token = 1 };

	guard(mutex)(&session->files.mutex);
	KUNIT_EXPECT_EQ(test, luo_file_receive(&session->files, &ser), 0);
	ser.token = 2;
	memset(ser.compatible, 'c', sizeof(ser.compatible));
	KUNIT_EXPECT_EQ(test, luo_file_receive(&session->files, &ser), 0);

	for (u64 token = 1; token <= 2; token++)
		KUNIT_EXPECT_EQ(test,
				PTR_ERR_OR_ZERO(luo_file_retrieve(&session->files, token)),
				-ENOENT);
	KUNIT_EXPECT_EQ(test, luo_files_finish(&session->files), 0);
	KUNIT_EXPECT_EQ(test, session->files.nr_files, 0);
}

/* KUnit runs its cases in kernel threads. */
static void luo_test_release_by_kthread(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, luo_enter_release());
	luo_exit();
	WRITE_ONCE(luo_frozen, true);
	KUNIT_EXPECT_FALSE(test, luo_enter_release());
	WRITE_ONCE(luo_frozen, false);
	KUNIT_ASSERT_TRUE(test, luo_enter_release());
	luo_exit();
}

#ifdef CONFIG_KEXEC_HANDOVER_DEBUGFS

/* What cannot be seen in debugfs unless data are damaged or a handler hangs. */
static void luo_test_debugfs_session(struct kunit *test)
{
	struct luo_session_set *set = test->priv;
	struct luo_session_ser ser = { .name = "one\t", .count = 1 };
	struct luo_session *session;
	char buf[64] = {};
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };

	KUNIT_ASSERT_EQ(test, receive(set, &ser), -EIO);
	session = luo_test_find(test, ser.name);
	KUNIT_ASSERT_NOT_NULL(test, session);

	KUNIT_EXPECT_EQ(test, luo_session_show(&m, &session->list), 0);
	KUNIT_EXPECT_STREQ(test, buf, "one\\011 damaged 0\n");
}

static void luo_test_debugfs_files(struct kunit *test)
{
	struct luo_session *session = luo_test_session(test);
	struct luo_file_ser ser = { .compatible = "no such" };
	char buf[128] = {};
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };

	scoped_guard(mutex, &session->files.mutex) {
		KUNIT_ASSERT_EQ(test, luo_file_receive(&session->files, &ser), 0);
		ser.token = 1;
		ser.compatible[0] = 0;
		KUNIT_ASSERT_EQ(test, luo_file_receive(&session->files, &ser), 0);

		/* As while a handler runs. */
		luo_session_files_show(&m, &session->list);
	}
	luo_session_files_show(&m, &session->list);
	KUNIT_EXPECT_STREQ(test, buf,
			   "files - - busy -\n"
			   "files 0x0 no\\040such no-handler -\n"
			   "files 0x1 - no-handler -\n");
}

#endif /* CONFIG_KEXEC_HANDOVER_DEBUGFS */

static struct kunit_case luo_test_cases[] = {
	KUNIT_CASE(luo_test_header_good),
	KUNIT_CASE(luo_test_header_longer),
	KUNIT_CASE(luo_test_header_too_short),
	KUNIT_CASE(luo_test_header_other_format),
	KUNIT_CASE(luo_test_session_good),
	KUNIT_CASE(luo_test_session_no_name),
	KUNIT_CASE(luo_test_session_longest_name),
	KUNIT_CASE(luo_test_session_unterminated_name),
	KUNIT_CASE(luo_test_session_same_name),
	KUNIT_CASE(luo_test_session_count_without_files),
	KUNIT_CASE(luo_test_session_bad_files),
	KUNIT_CASE(luo_test_files_any_token),
	KUNIT_CASE(luo_test_files_unknown_token),
	KUNIT_CASE(luo_test_files_bad_handler),
	KUNIT_CASE(luo_test_release_by_kthread),
#ifdef CONFIG_KEXEC_HANDOVER_DEBUGFS
	KUNIT_CASE(luo_test_debugfs_session),
	KUNIT_CASE(luo_test_debugfs_files),
#endif
	{}
};

static struct kunit_suite luo_test_suite = {
	.name = "luo",
	.init = luo_test_init,
	.exit = luo_test_exit,
	.test_cases = luo_test_cases,
};

kunit_test_suite(luo_test_suite);

MODULE_DESCRIPTION("KUnit tests of the live update orchestrator");
MODULE_LICENSE("GPL");
