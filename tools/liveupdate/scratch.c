// SPDX-License-Identifier: GPL-2.0
/*
 * How much scratch memory a kernel needs, which finds out that it has too little.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lukeep.h"

#define SCRATCH_LEN	"/sys/kernel/debug/kho/out/scratch_len"

/* A longer word of the command line is none of ours. */
#define WORD_MAX	255
#define STRING_(x)	#x
#define STRING(x)	STRING_(x)

#define MIB_SHIFT	20
#define MIB_OF(bytes)	((bytes) >> MIB_SHIFT)

/* For what else is loaded, and for what the kernel needs before it looks around. */
#define MARGIN		(32ULL << MIB_SHIFT)
#define STEP		(16ULL << MIB_SHIFT)

/* Of areas whose size is not known. */
#define SIZE_UNKNOWN	"64M"

/* A compressed image of a kind that we do not look into; kernels get so large. */
#define UNPACKED	4

/* The headers of kernels, in Documentation/arch/{x86/boot,arm64/booting}.rst. */
#define HEADER_MAX	0x264
#define X86_MAGIC	0x202
#define X86_INIT_SIZE	0x260
#define ARM64_MAGIC	0x38
#define ARM64_SIZE	0x10

/**
 * struct areas - the areas that are large enough, as kho_scratch= takes them
 * @low:  size of the area in low memory
 * @node: size of the area on each node
 */
struct areas {
	char low[WORD_MAX + 1];
	char node[WORD_MAX + 1];
};

static __u64 file_size(const char *path)
{
	struct stat st;

	return path && !stat(path, &st) ? st.st_size : 0;
}

/* The memory that the kernel takes up once it runs. */
static __u64 kernel_size(const char *path)
{
	unsigned char header[HEADER_MAX] = { };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	__u32 size32 = 0;
	__u64 size64 = 0;

	if (fd < 0 || read(fd, header, sizeof(header)) < 0)
		memset(header, 0, sizeof(header));
	if (fd >= 0)
		close(fd);
	if (!memcmp(header + X86_MAGIC, "HdrS", 4)) {
		memcpy(&size32, header + X86_INIT_SIZE, sizeof(size32));
		size64 = le32toh(size32);
	} else if (!memcmp(header + ARM64_MAGIC, "ARM\x64", 4)) {
		memcpy(&size64, header + ARM64_SIZE, sizeof(size64));
		size64 = le64toh(size64);
	}
	return size64 ?: file_size(path) * UNPACKED;
}

/* What the operator has asked for; false if it was not by sizes. */
static bool read_parameter(struct areas *areas)
{
	char word[WORD_MAX + 1], *value;
	FILE *f = fopen("/proc/cmdline", "re");
	bool found = false;

	while (f && !found && fscanf(f, "%" STRING(WORD_MAX) "s", word) == 1) {
		value = strchr(word, '=');
		found = value && (!strncmp(word, "kho_scratch=", value - word + 1) ||
				  !strncmp(word, "kho_bootmem=", value - word + 1)) &&
			sscanf(value, "=%[^,],%*[^,],%s", areas->low, areas->node) == 2;
	}
	if (f)
		fclose(f);
	return found;
}

/* What the kernel has made: low, global, and one for each node. */
static bool read_debugfs(struct areas *areas)
{
	FILE *f = fopen(SCRATCH_LEN, "re");
	__u64 size, low = 0, node = 0;
	int nr;

	for (nr = 0; f && fscanf(f, "%llx", &size) == 1; nr++) {
		if (!nr)
			low = size;
		else if (nr > 1 && size > node)
			node = size;
	}
	if (f)
		fclose(f);
	snprintf(areas->low, sizeof(areas->low), "%lluM", MIB_OF(low));
	snprintf(areas->node, sizeof(areas->node), "%lluM", MIB_OF(node));
	return low && node;
}

/*
 * Tell the size of scratch memory with which the next kernel would fit: all of
 * it in the area that can be anywhere, and the other areas as they are.
 */
void scratch_advise(const char *kernel, const char *initrd)
{
	struct areas areas = { SIZE_UNKNOWN, SIZE_UNKNOWN };
	__u64 need = kernel_size(kernel) + file_size(initrd) + MARGIN;

	if (!read_parameter(&areas) && !read_debugfs(&areas))
		areas = (struct areas){ SIZE_UNKNOWN, SIZE_UNKNOWN };
	need = (need + STEP - 1) / STEP * STEP;
	pr_err("scratch memory is too small for this kernel and its initramfs: reboot once by way of the firmware, with kho_scratch=%s,%lluM,%s",
	       areas.low, MIB_OF(need), areas.node);
}
