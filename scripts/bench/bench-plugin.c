// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's: counts the guest's instructions, by function and from mark
 * to mark.
 *
 *	-plugin FILE.so,out=LOG[,map=System.map][,at=SYMBOL+SYMBOL...][,entry=HEX]...[,cpus=on][,profile=on]
 *
 * Marks are the instruction "nopl 0x4c55nnnn(%rax)", wherever it is executed, the
 * entries of the functions named by "at", and code that begins with the bytes
 * of an "entry", of which there may be two. LOG gets a line for each mark passed: the count, and the mark's number
 * or name; the last line is the "end". With "cpus" there follow the counts of the
 * processors, and with "profile", in lines of their own that are indented, the
 * counts of all functions since the mark before.
 *
 * What runs below the kernel's half of the address space is counted by page: user
 * space, and whatever comes before a kernel.
 *
 * The few declarations of QEMU's interface, version 1, stand here, since no
 * package of Debian's has the header.
 *
 * Copyright The Linux Live Update LTS authors
 */

#define _GNU_SOURCE
#include <inttypes.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
					      uint64_t imm);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int vcpu, void *data), int flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int vcpu, void *data), int flags,
					    void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

int qemu_plugin_version = 1;

#define KERNEL_BASE	0xffff800000000000ULL
#define PAGE_MASK	(~0xfffULL)
#define MAX_CPUS	64

/* A function of the kernel, or a page below it. It stays where it is. */
struct code {
	uint64_t start;
	uint64_t count;
	const char *name;	/* NULL for a page */
	bool is_mark;
};

static FILE *out;
static bool profiling;
static bool by_cpu;
static uint64_t total;
static uint64_t cpu_count[MAX_CPUS];
static unsigned int nr_cpus;
static struct code *functions;
static size_t nr_functions;
static void *pages;
static struct image_entry {
	unsigned char code[32];
	size_t size;
} entries[2];
static size_t nr_entries;

static int compare(const void *a, const void *b)
{
	const struct code *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void *allocated(void *p)
{
	if (!p) {
		perror("bench-plugin");
		exit(1);
	}
	return p;
}

static struct code *find_function(uint64_t addr)
{
	size_t low = 0, high = nr_functions, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (functions[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &functions[low - 1] : NULL;
}

static struct code *find_page(uint64_t addr)
{
	struct code key = { .start = addr & PAGE_MASK }, **found, *page;

	found = tfind(&key, &pages, compare);
	if (found)
		return *found;
	page = allocated(malloc(sizeof(*page)));
	*page = key;
	allocated(tsearch(page, &pages, compare));
	return page;
}

static struct code *find_code(uint64_t addr)
{
	struct code *function = addr >= KERNEL_BASE ? find_function(addr) : NULL;

	return function ?: find_page(addr);
}

static void report(struct code *code)
{
	if (!code->count)
		return;
	if (code->name)
		fprintf(out, "  %" PRIu64 " %s\n", code->count, code->name);
	else
		fprintf(out, "  %" PRIu64 " page:%" PRIx64 "\n", code->count, code->start);
	code->count = 0;
}

static void report_page(const void *node, VISIT visit, int depth)
{
	if (visit == postorder || visit == leaf)
		report(*(struct code **)node);
}

static void pass(const char *name)
{
	size_t i;

	fprintf(out, "%" PRIu64 " %s", total, name);
	for (i = 0; i < nr_cpus; i++)
		fprintf(out, " %" PRIu64, cpu_count[i]);
	fprintf(out, "\n");
	if (profiling) {
		for (i = 0; i < nr_functions; i++)
			report(&functions[i]);
		twalk(pages, report_page);
	}
	fflush(out);
}

static void pass_number(unsigned int vcpu, void *data)
{
	char name[32];

	snprintf(name, sizeof(name), "%zu", (size_t)data);
	pass(name);
}

static void pass_name(unsigned int vcpu, void *data)
{
	pass(data);
}

static void end(uint64_t id, void *data)
{
	pass("end");
}

/* A block of code may end before the entry does, but not after one instruction. */
static bool is_entry(struct qemu_plugin_tb *tb, const struct image_entry *entry)
{
	size_t n = qemu_plugin_tb_n_insns(tb), at = 0, i;

	for (i = 0; i < n && at < entry->size; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		size_t size = qemu_plugin_insn_size(insn);

		if (size > entry->size - at)
			size = entry->size - at;
		if (memcmp(qemu_plugin_insn_data(insn), entry->code + at, size))
			return false;
		at += size;
	}
	return i > 1;
}

static void look_for_mark(struct qemu_plugin_insn *insn)
{
	const unsigned char *b = qemu_plugin_insn_data(insn);
	uint64_t addr = qemu_plugin_insn_vaddr(insn);
	struct code *function;

	if (qemu_plugin_insn_size(insn) == 7 && !memcmp(b, "\x0f\x1f\x80", 3) &&
	    b[5] == 0x55 && b[6] == 0x4c)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, pass_number, QEMU_PLUGIN_CB_NO_REGS,
						       (void *)(size_t)(b[3] | b[4] << 8));

	function = addr >= KERNEL_BASE ? find_function(addr) : NULL;
	if (function && function->is_mark && function->start == addr)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, pass_name, QEMU_PLUGIN_CB_NO_REGS,
						       (void *)function->name);
}

static void count_cpu(unsigned int vcpu, void *nr)
{
	if (vcpu >= MAX_CPUS)
		return;
	if (vcpu >= nr_cpus)
		nr_cpus = vcpu + 1;
	cpu_count[vcpu] += (size_t)nr;
}

static void translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	uint64_t start = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));

	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &total, n);
	if (by_cpu)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, count_cpu, QEMU_PLUGIN_CB_NO_REGS,
						     (void *)n);
	if (profiling)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							 &find_code(start)->count, n);
	for (i = 0; i < nr_entries; i++)
		if (is_entry(tb, &entries[i]))
			qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_tb_get_insn(tb, 0),
							       pass_name, QEMU_PLUGIN_CB_NO_REGS,
							       "entry");
	for (i = 0; i < n; i++)
		look_for_mark(qemu_plugin_tb_get_insn(tb, i));
}

