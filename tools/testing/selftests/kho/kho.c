// SPDX-License-Identifier: GPL-2.0
/*
 * Does what KHO hands over, as its debugfs files show it, have the format that
 * other kernels expect?
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <dirent.h>
#include <fcntl.h>
#include <libfdt.h>
#include <linux/kexec.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "../kselftest_harness.h"

/* A limit, not an expectation: emulated kernels with all checks on are slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	900

#define KHO_DEBUGFS		"/sys/kernel/debug/kho"
#define PAGE			((unsigned long)sysconf(_SC_PAGESIZE))
#define PAGE_MAX		65536
#define MAX_BLOCK		(PAGE << 10)
#define MAX_AREAS		64

#define METADATA_SIZE		(4 + 65 + 4)
#define LUO_SIZE		(8 + 3 * 8)

/* Read a file of unknown size; its length or -1. */
static long read_file(const char *path, void *buf, size_t size)
{
	long len = 0, ret;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	do {
		ret = read(fd, buf + len, size - len);
		if (ret > 0)
			len += ret;
	} while (ret > 0);
	close(fd);
	return ret ? -1 : len;
}

static unsigned int mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

/* A raw number of the FDT. */
static bool get_u64(const void *fdt, int node, const char *name, __u64 *value)
{
	const void *prop;
	int len;

	prop = fdt_getprop(fdt, node, name, &len);
	if (!prop || len != sizeof(*value))
		return false;
	memcpy(value, prop, len);
	return true;
}

/* What goes out, and what came in if there was anything. */
FIXTURE(handover)
{
	const char *dir;
	void *fdt;
	char blob[64 * PAGE_MAX];
};

FIXTURE_VARIANT(handover)
{
	const char *dir;
};

FIXTURE_VARIANT_ADD(handover, out) { .dir = KHO_DEBUGFS "/out" };
FIXTURE_VARIANT_ADD(handover, in) { .dir = KHO_DEBUGFS "/in" };

static bool is_kho_boot(void)
{
	return !access(KHO_DEBUGFS "/in/fdt", F_OK);
}

FIXTURE_SETUP(handover)
{
	char path[256];

	self->dir = variant->dir;
	self->fdt = calloc(1, PAGE);
	ASSERT_NE(NULL, self->fdt);
	if (access(KHO_DEBUGFS "/out", F_OK))
		SKIP(return, "no " KHO_DEBUGFS "/out: boot with kho=on");
	if (!strcmp(self->dir, KHO_DEBUGFS "/in") && !is_kho_boot())
		return;
	snprintf(path, sizeof(path), "%s/fdt", self->dir);
	EXPECT_EQ(0400, mode_of(path));
	ASSERT_LT(0, read_file(path, self->fdt, PAGE));
	ASSERT_EQ(0, fdt_check_header(self->fdt));
	ASSERT_GE(PAGE, fdt_totalsize(self->fdt));
}

FIXTURE_TEARDOWN(handover)
{
	free(self->fdt);
}

static bool nothing(const FIXTURE_DATA(handover) * self)
{
	return !strcmp(self->dir, KHO_DEBUGFS "/in") && !is_kho_boot();
}

TEST_F(handover, has_a_root_of_its_version)
{
	__u64 map;

	if (nothing(self))
		return;
	EXPECT_STREQ("kho-v4", fdt_getprop(self->fdt, 0, "compatible", NULL));
	ASSERT_TRUE(get_u64(self->fdt, 0, "preserved-memory-map", &map));
	EXPECT_EQ(0, map % PAGE);
	EXPECT_NE(0, map);
}

TEST_F(handover, names_blobs_of_memory)
{
	__u64 addr, size;
	char path[256];
	const char *name;
	int node;

	if (nothing(self))
		return;
	fdt_for_each_subnode(node, self->fdt, 0) {
		name = fdt_get_name(self->fdt, node, NULL);
		ASSERT_TRUE(get_u64(self->fdt, node, "preserved-data", &addr))
			TH_LOG("%s", name);
		ASSERT_TRUE(get_u64(self->fdt, node, "blob-size", &size))
			TH_LOG("%s", name);
		EXPECT_NE(0, addr) TH_LOG("%s", name);
		snprintf(path, sizeof(path), "%s/sub_fdts/%s", self->dir, name);
		EXPECT_EQ(0400, mode_of(path)) TH_LOG("%s", name);
		EXPECT_EQ(size, read_file(path, self->blob, sizeof(self->blob)))
			TH_LOG("%s", name);
	}
}

