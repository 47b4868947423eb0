/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of the frequency of x86's local APIC timer.
 *
 * Not part of what other kernels know: they leave the subtree alone.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_APIC_TIMER_H
#define _LINUX_KHO_ABI_APIC_TIMER_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* Name of the subtree. */
#define KHO_APIC_TIMER_NAME		"x86-apic-timer"
#define KHO_APIC_TIMER_COMPATIBLE	"x86-apic-timer-v1"
#define KHO_APIC_TIMER_COMPAT_LENGTH	32

/**
 * struct kho_apic_timer_ser - the subtree
 * @compatible: KHO_APIC_TIMER_COMPATIBLE, padded with NUL
 * @hz:         what the timer counts in a second before it is divided
 * @not_hz:     the same with all bits inverted
 */
struct kho_apic_timer_ser {
	char compatible[KHO_APIC_TIMER_COMPAT_LENGTH];
	u64 hz;
	u64 not_hz;
} __packed;

static_assert(sizeof(struct kho_apic_timer_ser) == 48);
static_assert(offsetof(struct kho_apic_timer_ser, hz) == 32);
static_assert(offsetof(struct kho_apic_timer_ser, not_hz) == 40);

#endif /* _LINUX_KHO_ABI_APIC_TIMER_H */
