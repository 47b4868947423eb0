// SPDX-License-Identifier: GPL-2.0
/*
 * The machine of luo_vmm: two processors, memory, and the interrupt controllers
 * and the timer that KVM has.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <signal.h>

#include "luo_util.h"
#include "luo_vmm.h"

#define HUGE		0x200000UL

#define CPUID_1_ECX_TSC_DEADLINE	0x01000000

#define XCR0_X87	1
#define XCR0_SSE	2
#define XCR0_AVX	4

/* Entries of page tables: present and writable; and a large page. */
#define TABLE		0x03
#define LARGE		0x83

struct guest_cpu *vcpu_memory(struct vcpu *vcpu)
{
	return (void *)(vcpu->vm->ram + GUEST_CPU + vcpu->id * PAGE);
}

/* Huge pages of the file serve the guest only where they are huge to us, too. */
static void *map_aligned(int fd, size_t size)
{
	unsigned char *area, *start;

	area = mmap(NULL, size + HUGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return MAP_FAILED;
	start = (void *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
	return mmap(start, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0);
}

static int map_memory(struct vm *vm, int ram, int state)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_RAM,
	};

	if (luo_size(ram) != GUEST_RAM || luo_size(state) != STATE_SIZE) {
		complain("memory or state is of another size");
		return -EINVAL;
	}
	vm->ram = map_aligned(ram, GUEST_RAM);
	if (vm->ram == MAP_FAILED)
		return -errno;
	vm->state = luo_map(state, 0, STATE_SIZE);
	if (vm->state == MAP_FAILED)
		return -errno;
	vm->log = (void *)vm->state;
	region.userspace_addr = (uintptr_t)vm->ram;
	return luo_result(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region));
}

static int create_vcpu(struct vm *vm, struct vcpu *vcpu, unsigned int id)
{
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = luo_result(ioctl(vm->fd, KVM_CREATE_VCPU, id));
	if (vcpu->fd < 0)
		return vcpu->fd;
	vcpu->run_size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpu->run = luo_map(vcpu->fd, 0, vcpu->run_size);
	return vcpu->run == MAP_FAILED ? -errno : 0;
}

/**
 * vm_create() - make a machine as it is after a reset
 * @vm: the machine; all that it holds is given back by vm_destroy()
 * @ram: the memfd that is its memory
 * @state: the memfd for its state
 *
 * It is the same machine before and after the update: what differs goes over as
 * state.
 *
 * Returns: 0 or a negative errno, after which the caller has to exit.
 */
int vm_create(struct vm *vm, int ram, int state)
{
	struct kvm_pit_config pit = { };
	unsigned int i;
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm->kvm = luo_result(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	if (vm->kvm < 0)
		return vm->kvm;
	vm->fd = luo_result(ioctl(vm->kvm, KVM_CREATE_VM, 0));
	if (vm->fd < 0)
		return vm->fd;

	ret = map_memory(vm, ram, state);
	if (ret)
		return ret;
	/*
	 * The guest's TSC runs at the host's rate. For that rate KVM has by
	 * default the first estimate, and a kernel just booted may know better.
	 */
	if (ioctl(vm->fd, KVM_SET_TSC_KHZ, 0) ||
	    ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) ||
	    ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return -errno;
	for (i = 0; i < NR_VCPUS; i++) {
		ret = create_vcpu(vm, &vm->vcpu[i], i);
		if (ret)
			return ret;
	}
	return 0;
}

/* KVM keeps a machine as long as anything of it is open or mapped. */
void vm_destroy(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < NR_VCPUS; i++) {
		munmap(vm->vcpu[i].run, vm->vcpu[i].run_size);
		close(vm->vcpu[i].fd);
	}
	close(vm->fd);
	close(vm->kvm);
	munmap(vm->ram, GUEST_RAM);
	munmap(vm->state, STATE_SIZE);
}

