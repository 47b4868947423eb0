// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine over a live update of its host: a guest that counts, checks
 * its memory, its registers and its clocks, and tells the monitor of each step,
 * goes on in the next kernel as if nothing had been. How to run it:
 * luo_update.h; how it is made: luo_vmm.h.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_update.h"
#include "luo_vmm.h"

#define TOKEN_MEMORY	1
#define TOKEN_STATE	2

/* What the guest has to do in each kernel: all its pages, more than once. */
#define STEPS		(3 * GUEST_WORK_PAGES)
#define TICKS		3

/* A limit, not an expectation. */
#define LIMIT_MS	200000

/* A memfd with all its memory: what is preserved gets no more. */
static int new_memfd(struct __test_metadata *const _metadata, const char *name,
		     size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, size));
	ASSERT_EQ(0, fallocate(fd, 0, 0, size));
	return fd;
}

static __u64 memory_sum(struct vm *vm)
{
	__u64 *word = (__u64 *)vm->ram, sum = 0;
	size_t i;

	for (i = 0; i < GUEST_RAM / sizeof(*word); i++)
		sum = (sum ^ word[i]) * 0x100000001b3ULL;
	return sum;
}

/* How far a vCPU has come. */
struct progress {
	__u64 steps;
	__u64 timer_ticks;
	__u64 pit_ticks;
};

static struct progress progress(struct vcpu *vcpu)
{
	struct guest_cpu *cpu = vcpu_memory(vcpu);
	__u64 *steps = vcpu->vm->log->steps;

	return (struct progress) {
		__atomic_load_n(&steps[vcpu->id], __ATOMIC_RELAXED),
		__atomic_load_n(&cpu->timer_ticks, __ATOMIC_RELAXED),
		__atomic_load_n(&cpu->pit_ticks, __ATOMIC_RELAXED),
	};
}

/* By kvmclock, once for each update. */
static void expect_told_of_pauses(struct __test_metadata *const _metadata,
				  struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < NR_VCPUS; i++)
		EXPECT_EQ(luo_stage() - 1, vcpu_memory(&vm->vcpu[i])->stopped);
}

static bool is_done(struct vcpu *vcpu, struct progress start)
{
	struct progress now = progress(vcpu);

	return now.steps >= start.steps + STEPS &&
	       now.timer_ticks >= start.timer_ticks + TICKS &&
	       now.pit_ticks >= start.pit_ticks + TICKS;
}

/* Wait until a vCPU has seen all its pages and some ticks. */
static void wait_for(struct __test_metadata *const _metadata,
		     struct vcpu *vcpu, struct progress start)
{
	__u32 *broken = vcpu->vm->log->broken;
	struct progress now;
	unsigned int ms;

	for (ms = 0; !is_done(vcpu, start) && ms < LIMIT_MS; ms++) {
		usleep(1000);
		ASSERT_EQ(0, vcpu_result(vcpu))
			TH_LOG("vCPU %u, broken %u", vcpu->id, broken[vcpu->id]);
	}
	now = progress(vcpu);
	ASSERT_GT(LIMIT_MS, ms)
		TH_LOG("vCPU %u: %llu steps, ticks: %llu of its timer, %llu of the PIT",
		       vcpu->id, now.steps - start.steps,
		       now.timer_ticks - start.timer_ticks,
		       now.pit_ticks - start.pit_ticks);
}

/* Let a running guest go on for a while. */
static void run(struct __test_metadata *const _metadata, struct vm *vm)
{
	struct progress start[NR_VCPUS];
	unsigned int i;

	for (i = 0; i < NR_VCPUS; i++)
		start[i] = progress(&vm->vcpu[i]);
	for (i = 0; i < NR_VCPUS; i++)
		wait_for(_metadata, &vm->vcpu[i], start[i]);
}

static void stop(struct __test_metadata *const _metadata, struct vm *vm)
{
	struct progress now;
	unsigned int i;

	ASSERT_EQ(0, vm_stop(vm));
	for (i = 0; i < NR_VCPUS; i++) {
		now = progress(&vm->vcpu[i]);
		EXPECT_EQ(0, vm->log->broken[i]);
		TH_LOG("vCPU %u: %llu steps, ticks: %llu of its timer, %llu of the PIT",
		       i, now.steps, now.timer_ticks, now.pit_ticks);
	}
}

