// SPDX-License-Identifier: GPL-2.0
/*
 * What KVM knows of the machine of luo_vmm, as a list of records in a file.
 *
 * The first page of the file is the monitor's. On the second begins a struct
 * state_header, then come the records: a struct record_header each, and what
 * KVM gave, as it gave it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <x86intrin.h>

#include "luo_util.h"
#include "luo_vmm.h"

#define MSR_ENTRIES	512

#define MSR_IA32_TSC	0x10

/* The format of the list; that of the data is the version in each record. */
#define STATE_FORMAT	"luo-vmm-v1"

struct state_header {
	char format[16];
	__u32 nr_records;
	__u32 size;		/* of all of them */
};

struct record_header {
	__u32 owner;		/* number of a vCPU, or OWNER_VM */
	__u32 part;		/* in the table of the owner's parts */
	__u32 version;
	__u32 size;		/* of the data that follow, a multiple of 8 */
};

#define OWNER_VM	0xffffffff

struct msr_list {
	struct kvm_msr_list head;
	__u32 indices[MSR_ENTRIES];
};

struct vcpu_msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[MSR_ENTRIES];
};

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

struct vcpu_tsc {
	__u64 host;		/* the host's TSC when it was saved */
	__u64 guest;		/* the guest's TSC then */
	__u64 offset;		/* of the guest's to the host's */
};

static int get_msr(int fd, __u32 index, struct kvm_msr_entry *entry)
{
	struct one_msr arg = { .head.nmsrs = 1, .entry.index = index };

	if (ioctl(fd, KVM_GET_MSRS, &arg) != 1)
		return -ENOENT;
	*entry = arg.entry;
	return 0;
}

/*
 * KVM also lists MSRs that this vCPU does not have. The TSC is not among those
 * that are saved: it is set by load_tsc().
 */
static int save_msrs(struct vm *vm, int fd, void *data)
{
	struct msr_list list = { .head.nmsrs = MSR_ENTRIES };
	struct vcpu_msrs *msrs = data;
	__u32 i;

	if (ioctl(vm->kvm, KVM_GET_MSR_INDEX_LIST, &list))
		return -errno;
	for (i = 0; i < list.head.nmsrs; i++) {
		if (list.indices[i] != MSR_IA32_TSC &&
		    !get_msr(fd, list.indices[i], &msrs->entries[msrs->head.nmsrs]))
			msrs->head.nmsrs++;
	}
	return 0;
}

static int load_msrs(struct vm *vm, int fd, void *data)
{
	struct vcpu_msrs *msrs = data;
	int done;

	if (msrs->head.nmsrs > MSR_ENTRIES)
		return -EINVAL;
	done = luo_result(ioctl(fd, KVM_SET_MSRS, msrs));
	if (done < 0)
		return done;
	if ((__u32)done < msrs->head.nmsrs) {
		complain("KVM does not take MSR %#x, value %#llx",
			 msrs->entries[done].index, msrs->entries[done].data);
		return -EINVAL;
	}
	return 0;
}

static int tsc_offset(int fd, unsigned long request, __u64 *offset)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)offset,
	};

	return luo_result(ioctl(fd, request, &attr));
}

static int save_tsc(struct vm *vm, int fd, void *data)
{
	struct kvm_msr_entry entry;
	struct vcpu_tsc *tsc = data;
	int ret;

	ret = get_msr(fd, MSR_IA32_TSC, &entry);
	if (ret)
		return ret;
	tsc->guest = entry.data;
	tsc->host = __rdtsc();
	return tsc_offset(fd, KVM_GET_DEVICE_ATTR, &tsc->offset);
}

/*
 * A kexec does not stop the TSC: with the same offset the guest's goes on as if
 * nothing had been, the same on all vCPUs. Where the host's began anew, the
 * guest's goes on where it was.
 */
static int load_tsc(struct vm *vm, int fd, void *data)
{
	struct vcpu_tsc *tsc = data;
	struct one_msr arg = {
		.head.nmsrs = 1,
		.entry = { .index = MSR_IA32_TSC, .data = tsc->guest },
	};

	if (__rdtsc() >= tsc->host)
		return tsc_offset(fd, KVM_SET_DEVICE_ATTR, &tsc->offset);
	return ioctl(fd, KVM_SET_MSRS, &arg) == 1 ? 0 : -EINVAL;
}

/* A part of the state, and how KVM gives and takes it. */
struct part {
	const char *name;
	__u32 version;
	__u32 size;
	unsigned int size_from;	/* the capability that tells the size */
	__u32 argument;		/* first word of what @get is called with */
	unsigned long get;
	unsigned long set;
	/* Where it takes more than one ioctl. */
	int (*save)(struct vm *vm, int fd, void *data);
	int (*load)(struct vm *vm, int fd, void *data);
};

