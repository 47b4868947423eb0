/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest of luo_vmm: two processors that never rest. Each goes over its
 * memory page by page, and with each page checks whatever could be lost when it
 * is stopped on one host kernel and goes on upon another.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include "luo_vmm_guest.h"

/* Where it is in guest memory. */
#define ADDR(label)	(label - guest_code + GUEST_CODE)

#define CR0		0x80000033	/* PG, NE, ET, MP, PE */
#define CR4		0x00040620	/* OSXSAVE, OSXMMEXCPT, OSFXSR, PAE */
#define DR7		0x400		/* nothing but what is always set */

#define PIC_MASK	0xff	/* of the second PIC, which is not used */

#define MSR_APIC_BASE	0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EFER	0xc0000080
#define MSR_KVM_CLOCK	0x4b564d01

#define EFER_LME	0x100
#define X2APIC_ENABLE	0xc00

/* Registers of the x2APIC, as MSRs. */
#define APIC_ID		0x802
#define APIC_EOI	0x80b
#define APIC_SPURIOUS	0x80f
#define APIC_ICR	0x830
#define APIC_LVT_TIMER	0x832
#define APIC_LVT_LINT0	0x835
#define APIC_TIMER	0x838
#define APIC_DIVIDE	0x83e

#define APIC_EXTINT	0x700
#define APIC_PERIODIC	0x20000
#define APIC_DEADLINE	0x40000
#define APIC_INIT	0x4500
#define APIC_STARTUP	0x4600

/* Some 50 times a second. */
#define APIC_PERIOD	20000000	/* of 1 ns */
#define TSC_PERIOD	20000000
#define PIT_PERIOD	23864		/* of 1 / 1193182 s */

/* Registers of the main program; interrupts save the others that they use. */
#define CPU		%rbx		/* struct guest_cpu */
#define ID		%ebp		/* number of the vCPU */
#define STEP		%r12		/* steps done */
#define WORK		%r13		/* memory to work on */

.macro write_msr msr, low, high=0
	movl	$\msr, %ecx
	movl	$\low, %eax
	movl	$\high, %edx
	wrmsr
.endm

.macro write_port port, value
	movb	$\value, %al
	outb	%al, $\port
.endm

/* RAX is the TSC. */
.macro read_tsc
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
.endm

.macro expect condition, otherwise
	j\condition .Lgood\@
	movl	$\otherwise, %eax
	jmp	broken
.Lgood\@:
.endm

	.section .rodata
	.balign	16
	.global	guest_code, guest_code_end
	.global	guest_pic, guest_timer, guest_ioapic, guest_exception

/* The monitor starts the first vCPU here, and the first the second. */
	.code16
guest_code:
	cli
	xorl	%eax, %eax
	movw	%ax, %ds
	lgdtl	ADDR(gdt_pointer)
	movl	$CR4, %eax
	movl	%eax, %cr4
	movl	$GUEST_PML4, %eax
	movl	%eax, %cr3
	write_msr MSR_EFER, EFER_LME
	movl	$CR0, %eax
	movl	%eax, %cr0
	ljmpl	$8, $ADDR(start)

	.code64
start:
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	lidt	idt_pointer(%rip)

	movl	$MSR_APIC_BASE, %ecx
	rdmsr
	orl	$X2APIC_ENABLE, %eax
	wrmsr
	movl	$APIC_ID, %ecx
	rdmsr
	movl	%eax, ID
	shll	$12, %eax
	leaq	GUEST_CPU(%rax), CPU
	leaq	0x1000(CPU), %rsp
	imulq	$GUEST_WORK_PAGES, %rax
	leaq	GUEST_WORK(%rax), WORK
	xorl	%r12d, %r12d

	call	set_registers
	write_msr APIC_SPURIOUS, (0x100 | VECTOR_SPURIOUS)
	testl	ID, ID
	jnz	second

	call	start_pit
	call	start_second
	write_msr APIC_DIVIDE, 0xb
	write_msr APIC_LVT_TIMER, (APIC_PERIODIC | VECTOR_TIMER)
	write_msr APIC_TIMER, APIC_PERIOD
	jmp	work

second:
	write_msr APIC_LVT_TIMER, (APIC_DEADLINE | VECTOR_TIMER)
	call	set_deadline

work:
	sti
1:	call	check_memory
	call	check_vectors
	call	check_debug
	call	check_pic
	call	check_tsc
	call	check_clock
	incq	STEP
	call	report_step
	jmp	1b

/* Set what check_vectors, check_debug and check_clock look at. */
set_registers:
	vpxor	%xmm0, %xmm0, %xmm0
	.irp	i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovups	(CPU_PATTERN + 32 * \i)(CPU), %ymm\i
	.endr

	.irp	i, 0, 1, 2, 3
	leaq	(CPU_PATTERN + \i)(CPU), %rax
	movq	%rax, %dr\i
	.endr
	movl	$DR7, %eax
	movq	%rax, %dr7

	movl	$MSR_KVM_CLOCK, %ecx
	leaq	(CPU_CLOCK + 1)(CPU), %rax
	xorl	%edx, %edx
	wrmsr
	ret

start_second:
	write_msr APIC_ICR, APIC_INIT, 1
	write_msr APIC_ICR, (APIC_STARTUP | GUEST_CODE >> 12), 1
	ret