static void set_gate(struct vm *vm, unsigned int vector, const char *entry)
{
	__u64 *gate = (__u64 *)(vm->ram + GUEST_IDT) + 2 * vector;

	/* An interrupt gate: present, in segment 8. */
	gate[0] = 0x00008e0000080000 | (GUEST_CODE + (entry - guest_code));
}

static void set_page_tables(struct vm *vm)
{
	__u64 *pml4 = (__u64 *)(vm->ram + GUEST_PML4);
	__u64 *pdpt = (__u64 *)(vm->ram + GUEST_PDPT);
	__u64 *ram = (__u64 *)(vm->ram + GUEST_PD_RAM);
	__u64 *mmio = (__u64 *)(vm->ram + GUEST_PD_MMIO);
	__u64 addr;

	pml4[0] = GUEST_PDPT | TABLE;
	pdpt[0] = GUEST_PD_RAM | TABLE;
	pdpt[3] = GUEST_PD_MMIO | TABLE;
	for (addr = 0; addr < GUEST_RAM; addr += HUGE)
		ram[addr / HUGE] = addr | LARGE;
	mmio[GUEST_IOAPIC / HUGE % 512] = GUEST_IOAPIC | LARGE;
}

/* Something other than zero everywhere, with the sum of each page zero. */
static void fill_work(struct vm *vm)
{
	__u64 *page = (__u64 *)(vm->ram + GUEST_WORK);
	unsigned int nr, i;

	for (nr = 0; nr < NR_VCPUS * GUEST_WORK_PAGES; nr++, page += 512) {
		page[0] = 0;
		page[511] = 0;
		for (i = 1; i < 511; i++) {
			page[i] = luo_word(nr, i);
			page[511] -= page[i];
		}
	}
}

static void fill_memory(struct vm *vm)
{
	unsigned int vector, i;
	__u64 *pattern;

	memcpy(vm->ram + GUEST_CODE, guest_code, guest_code_end - guest_code);
	for (vector = 0; vector < 256; vector++)
		set_gate(vm, vector, guest_exception);
	set_gate(vm, VECTOR_PIC, guest_pic);
	set_gate(vm, VECTOR_TIMER, guest_timer);
	set_gate(vm, VECTOR_IOAPIC, guest_ioapic);
	set_page_tables(vm);
	fill_work(vm);
	for (i = 0; i < NR_VCPUS; i++) {
		pattern = vcpu_memory(&vm->vcpu[i])->pattern[0];
		for (vector = 0; vector < 16 * 4; vector++)
			pattern[vector] = luo_word(i, vector);
	}
}

/* All that KVM can do; the next kernel has to be able to do as much. */
static int set_cpuid(struct vcpu *vcpu)
{
	struct vcpu_cpuid cpuid = { .head.nent = CPUID_ENTRIES };
	struct kvm_cpuid_entry2 *entry;
	unsigned int i;

	if (ioctl(vcpu->vm->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid))
		return -errno;
	for (i = 0; i < cpuid.head.nent; i++) {
		entry = &cpuid.entries[i];
		if (entry->function == 1) {
			entry->ebx &= 0xffffff;
			entry->ebx |= vcpu->id << 24;
			entry->ecx |= CPUID_1_ECX_TSC_DEADLINE;
		} else if (entry->function == 0xb || entry->function == 0x1f) {
			entry->edx = vcpu->id;
		}
	}
	return luo_result(ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid));
}

/*
 * The guest could do it itself, but QEMU does not intercept its XSETBV, so that
 * a KVM that runs in an emulated machine would not know of it.
 */
static int enable_avx(struct vcpu *vcpu)
{
	struct kvm_xcrs xcrs = {
		.nr_xcrs = 1,
		.xcrs[0].value = XCR0_X87 | XCR0_SSE | XCR0_AVX,
	};

	return luo_result(ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs));
}

