// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the APIC timer's frequency and of the route of the timer's interrupt:
 * what the previous kernel said may be anything.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/string.h>

#include <linux/kho/abi/apic_timer.h>

#include <asm/kho_apic_timer.h>

#define GOOD_HZ	62500000ULL

static void expect_hz(struct kunit *test, const char *compatible, u64 hz,
		      u64 not_hz, u64 expected)
{
	struct kho_apic_timer_ser ser = { .hz = hz, .not_hz = not_hz };

	strscpy_pad(ser.compatible, compatible);
	KUNIT_EXPECT_EQ(test, kho_apic_timer_hz(&ser), expected);
}

static void sound_one_is_taken(struct kunit *test)
{
	expect_hz(test, KHO_APIC_TIMER_COMPATIBLE, GOOD_HZ, ~GOOD_HZ, GOOD_HZ);
}

static void other_version_is_not(struct kunit *test)
{
	expect_hz(test, "x86-apic-timer-v2", GOOD_HZ, ~GOOD_HZ, 0);
	expect_hz(test, "", GOOD_HZ, ~GOOD_HZ, 0);
}

static void flipped_bit_is_noticed(struct kunit *test)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		expect_hz(test, KHO_APIC_TIMER_COMPATIBLE, GOOD_HZ ^ BIT_ULL(bit),
			  ~GOOD_HZ, 0);
		expect_hz(test, KHO_APIC_TIMER_COMPATIBLE, GOOD_HZ,
			  ~GOOD_HZ ^ BIT_ULL(bit), 0);
	}
}

static void what_cannot_be_is_not_taken(struct kunit *test)
{
	expect_hz(test, KHO_APIC_TIMER_COMPATIBLE, 0, ~0ULL, 0);
	expect_hz(test, KHO_APIC_TIMER_COMPATIBLE, 999999, ~999999ULL, 0);
	expect_hz(test, KHO_APIC_TIMER_COMPATIBLE, ~0ULL, 0, 0);
}

#define GOOD_ROUTE	(KHO_TIMER_IRQ_WORKS | 2)

static void expect_route(struct kunit *test, const char *compatible, u64 route,
			 u64 not_route, u64 expected)
{
	struct kho_timer_irq_ser ser = { .route = route, .not_route = not_route };

	strscpy_pad(ser.compatible, compatible);
	KUNIT_EXPECT_EQ(test, kho_timer_irq_route(&ser), expected);
}

static void sound_route_is_taken(struct kunit *test)
{
	expect_route(test, KHO_TIMER_IRQ_COMPATIBLE, GOOD_ROUTE, ~GOOD_ROUTE,
		     GOOD_ROUTE);
}

static void damaged_route_is_not(struct kunit *test)
{
	unsigned int bit;

	expect_route(test, "x86-timer-irq-v2", GOOD_ROUTE, ~GOOD_ROUTE, 0);
	expect_route(test, KHO_TIMER_IRQ_COMPATIBLE, 2, ~2ULL, 0);
	for (bit = 0; bit < 64; bit++)
		expect_route(test, KHO_TIMER_IRQ_COMPATIBLE,
			     GOOD_ROUTE ^ BIT_ULL(bit), ~GOOD_ROUTE, 0);
}

static struct kunit_case kho_apic_timer_test_cases[] = {
	KUNIT_CASE(sound_one_is_taken),
	KUNIT_CASE(other_version_is_not),
	KUNIT_CASE(flipped_bit_is_noticed),
	KUNIT_CASE(what_cannot_be_is_not_taken),
	KUNIT_CASE(sound_route_is_taken),
	KUNIT_CASE(damaged_route_is_not),
	{}
};

static struct kunit_suite kho_apic_timer_test_suite = {
	.name = "kho_apic_timer",
	.test_cases = kho_apic_timer_test_cases,
};

kunit_test_suite(kho_apic_timer_test_suite);

MODULE_DESCRIPTION("KUnit tests of the APIC timer's frequency over kexec handover");
MODULE_LICENSE("GPL");