/*
 * In the order in which they are loaded; they are saved in reverse order.
 *
 * From the processor to its devices: CPUID says what the others may hold; SREGS
 * has the mode of the local APIC and XCRS the extent of XSAVE; the TSC deadline
 * among the MSRs needs the TSC, and the timer's mode in the local APIC.
 *
 * The other way round when they are saved, since an interrupt goes from the
 * device to the processor: it may so be found in both, but not in neither.
 */
static const struct part vcpu_parts[] = {
	{ "CPUID", 1, sizeof(struct vcpu_cpuid),
	  .argument = CPUID_ENTRIES,
	  .get = KVM_GET_CPUID2, .set = KVM_SET_CPUID2 },
	{ "segments and control registers", 1, sizeof(struct kvm_sregs),
	  .get = KVM_GET_SREGS, .set = KVM_SET_SREGS },
	{ "XCRs", 1, sizeof(struct kvm_xcrs),
	  .get = KVM_GET_XCRS, .set = KVM_SET_XCRS },
	{ "FPU and vector registers", 1, sizeof(struct kvm_xsave),
	  .size_from = KVM_CAP_XSAVE2,
	  .get = KVM_GET_XSAVE2, .set = KVM_SET_XSAVE },
	{ "debug registers", 1, sizeof(struct kvm_debugregs),
	  .get = KVM_GET_DEBUGREGS, .set = KVM_SET_DEBUGREGS },
	{ "local APIC", 1, sizeof(struct kvm_lapic_state),
	  .get = KVM_GET_LAPIC, .set = KVM_SET_LAPIC },
	{ "TSC", 1, sizeof(struct vcpu_tsc),
	  .save = save_tsc, .load = load_tsc },
	{ "MSRs", 1, sizeof(struct vcpu_msrs),
	  .save = save_msrs, .load = load_msrs },
	{ "general registers", 1, sizeof(struct kvm_regs),
	  .get = KVM_GET_REGS, .set = KVM_SET_REGS },
	{ "events", 1, sizeof(struct kvm_vcpu_events),
	  .get = KVM_GET_VCPU_EVENTS, .set = KVM_SET_VCPU_EVENTS },
	{ "MP state", 1, sizeof(struct kvm_mp_state),
	  .get = KVM_GET_MP_STATE, .set = KVM_SET_MP_STATE },
};

static const struct part vm_parts[] = {
	{ "first PIC", 1, sizeof(struct kvm_irqchip),
	  .argument = KVM_IRQCHIP_PIC_MASTER,
	  .get = KVM_GET_IRQCHIP, .set = KVM_SET_IRQCHIP },
	{ "second PIC", 1, sizeof(struct kvm_irqchip),
	  .argument = KVM_IRQCHIP_PIC_SLAVE,
	  .get = KVM_GET_IRQCHIP, .set = KVM_SET_IRQCHIP },
	{ "I/O APIC", 1, sizeof(struct kvm_irqchip),
	  .argument = KVM_IRQCHIP_IOAPIC,
	  .get = KVM_GET_IRQCHIP, .set = KVM_SET_IRQCHIP },
	{ "PIT", 1, sizeof(struct kvm_pit_state2),
	  .get = KVM_GET_PIT2, .set = KVM_SET_PIT2 },
	{ "clock", 1, sizeof(struct kvm_clock_data),
	  .get = KVM_GET_CLOCK, .set = KVM_SET_CLOCK },
};

#define NR_VM_PARTS	(sizeof(vm_parts) / sizeof(*vm_parts))
#define NR_VCPU_PARTS	(sizeof(vcpu_parts) / sizeof(*vcpu_parts))
#define NR_RECORDS	(NR_VM_PARTS + NR_VCPUS * NR_VCPU_PARTS)

/* What a machine or a vCPU has, and by which file descriptor. */
struct owner {
	__u32 id;
	int fd;
	const struct part *parts;
	__u32 nr_parts;
};

static struct owner owner_vm(struct vm *vm)
{
	return (struct owner) { OWNER_VM, vm->fd, vm_parts, NR_VM_PARTS };
}

static struct owner owner_vcpu(struct vm *vm, unsigned int i)
{
	return (struct owner) { i, vm->vcpu[i].fd, vcpu_parts, NR_VCPU_PARTS };
}

static struct state_header *state_header(struct vm *vm)
{
	return (void *)(vm->state + PAGE);
}

#define STATE_ROOM	(STATE_SIZE - PAGE - sizeof(struct state_header))

/* The record at @pos, if it ends within @end. */
static struct record_header *record_at(struct vm *vm, __u32 pos, __u32 end)
{
	struct record_header *record;

	record = (void *)((char *)(state_header(vm) + 1) + pos);
	if (end - pos < sizeof(*record) || record->size % 8 ||
	    record->size > end - pos - sizeof(*record))
		return NULL;
	return record;
}

/* How much KVM gives or takes: the other kernel's may have another size. */
static __u32 part_size(struct vm *vm, const struct part *part)
{
	int size = 0;

	if (part->size_from)
		size = ioctl(vm->fd, KVM_CHECK_EXTENSION, part->size_from);
	if (size < (int)part->size)
		size = part->size;
	return (size + 7) & ~7;
}

