/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of what a kernel on x86 found out about timers: the frequency of the
 * local APIC timer, and by which pin the interrupt of the 8254 or HPET arrives.
 *
 * Not part of what other kernels know: they leave the subtrees alone.
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

/* Name of the subtree. */
#define KHO_TIMER_IRQ_NAME		"x86-timer-irq"
#define KHO_TIMER_IRQ_COMPATIBLE	"x86-timer-irq-v1"

/* Of a route. All other bits are 0. */
#define KHO_TIMER_IRQ_PIN		0x000000000000ffffULL
#define KHO_TIMER_IRQ_APIC		0x00000000ffff0000ULL
#define KHO_TIMER_IRQ_REMAPPED		0x0000000100000000ULL
#define KHO_TIMER_IRQ_SOURCE		0x0000000600000000ULL
#define KHO_TIMER_IRQ_WORKS		0x8000000000000000ULL

/* What raises the interrupt. */
#define KHO_TIMER_IRQ_8254		1
#define KHO_TIMER_IRQ_HPET		2

/**
 * struct kho_timer_irq_ser - the subtree
 * @compatible: KHO_TIMER_IRQ_COMPATIBLE, padded with NUL
 * @route:      the pin, and the number of its I/O APIC in the order of the ACPI
 *              tables; KHO_TIMER_IRQ_REMAPPED if an IOMMU remaps the interrupt;
 *              in KHO_TIMER_IRQ_SOURCE the timer that raises it;
 *              KHO_TIMER_IRQ_WORKS
 * @not_route:  the same with all bits inverted
 */
struct kho_timer_irq_ser {
	char compatible[KHO_APIC_TIMER_COMPAT_LENGTH];
	u64 route;
	u64 not_route;
} __packed;

static_assert(sizeof(struct kho_timer_irq_ser) == 48);
static_assert(offsetof(struct kho_timer_irq_ser, route) == 32);
static_assert(offsetof(struct kho_timer_irq_ser, not_route) == 40);

#endif /* _LINUX_KHO_ABI_APIC_TIMER_H */
