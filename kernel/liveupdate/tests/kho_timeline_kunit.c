// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the timeline: what the previous kernel said may be anything.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/kexec_handover.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/timex.h>

#include <linux/kho/abi/timeline.h>

#include "../kho_internal.h"

#define HEADING	"         ms       step moment\n"

static void expect_shown(struct kunit *test, const char *word, u64 first,
			 u64 second, const char *text)
{
	DEFINE_RAW_FLEX(struct kho_timeline_ser, ser, moments, 2);
	char buf[256] = {};
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };

	ser->nr = 2;
	memcpy(ser->moments[0].word, "first", 5);
	ser->moments[0].cycles = first;
	memcpy(ser->moments[1].word, word, strlen(word));
	ser->moments[1].cycles = second;

	/* What this kernel noted was before. */
	kho_timeline_show_in(&m, ser);
	KUNIT_EXPECT_STREQ(test, buf + strlen(HEADING), text);
}

#define FIRST	"      0.000      0.000 first\n"

/* At the same moment, so that it takes no time. */
static void expect_word(struct kunit *test, const char *word, const char *shown)
{
	u64 now = get_cycles();
	char text[128];

	scnprintf(text, sizeof(text), FIRST "      0.000      0.000 %s\n", shown);
	expect_shown(test, word, now, now, text);
}

static void same_moment_takes_no_time(struct kunit *test)
{
	expect_word(test, "second", "second");
}

static void word_is_escaped(struct kunit *test)
{
	expect_word(test, "a\nb", "a\\nb");
}

static void longest_word_has_no_end(struct kunit *test)
{
	expect_word(test, "123456789012345678901234",
		    "123456789012345678901234");
}

/* What has no place in the order of time is not shown, whatever it is. */
static void what_cannot_be_is_left_out(struct kunit *test)
{
	u64 now = get_cycles();

	expect_shown(test, "never", now, 0, FIRST);
	expect_shown(test, "before", now, now - 1, FIRST);
	expect_shown(test, "future", now, U64_MAX, FIRST);
	expect_shown(test, "future", now, now + (1ULL << 62), FIRST);
}

static int kho_timeline_test_init(struct kunit *test)
{
	if (!kho_is_enabled() || !get_cycles())
		kunit_skip(test, "boot with kho=on, on a machine with a counter");
	return 0;
}

static struct kunit_case kho_timeline_test_cases[] = {
	KUNIT_CASE(same_moment_takes_no_time),
	KUNIT_CASE(word_is_escaped),
	KUNIT_CASE(longest_word_has_no_end),
	KUNIT_CASE(what_cannot_be_is_left_out),
	{}
};

static struct kunit_suite kho_timeline_test_suite = {
	.name = "kho_timeline",
	.init = kho_timeline_test_init,
	.test_cases = kho_timeline_test_cases,
};

kunit_test_suite(kho_timeline_test_suite);

MODULE_DESCRIPTION("KUnit tests of the timeline of kexec handover");
MODULE_LICENSE("GPL");