static int save_part(struct vm *vm, const struct owner *owner, __u32 nr)
{
	const struct part *part = &owner->parts[nr];
	struct state_header *header = state_header(vm);
	__u32 size = part_size(vm, part);
	struct record_header *record;
	int ret;

	if (size + sizeof(*record) > STATE_ROOM - header->size)
		return -ENOSPC;
	record = (void *)((char *)(header + 1) + header->size);
	memset(record + 1, 0, size);
	if (part->save) {
		ret = part->save(vm, owner->fd, record + 1);
	} else {
		*(__u32 *)(record + 1) = part->argument;
		ret = luo_result(ioctl(owner->fd, part->get, record + 1));
	}
	if (ret < 0) {
		complain("cannot save the %s: %s", part->name, strerror(-ret));
		return ret;
	}
	*record = (struct record_header) { owner->id, nr, part->version, size };
	header->size += sizeof(*record) + size;
	header->nr_records++;
	return 0;
}

static int save_parts(struct vm *vm, struct owner owner)
{
	__u32 nr = owner.nr_parts;
	int ret = 0;

	while (!ret && nr--)
		ret = save_part(vm, &owner, nr);
	return ret;
}

/**
 * vm_save() - save the state of a machine that is stopped
 * @vm: the machine
 *
 * Returns: 0 or a negative errno.
 */
int vm_save(struct vm *vm)
{
	unsigned int i;
	int ret;

	*state_header(vm) = (struct state_header) { .format = STATE_FORMAT };
	ret = save_parts(vm, owner_vm(vm));
	for (i = 0; !ret && i < NR_VCPUS; i++)
		ret = save_parts(vm, owner_vcpu(vm, i));
	return ret;
}

/* The list must be one that we could have written, with no part left out. */
static int check_state(struct vm *vm)
{
	const struct state_header *header = state_header(vm);
	const struct record_header *record;
	__u32 pos, nr = 0;

	if (memcmp(header->format, STATE_FORMAT, sizeof(STATE_FORMAT))) {
		complain("the state is not of format " STATE_FORMAT);
		return -EINVAL;
	}
	if (header->size > STATE_ROOM)
		return -EINVAL;
	for (pos = 0; pos < header->size; pos += sizeof(*record) + record->size) {
		record = record_at(vm, pos, header->size);
		if (!record)
			return -EINVAL;
		nr++;
	}
	return nr == header->nr_records && nr == NR_RECORDS ? 0 : -EINVAL;
}

static const struct record_header *
find_record(struct vm *vm, __u32 owner, __u32 part)
{
	const struct state_header *header = state_header(vm);
	const struct record_header *record;
	__u32 pos;

	for (pos = 0; pos < header->size; pos += sizeof(*record) + record->size) {
		record = record_at(vm, pos, header->size);
		if (record->owner == owner && record->part == part)
			return record;
	}
	return NULL;
}

/* The data are copied, since KVM may take more by now than was saved. */
static int load_data(struct vm *vm, const struct owner *owner,
		     const struct part *part, const struct record_header *record)
{
	__u32 size = part_size(vm, part);
	void *data;
	int ret;

	data = calloc(1, size > record->size ? size : record->size);
	if (!data)
		return -ENOMEM;
	memcpy(data, record + 1, record->size);
	if (part->load)
		ret = part->load(vm, owner->fd, data);
	else
		ret = luo_result(ioctl(owner->fd, part->set, data));
	free(data);
	return ret;
}

static int load_part(struct vm *vm, const struct owner *owner, __u32 nr)
{
	const struct part *part = &owner->parts[nr];
	const struct record_header *record;
	int ret = -EINVAL;

	record = find_record(vm, owner->id, nr);
	if (record && record->version == part->version &&
	    record->size >= part->size)
		ret = load_data(vm, owner, part, record);
	if (ret)
		complain("cannot load the %s: %s", part->name, strerror(-ret));
	return ret;
}

static int load_parts(struct vm *vm, struct owner owner)
{
	__u32 nr;
	int ret = 0;

	for (nr = 0; !ret && nr < owner.nr_parts; nr++)
		ret = load_part(vm, &owner, nr);
	return ret;
}

/* Let a guest that has kvmclock know, so that its watchdogs do not bark. */
static void tell_of_pause(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < NR_VCPUS; i++)
		ioctl(vm->vcpu[i].fd, KVM_KVMCLOCK_CTRL, 0);
}

/**
 * vm_load() - put a machine just made into the state that was saved
 * @vm: the machine
 *
 * Returns: 0 or a negative errno, after which the machine is of no use.
 */
int vm_load(struct vm *vm)
{
	unsigned int i;
	int ret;

	ret = check_state(vm);
	for (i = 0; !ret && i < NR_VCPUS; i++)
		ret = load_parts(vm, owner_vcpu(vm, i));
	if (!ret)
		ret = load_parts(vm, owner_vm(vm));
	if (!ret)
		tell_of_pause(vm);
	return ret;
}
