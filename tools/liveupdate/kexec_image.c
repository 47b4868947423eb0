// SPDX-License-Identifier: GPL-2.0
/*
 * The files that are loaded, in the form that kexec_file_load(2) takes.
 *
 * On arm64 that is an uncompressed Image, as Debian's kernels are there. Others
 * install it compressed by gzip, or as an EFI program that unpacks it, and leave
 * the unpacking to the boot loader: here we are that.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/types.h>
#include <zlib.h>

#include "kexec_image.h"

/* No kernel is larger; a file that would be fills no memory. */
#define IMAGE_MAX	(1024UL * 1024 * 1024)

#define GZIP_MAGIC	"\x1f\x8b"
#define GZIP_WINDOW	(16 + MAX_WBITS)	/* with gzip's header */

/**
 * struct zboot - beginning of an image that unpacks itself under EFI
 * @mz:		 "MZ"
 * @magic:	 "zimg"
 * @offset:	 where the compressed image is in the file
 * @size:	 its length
 * @reserved:	 zero
 * @compression: name of how it is compressed
 */
struct zboot {
	char mz[4];
	char magic[4];
	__le32 offset;
	__le32 size;
	__le32 reserved[2];
	char compression[32];
};

/* A file that the kernel will read: not a device, nor a pipe that blocks. */
static int open_file(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st))
		err = -errno;
	else if (S_ISDIR(st->st_mode))
		err = -EISDIR;
	else if (!S_ISREG(st->st_mode))
		err = -EINVAL;
	else if (!st->st_size)
		err = -ENODATA;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len; data += n, len -= n) {
		n = write(fd, data, len);
		if (n < 0)
			return -errno;
	}
	return 0;
}

static int gunzip(int to, const void *data, size_t len)
{
	static unsigned char out[1 << 16];
	z_stream z = { .next_in = (void *)data, .avail_in = len };
	int status, err;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		status = inflate(&z, Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END)
			err = status == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
		else if (z.total_out > IMAGE_MAX)
			err = -EFBIG;
		else
			err = write_all(to, (char *)out,
					sizeof(out) - z.avail_out);
	} while (!err && status != Z_STREAM_END);
	inflateEnd(&z);
	return err;
}

/* Find what gzip has compressed in the file; 0 when there is no such thing. */
static int find_payload(const unsigned char **data, size_t *len)
{
	struct zboot zboot;
	size_t offset, size;

	if (*len > 2 && !memcmp(*data, GZIP_MAGIC, 2))
		return 1;
	if (*len < sizeof(zboot))
		return 0;
	memcpy(&zboot, *data, sizeof(zboot));
	if (memcmp(zboot.mz, "MZ", 2) || memcmp(zboot.magic, "zimg", 4))
		return 0;
	offset = le32toh(zboot.offset);
	size = le32toh(zboot.size);
	if (strncmp(zboot.compression, "gzip", sizeof(zboot.compression)))
		return -EPROTONOSUPPORT;
	if (offset > *len || size > *len - offset)
		return -EBADMSG;
	*data += offset;
	*len = size;
	return 1;
}

static int unpack_to(int *fd, const void *data, size_t len)
{
	int err;

	*fd = memfd_create("lukeep.kernel", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	err = gunzip(*fd, data, len);
	if (err)
		close(*fd);
	return err;
}

/* Replace the file by what is compressed in it, if it is. */
static int unpack(int *fd, size_t len)
{
	const unsigned char *data;
	size_t size = len;
	int unpacked, found, err;
	void *map;

	map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, *fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	data = map;
	found = find_payload(&data, &size);
	err = found > 0 ? unpack_to(&unpacked, data, size) : found;
	munmap(map, len);
	if (err || !found)
		return err;
	close(*fd);
	*fd = unpacked;
	return 0;
}

/* Open a kernel, unpacked if need be; -1 with @result telling why not. */
int kexec_image_open(const char *kernel, struct kexec_result *result)
{
	struct stat st;
	int fd;

	result->step = KEXEC_OPEN_KERNEL;
	fd = open_file(kernel, &st);
	if (fd < 0) {
		result->err = -fd;
		return -1;
	}
	result->step = KEXEC_UNPACK;
	result->err = -unpack(&fd, st.st_size);
	if (!result->err)
		return fd;
	close(fd);
	return -1;
}

/* Open an initramfs; -1 with @result telling why not. */
int kexec_initrd_open(const char *initrd, struct kexec_result *result)
{
	struct stat st;
	int fd;

	result->step = KEXEC_OPEN_INITRD;
	fd = open_file(initrd, &st);
	if (fd < 0)
		result->err = -fd;
	return fd < 0 ? -1 : fd;
}
