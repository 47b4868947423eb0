/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small VM monitor whose guest lives through a live update of its host.
 *
 *  luo_vmm_guest.S	the guest
 *  luo_vmm_machine.c	its machine: made, run and stopped
 *  luo_vmm_state.c	what KVM knows of it: saved and loaded
 *  luo_vmm.c		the live update
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef SELFTESTS_LUO_VMM_H
#define SELFTESTS_LUO_VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "luo_vmm_guest.h"

#define CPUID_ENTRIES	256

struct vcpu_cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[CPUID_ENTRIES];
};

struct vm;

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	int result;		/* of its thread; 0 while it runs */
};

/* The first page of the state: what the monitor knows itself. */
struct vmm_log {
	__u64 steps[NR_VCPUS];	/* that the guest has reported */
	__u32 broken[NR_VCPUS];	/* BROKEN_* */
	__u64 memory_sum;	/* of guest memory when it was stopped */
};

/* All of it is in memfds: one for guest memory, one for the state. */
#define STATE_SIZE	(256 * 1024UL)

struct vm {
	int kvm;
	int fd;
	unsigned char *ram;
	unsigned char *state;
	struct vmm_log *log;
	struct vcpu vcpu[NR_VCPUS];
};

#define complain(format, ...)						\
	printf("# luo_vmm: " format "\n", ##__VA_ARGS__)

/* luo_vmm_machine.c */
int vm_create(struct vm *vm, int ram, int state);
void vm_destroy(struct vm *vm);
int vm_boot(struct vm *vm);
int vm_start(struct vm *vm);
int vm_stop(struct vm *vm);
int vcpu_result(struct vcpu *vcpu);
struct guest_cpu *vcpu_memory(struct vcpu *vcpu);

/* luo_vmm_state.c */
int vm_save(struct vm *vm);
int vm_load(struct vm *vm);

#endif /* SELFTESTS_LUO_VMM_H */