TEST_F(handover, shows_no_other_blobs)
{
	struct dirent *entry;
	char path[256];
	DIR *dir;

	if (nothing(self))
		return;
	snprintf(path, sizeof(path), "%s/sub_fdts", self->dir);
	dir = opendir(path);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			EXPECT_LE(0, fdt_subnode_offset(self->fdt, 0, entry->d_name));
	}
	closedir(dir);
}

/* The version, the release and how many kexecs it has been, unaligned. */
struct metadata {
	__u32 version;
	char release[65];
	__u32 count;
};

static void read_metadata(struct __test_metadata *const _metadata,
			  const char *path, struct metadata *metadata)
{
	char blob[METADATA_SIZE + 1];

	ASSERT_EQ(METADATA_SIZE, read_file(path, blob, sizeof(blob)));
	memcpy(&metadata->version, blob, 4);
	memcpy(metadata->release, blob + 4, 65);
	memcpy(&metadata->count, blob + 4 + 65, 4);
	EXPECT_EQ(1, metadata->version);
}

TEST(metadata_counts_kernels)
{
	struct metadata in = { }, out;
	struct utsname uts;

	if (access(KHO_DEBUGFS "/out", F_OK))
		SKIP(return, "no " KHO_DEBUGFS "/out: boot with kho=on");
	if (is_kho_boot())
		read_metadata(_metadata, KHO_DEBUGFS "/in/sub_fdts/kexec-metadata", &in);
	read_metadata(_metadata, KHO_DEBUGFS "/out/sub_fdts/kexec-metadata", &out);
	ASSERT_EQ(0, uname(&uts));
	EXPECT_STREQ(uts.release, out.release);
	EXPECT_EQ(in.count + 1, out.count);
}

TEST(luo_is_of_its_version)
{
	const char *path = KHO_DEBUGFS "/out/sub_fdts/LUO";
	struct {
		char compatible[8];
		__u64 number, sessions, flbs;
	} luo;

	if (access("/dev/liveupdate", F_OK))
		SKIP(return, "no /dev/liveupdate: boot with kho=on liveupdate=on");
	ASSERT_EQ(LUO_SIZE, sizeof(luo));
	ASSERT_EQ(LUO_SIZE, read_file(path, &luo, sizeof(luo)));
	EXPECT_EQ(0, memcmp(luo.compatible, "luo-v5\0", 8));
	EXPECT_LT(0, luo.number);
	EXPECT_EQ(0, luo.sessions % PAGE);
	EXPECT_EQ(0, luo.flbs % PAGE);
}

/* Scratch memory: the areas, by their order. */
static int read_numbers(const char *path, __u64 *numbers)
{
	char line[64];
	int nr = 0;
	FILE *f;

	f = fopen(path, "r");
	if (!f)
		return -1;
	while (nr < MAX_AREAS && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0x", 2))
			nr = MAX_AREAS;
		else
			numbers[nr++] = strtoull(line, NULL, 16);
	}
	fclose(f);
	return nr;
}

FIXTURE(scratch)
{
	__u64 addr[MAX_AREAS];
	__u64 size[MAX_AREAS];
	int nr;
};

FIXTURE_SETUP(scratch)
{
	if (access(KHO_DEBUGFS "/out", F_OK))
		SKIP(return, "no " KHO_DEBUGFS "/out: boot with kho=on");
	self->nr = read_numbers(KHO_DEBUGFS "/out/scratch_phys", self->addr);
	ASSERT_LT(0, self->nr);
	ASSERT_GT(MAX_AREAS, self->nr);
	ASSERT_EQ(self->nr, read_numbers(KHO_DEBUGFS "/out/scratch_len", self->size));
}

FIXTURE_TEARDOWN(scratch)
{
}

TEST_F(scratch, has_later_names_as_well)
{
	__u64 addr[MAX_AREAS], size[MAX_AREAS];

	ASSERT_EQ(self->nr, read_numbers(KHO_DEBUGFS "/out/bootmem_phys", addr));
	ASSERT_EQ(self->nr, read_numbers(KHO_DEBUGFS "/out/bootmem_len", size));
	EXPECT_EQ(0, memcmp(addr, self->addr, self->nr * sizeof(*addr)));
	EXPECT_EQ(0, memcmp(size, self->size, self->nr * sizeof(*size)));
}

