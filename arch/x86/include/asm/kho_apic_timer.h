/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: the frequency of the local APIC timer.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _ASM_X86_KHO_APIC_TIMER_H
#define _ASM_X86_KHO_APIC_TIMER_H

#include <linux/kconfig.h>
#include <linux/types.h>

#ifdef CONFIG_KEXEC_HANDOVER
void kho_apic_timer_works(void);
#else
static inline void kho_apic_timer_works(void) { }
#endif

#if IS_ENABLED(CONFIG_KUNIT)
struct kho_apic_timer_ser;

u64 kho_apic_timer_hz(const struct kho_apic_timer_ser *ser);
#endif

#endif /* _ASM_X86_KHO_APIC_TIMER_H */