/*
 * The guest runs until all but its last state is preserved: so it does not have
 * to wait for what takes time.
 */
static void give(struct __test_metadata *const _metadata, int dev,
		 const char *name, struct vm *vm, int memory, int state)
{
	int session = luo_create(dev, name);

	ASSERT_LE(0, session);
	luo_give(_metadata, session, memory, TOKEN_MEMORY);
	luo_give(_metadata, session, state, TOKEN_STATE);
	run(_metadata, vm);

	stop(_metadata, vm);
	ASSERT_EQ(0, vm_save(vm));
	vm->log->memory_sum = memory_sum(vm);
	vm_destroy(vm);
	luo_hold(_metadata, dev);
}

static void prepare(struct __test_metadata *const _metadata, int dev,
		    const char *name)
{
	int memory = new_memfd(_metadata, "memory", GUEST_RAM);
	int state = new_memfd(_metadata, "state", STATE_SIZE);
	struct vm vm;

	ASSERT_EQ(0, vm_create(&vm, memory, state));
	ASSERT_EQ(0, vm_boot(&vm));
	ASSERT_EQ(0, vm_start(&vm));
	run(_metadata, &vm);
	give(_metadata, dev, name, &vm, memory, state);
}

/* In the last kernel the guest ends, in others it is handed on. */
static void verify(struct __test_metadata *const _metadata, int dev,
		   const char *name)
{
	int session = luo_retrieve(dev, name);
	int memory, state;
	struct vm vm;

	ASSERT_LE(0, session);
	memory = luo_retrieve_fd(session, TOKEN_MEMORY);
	state = luo_retrieve_fd(session, TOKEN_STATE);
	ASSERT_LE(0, memory);
	ASSERT_LE(0, state);

	ASSERT_EQ(0, vm_create(&vm, memory, state));
	ASSERT_EQ(vm.log->memory_sum, memory_sum(&vm));
	ASSERT_EQ(0, vm_load(&vm));
	ASSERT_EQ(0, vm_start(&vm));
	ASSERT_EQ(0, luo_finish(session));
	ASSERT_EQ(0, close(session));
	run(_metadata, &vm);
	expect_told_of_pauses(_metadata, &vm);
	if (luo_stage() < luo_param("LAST_STAGE", 2)) {
		give(_metadata, dev, name, &vm, memory, state);
	} else {
		stop(_metadata, &vm);
		vm_destroy(&vm);
	}
}

TEST_F(prepare, small)
{
	prepare(_metadata, self->dev, "small");
	EXPECT_EQ(0, luo_meminfo("ShmemHugePages"));
}

TEST_F(verify, small)
{
	verify(_metadata, self->dev, "small");
}

/* With shmem_enabled such that memfds have huge pages. */
TEST_F(prepare, huge)
{
	prepare(_metadata, self->dev, "huge");
	EXPECT_LE(GUEST_RAM / 1024, luo_meminfo("ShmemHugePages"));
}

TEST_F(verify, huge)
{
	verify(_metadata, self->dev, "huge");
	EXPECT_LE(GUEST_RAM / 1024, luo_meminfo("ShmemHugePages"));
}

/*
 * What was not written by this monitor, or is not all that it wrote, is refused:
 * words of the header, and of the first record.
 */
TEST_F(prepare, damaged)
{
	static const int words[] = { 0, 4, 5, 6, 7, 8, 9 };
	int memory = new_memfd(_metadata, "memory", GUEST_RAM);
	int state = new_memfd(_metadata, "state", STATE_SIZE);
	unsigned int i;
	struct vm vm;
	__u32 *word;

	ASSERT_EQ(0, vm_create(&vm, memory, state));
	ASSERT_EQ(0, vm_boot(&vm));
	ASSERT_EQ(0, vm_save(&vm));
	word = (__u32 *)(vm.state + PAGE);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		word[words[i]]++;
		EXPECT_EQ(-EINVAL, vm_load(&vm)) TH_LOG("word %d", words[i]);
		word[words[i]]--;
	}
	EXPECT_EQ(0, vm_load(&vm));
	vm_destroy(&vm);
}

TEST_HARNESS_MAIN