static bool has_low_memory(void)
{
	FILE *file = fopen("/proc/iomem", "r");
	unsigned long long start;
	char line[128], name[32];
	bool low = false;

	while (file && fgets(line, sizeof(line), file))
		low |= sscanf(line, "%llx-%*x : %31[^\n]", &start, name) == 2 &&
		       !strcmp(name, "System RAM") && start < 1ULL << 32;
	if (file)
		fclose(file);
	return low;
}

/*
 * Low memory, which is anywhere when there is none, anywhere, and one area for
 * each node that has memory; of this kernel if it has chosen them.
 */
TEST_F(scratch, has_an_area_for_each_need)
{
	char path[64];
	int node, nodes = 0;

	for (node = 0; node < MAX_AREAS; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
		nodes += !access(path, F_OK);
	}
	if (!is_kho_boot())
		EXPECT_EQ(2 + (nodes ?: 1), self->nr);
	if (has_low_memory())
		EXPECT_GE(1ULL << 32, self->addr[0] + self->size[0]);
}

TEST_F(scratch, is_made_of_largest_blocks)
{
	int i;

	for (i = 0; i < self->nr; i++) {
		EXPECT_LT(0, self->size[i]);
		EXPECT_EQ(0, self->addr[i] % MAX_BLOCK);
		EXPECT_EQ(0, self->size[i] % MAX_BLOCK);
	}
}

TEST_F(scratch, has_areas_apart)
{
	int i, j;

	for (i = 0; i < self->nr; i++) {
		for (j = i + 1; j < self->nr; j++) {
			EXPECT_TRUE(self->addr[i] + self->size[i] <= self->addr[j] ||
				    self->addr[j] + self->size[j] <= self->addr[i]);
		}
	}
}

/* What was set up for the kernel has a line of its own in the midst of RAM. */
static bool in_ram(__u64 addr, __u64 size)
{
	unsigned long long start, end;
	__u64 next = addr;
	char line[128];
	FILE *f;

	f = fopen("/proc/iomem", "r");
	if (!f)
		return false;
	while (next < addr + size && fgets(line, sizeof(line), f)) {
		if (line[0] != ' ' && strstr(line, "System RAM") &&
		    sscanf(line, "%llx-%llx", &start, &end) == 2 &&
		    start <= next && next <= end)
			next = end + 1;
	}
	fclose(f);
	return next >= addr + size;
}

TEST_F(scratch, lies_in_ram)
{
	int i;

	for (i = 0; i < self->nr; i++) {
		EXPECT_TRUE(in_ram(self->addr[i], self->size[i]))
			TH_LOG("area %d", i);
	}
}

/* Nothing but what can be moved away is allocated from it. */
TEST_F(scratch, is_counted_as_cma)
{
	__u64 total = 0;
	char line[128];
	long cma = -1;
	FILE *f;
	int i;

	for (i = 0; i < self->nr; i++)
		total += self->size[i] / 1024;
	f = fopen("/proc/meminfo", "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "CmaTotal: %ld", &cma);
	fclose(f);
	EXPECT_LE(total, cma);
}

/* What kexec_file_load() says of flags, when there is no kernel to load. */
static int load_with(unsigned long flags)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, flags) ? errno : 0;
}

/*
 * Flags of later kernels that ask for nothing else. With -EINVAL kexec -a would
 * go on to kexec_load(), which hands nothing over.
 */
TEST(kexec_file_load_takes_flags_of_later_kernels)
{
	EXPECT_EQ(EBADF, load_with(KEXEC_FILE_NO_INITRAMFS));
	EXPECT_EQ(EBADF, load_with(KEXEC_FILE_NO_INITRAMFS | 0x10));
	EXPECT_EQ(EBADF, load_with(KEXEC_FILE_NO_INITRAMFS | 0x20));
	EXPECT_EQ(EBADF, load_with(KEXEC_FILE_NO_INITRAMFS | 0x30));
	EXPECT_EQ(EINVAL, load_with(KEXEC_FILE_NO_INITRAMFS | 0x40));
	EXPECT_EQ(0, load_with(KEXEC_FILE_UNLOAD | 0x30));
}

TEST_HARNESS_MAIN