/* The first vCPU starts where it lets the second one start with a SIPI. */
static int set_start(struct vcpu *vcpu)
{
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs.selector = GUEST_CODE >> 4;
	sregs.cs.base = GUEST_CODE;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

/**
 * vm_boot() - prepare a machine just made for its first start
 * @vm: the machine
 *
 * Returns: 0 or a negative errno.
 */
int vm_boot(struct vm *vm)
{
	unsigned int i;
	int ret;

	fill_memory(vm);
	for (i = 0; i < NR_VCPUS; i++) {
		ret = set_cpuid(&vm->vcpu[i]) ?: enable_avx(&vm->vcpu[i]);
		if (ret)
			return ret;
	}
	return set_start(&vm->vcpu[0]);
}

/* The guest reports a step or what is broken, or asks for its last step. */
static int vcpu_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	__u32 *data = (void *)((char *)run + run->io.data_offset);
	struct vmm_log *log = vcpu->vm->log;

	if (run->io.port == PORT_STEP + vcpu->id) {
		if (run->io.direction == KVM_EXIT_IO_IN) {
			*data = log->steps[vcpu->id];
			return 0;
		}
		if (*data == (__u32)log->steps[vcpu->id] + 1) {
			log->steps[vcpu->id]++;
			return 0;
		}
		log->broken[vcpu->id] = BROKEN_SEQUENCE;
	} else if (run->io.port == PORT_BROKEN + vcpu->id) {
		log->broken[vcpu->id] = *data;
	}
	complain("vCPU %u: port %#x, %u after step %llu", vcpu->id,
		 run->io.port, *data, log->steps[vcpu->id]);
	return -EPROTO;
}

static int vcpu_run(struct vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0))
		return errno == EAGAIN ? 0 : -errno;
	if (vcpu->run->exit_reason == KVM_EXIT_IO)
		return vcpu_io(vcpu);
	complain("vCPU %u: exit reason %u", vcpu->id, vcpu->run->exit_reason);
	return -EIO;
}

/*
 * Only KVM_RUN ends a vCPU's thread, not the handling of an exit: an access to
 * a port is complete, with what it reads in the guest's register, not before
 * KVM_RUN was called again.
 */
static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	int ret;

	do {
		ret = vcpu_run(vcpu);
	} while (!ret);
	__atomic_store_n(&vcpu->result, ret, __ATOMIC_RELEASE);
	return NULL;
}

/**
 * vcpu_result() - why a vCPU does not run any more
 * @vcpu: the vCPU
 *
 * Returns: 0 if it runs, -EINTR if it was stopped, another errno if it failed.
 */
int vcpu_result(struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->result, __ATOMIC_ACQUIRE);
}

static void on_kick(int sig)
{
}

/**
 * vm_start() - let the guest run
 * @vm: the machine
 *
 * Returns: 0 or a negative errno.
 */
int vm_start(struct vm *vm)
{
	struct sigaction kick = { .sa_handler = on_kick };
	unsigned int i;
	int ret;

	if (sigaction(SIGUSR1, &kick, NULL))
		return -errno;
	for (i = 0; i < NR_VCPUS; i++) {
		vm->vcpu[i].run->immediate_exit = 0;
		vm->vcpu[i].result = 0;
		ret = pthread_create(&vm->vcpu[i].thread, NULL, vcpu_thread,
				     &vm->vcpu[i]);
		if (ret)
			return -ret;
	}
	return 0;
}

/**
 * vm_stop() - stop the guest, with no access to a device left half done
 * @vm: the machine
 *
 * The signal ends a KVM_RUN that is under way, immediate_exit the next one: so
 * it does not matter when the signal comes.
 *
 * Returns: 0 if both vCPUs ran until they were stopped, else why one did not.
 */
int vm_stop(struct vm *vm)
{
	int ret = 0;
	unsigned int i;

	for (i = 0; i < NR_VCPUS; i++) {
		vm->vcpu[i].run->immediate_exit = 1;
		pthread_kill(vm->vcpu[i].thread, SIGUSR1);
	}
	for (i = 0; i < NR_VCPUS; i++) {
		pthread_join(vm->vcpu[i].thread, NULL);
		if (vm->vcpu[i].result != -EINTR)
			ret = vm->vcpu[i].result;
	}
	return ret;
}
