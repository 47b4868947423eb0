/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kexec handover: the frequency of the local APIC timer, and the interrupt of the
 * 8254 or HPET.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _ASM_X86_KHO_APIC_TIMER_H
#define _ASM_X86_KHO_APIC_TIMER_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct irq_data;

#ifdef CONFIG_KEXEC_HANDOVER
void kho_apic_timer_works(void);
void kho_apic_timer_measured(bool confirmed);
bool kho_timer_irq_worked(const struct irq_data *irq, int apic, int pin);
void kho_timer_irq_works(const struct irq_data *irq, int apic, int pin);
#else
static inline void kho_apic_timer_works(void) { }
static inline void kho_apic_timer_measured(bool confirmed) { }

static inline bool kho_timer_irq_worked(const struct irq_data *irq, int apic,
					int pin)
{
	return false;
}

static inline void kho_timer_irq_works(const struct irq_data *irq, int apic,
				       int pin)
{
}
#endif

#if IS_ENABLED(CONFIG_KUNIT)
struct kho_apic_timer_ser;
struct kho_timer_irq_ser;

u64 kho_apic_timer_hz(const struct kho_apic_timer_ser *ser);
u64 kho_timer_irq_route(const struct kho_timer_irq_ser *ser);
#endif

#endif /* _ASM_X86_KHO_APIC_TIMER_H */