/* The PIT goes to the first vCPU by the PIC, to the second by the I/O APIC. */
start_pit:
	write_msr APIC_LVT_LINT0, APIC_EXTINT
	write_port 0x20, 0x11
	write_port 0x21, VECTOR_PIC
	write_port 0x21, 4
	write_port 0x21, 1
	write_port 0x21, 0xfe
	write_port 0xa1, PIC_MASK

	movl	$GUEST_IOAPIC, %edi
	movl	$0x11, (%rdi)
	movl	$(1 << 24), 0x10(%rdi)
	movl	$0x10, (%rdi)
	movl	$VECTOR_IOAPIC, 0x10(%rdi)

	write_port 0x43, 0x34
	write_port 0x40, (PIT_PERIOD & 0xff)
	write_port 0x40, (PIT_PERIOD >> 8)
	ret

set_deadline:
	read_tsc
	addq	$TSC_PERIOD, %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	movl	$MSR_TSC_DEADLINE, %ecx
	wrmsr
	ret

/*
 * The first word of a page is how often it was seen, the sum of all its words
 * is zero. Change both the count and another word, and set the sum right.
 */
check_memory:
	movq	STEP, %rsi
	andl	$(GUEST_WORK_PAGES - 1), %esi
	shlq	$12, %rsi
	addq	WORK, %rsi
	movl	$GUEST_WORK_PAGES, %ecx
	xorl	%edx, %edx
	movq	STEP, %rax
	divq	%rcx
	cmpq	%rax, (%rsi)
	expect	e, BROKEN_VISITS

	xorl	%eax, %eax
	xorl	%ecx, %ecx
1:	addq	(%rsi, %rcx, 8), %rax
	incl	%ecx
	cmpl	$512, %ecx
	jne	1b
	testq	%rax, %rax
	expect	z, BROKEN_SUM

	leaq	1(STEP), %rax
	movzbl	%al, %ecx
	imulq	$0x01000193, %rax
	incq	(%rsi)
	addq	%rax, 8(%rsi, %rcx, 8)
	incq	%rax
	subq	%rax, 511 * 8(%rsi)
	ret

/* XMM0 counts the steps, the others are as they were set; YMM1 is free. */
check_vectors:
	movq	%xmm0, %rax
	cmpq	%rax, STEP
	expect	e, BROKEN_SSE
	paddq	one(%rip), %xmm0
	.irp	i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vxorps	(CPU_PATTERN + 32 * \i)(CPU), %ymm\i, %ymm1
	vptest	%ymm1, %ymm1
	expect	z, BROKEN_AVX
	.endr
	ret

check_debug:
	.irp	i, 0, 1, 2, 3
	leaq	(CPU_PATTERN + \i)(CPU), %rcx
	movq	%dr\i, %rax
	cmpq	%rax, %rcx
	expect	e, BROKEN_DEBUG
	.endr
	movq	%dr7, %rax
	cmpl	$DR7, %eax
	expect	e, BROKEN_DEBUG
	ret

check_pic:
	inb	$0xa1, %al
	cmpb	$PIC_MASK, %al
	expect	e, BROKEN_PIC
	ret

check_tsc:
	read_tsc
	cmpq	CPU_LAST_TSC(CPU), %rax
	expect	ae, BROKEN_TSC
	movq	%rax, CPU_LAST_TSC(CPU)
	ret

check_clock:
	call	read_clock
	cmpq	CPU_LAST_CLOCK(CPU), %rax
	expect	ae, BROKEN_CLOCK
	movq	%rax, CPU_LAST_CLOCK(CPU)

	testb	$CLOCK_GUEST_STOPPED, (CPU_CLOCK + CLOCK_FLAGS)(CPU)
	jz	1f
	andb	$~CLOCK_GUEST_STOPPED, (CPU_CLOCK + CLOCK_FLAGS)(CPU)
	incq	CPU_STOPPED(CPU)
1:	ret

/* RAX is the time of kvmclock in ns. */
read_clock:
	movl	(CPU_CLOCK + CLOCK_VERSION)(CPU), %r8d
	testl	$1, %r8d
	jnz	read_clock
	lfence
	read_tsc
	subq	(CPU_CLOCK + CLOCK_TSC)(CPU), %rax
	movsbl	(CPU_CLOCK + CLOCK_SHIFT)(CPU), %ecx
	testl	%ecx, %ecx
	js	1f
	shlq	%cl, %rax
	jmp	2f
1:	negl	%ecx
	shrq	%cl, %rax
2:	movl	(CPU_CLOCK + CLOCK_MUL)(CPU), %edx
	mulq	%rdx
	shrdq	$32, %rdx, %rax
	addq	(CPU_CLOCK + CLOCK_NSEC)(CPU), %rax
	cmpl	(CPU_CLOCK + CLOCK_VERSION)(CPU), %r8d
	jne	read_clock
	ret

report_step:
	leal	PORT_STEP(ID), %edx
	movl	%r12d, %eax
	outl	%eax, %dx
	inl	%dx, %eax
	cmpl	%r12d, %eax
	expect	e, BROKEN_COUNT
	ret

/* EAX tells what is broken. */
broken:
	cli
	leal	PORT_BROKEN(ID), %edx
	outl	%eax, %dx
	hlt
	jmp	broken

guest_exception:
	movl	$BROKEN_EXCEPTION, %eax
	jmp	broken

guest_pic:
	pushq	%rax
	incq	CPU_PIT_TICKS(CPU)
	write_port 0x20, 0x20
	popq	%rax
	iretq

guest_ioapic:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	incq	CPU_PIT_TICKS(CPU)
	jmp	end_interrupt

guest_timer:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	incq	CPU_TIMER_TICKS(CPU)
	testl	ID, ID
	jz	end_interrupt
	call	set_deadline
end_interrupt:
	write_msr APIC_EOI, 0
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

	.balign	16
one:
	.quad	1, 1
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	ADDR(gdt)
idt_pointer:
	.word	0x1000 - 1
	.quad	GUEST_IDT
guest_code_end:

	.section .note.GNU-stack, "", @progbits