static bool read_entry(const char *hex)
{
	struct image_entry *entry = &entries[nr_entries];

	if (nr_entries == sizeof(entries) / sizeof(*entries))
		return false;
	while (entry->size < sizeof(entry->code) &&
	       sscanf(hex, "%2hhx", &entry->code[entry->size]) == 1) {
		entry->size++;
		hex += 2;
	}
	nr_entries++;
	return true;
}

static bool read_map(const char *path)
{
	char name[512], type;
	uint64_t start;
	FILE *map = fopen(path, "r");
	size_t max = 0;

	if (!map)
		return false;
	while (fscanf(map, "%" SCNx64 " %c %511s", &start, &type, name) == 3) {
		if (start < KERNEL_BASE || !strchr("tTwW", type))
			continue;
		if (nr_functions == max) {
			max = 2 * max + 1024;
			functions = allocated(realloc(functions, max * sizeof(*functions)));
		}
		functions[nr_functions++] = (struct code) {
			.start = start, .name = allocated(strdup(name)),
		};
	}
	fclose(map);
	qsort(functions, nr_functions, sizeof(*functions), compare);
	return true;
}

static void mark_functions(char *names)
{
	char *name;
	size_t i;

	for (name = strtok(names, "+"); name; name = strtok(NULL, "+"))
		for (i = 0; i < nr_functions; i++)
			if (!strcmp(functions[i].name, name))
				functions[i].is_mark = true;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	char *names = NULL;
	int i;

	for (i = 0; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return -1;
		*value++ = 0;
		if (!strcmp(argv[i], "out"))
			out = fopen(value, "w");
		else if (!strcmp(argv[i], "map") && !read_map(value))
			return -1;
		else if (!strcmp(argv[i], "at"))
			names = value;
		else if (!strcmp(argv[i], "entry") && !read_entry(value))
			return -1;
		else if (!strcmp(argv[i], "cpus"))
			by_cpu = !strcmp(value, "on");
		else if (!strcmp(argv[i], "profile"))
			profiling = !strcmp(value, "on");
	}
	if (!out)
		return -1;
	if (names)
		mark_functions(names);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, end, NULL);
	return 0;
}
