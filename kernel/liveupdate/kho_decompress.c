// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): decompresses the payload of a kernel image.
 *
 * The formats are those in which kernels are compressed, as far as there is a
 * decompressor that can be used after boot. All that is in memory at once: input
 * and output are one buffer each.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/crc32.h>
#include <linux/lz4.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/xz.h>
#include <linux/zlib.h>
#include <linux/zstd.h>

#include "kho_internal.h"

static const char no_memory[] = "not enough memory to decompress it now";
static const char damaged[] = "its payload is damaged";

/* The header of gzip, and the checksum and length at the end. */
#define GZIP_HEADER	10
#define GZIP_TRAILER	8
#define GZIP_FLAGS	3
#define GZIP_HAS_NAME	BIT(3)

/* The legacy format of LZ4: each block is 8 MiB, but for the last. */
#define LZ4_MAGIC	0x184C2102
#define LZ4_BLOCK	SZ_8M

static const char *gunzip_raw(const u8 *in, size_t in_len, u8 *out,
			      size_t out_len, void *workspace)
{
	struct z_stream_s stream = {
		.next_in = in,
		.avail_in = in_len,
		.next_out = out,
		.workspace = workspace,
	};
	int ret = zlib_inflateInit2(&stream, -MAX_WBITS);

	while (ret == Z_OK) {
		stream.avail_out = min_t(size_t, SZ_1M,
					 out + out_len - stream.next_out);
		ret = zlib_inflate(&stream, Z_NO_FLUSH);
		cond_resched();
	}

	if (ret != Z_STREAM_END || stream.next_out != out + out_len ||
	    stream.avail_in < GZIP_TRAILER)
		return damaged;

	if (get_unaligned_le32(stream.next_in) != ~crc32_le(~0, out, out_len))
		return damaged;

	return NULL;
}

static const char *decompress_gzip(const u8 *in, size_t in_len, u8 *out,
				   size_t out_len)
{
	size_t start = GZIP_HEADER;
	const char *reason;
	void *workspace;

	if (in_len < GZIP_HEADER || in[GZIP_FLAGS] & ~GZIP_HAS_NAME)
		return damaged;

	if (in[GZIP_FLAGS] & GZIP_HAS_NAME)
		start += strnlen(in + start, in_len - start) + 1;
	if (start > in_len)
		return damaged;

	workspace = kvmalloc(zlib_inflate_workspacesize(), GFP_KERNEL);
	if (!workspace)
		return no_memory;

	reason = gunzip_raw(in + start, in_len - start, out, out_len,
			    workspace);
	kvfree(workspace);

	return reason;
}

static const char *decompress_xz(const u8 *in, size_t in_len, u8 *out,
				 size_t out_len)
{
	struct xz_buf buf = {
		.in = in,
		.in_size = in_len,
		.out = out,
		.out_size = out_len,
	};
	struct xz_dec *xz = xz_dec_init(XZ_SINGLE, 0);
	enum xz_ret ret;

	if (!xz)
		return no_memory;

	ret = xz_dec_run(xz, &buf);
	xz_dec_end(xz);

	return ret == XZ_STREAM_END && buf.out_pos == out_len ? NULL : damaged;
}

static const char *decompress_zstd(const u8 *in, size_t in_len, u8 *out,
				   size_t out_len)
{
	const size_t size = zstd_dctx_workspace_bound();
	zstd_dctx *context;
	void *workspace;
	size_t ret;

	workspace = kvmalloc(size, GFP_KERNEL);
	context = workspace ? zstd_init_dctx(workspace, size) : NULL;
	if (!context) {
		kvfree(workspace);
		return no_memory;
	}

	/* What follows the frame must not be given to the decompressor. */
	ret = zstd_find_frame_compressed_size(in, in_len);
	if (!zstd_is_error(ret))
		ret = zstd_decompress_dctx(context, out, out_len, in, ret);
	kvfree(workspace);

	return ret == out_len ? NULL : damaged;
}

static const char *decompress_lz4(const u8 *in, size_t in_len, u8 *out,
				  size_t out_len)
{
	size_t size;
	int ret;

	/* The magic number is also between archives that were joined. */
	while (out_len) {
		if (in_len < sizeof(u32))
			return damaged;
		size = get_unaligned_le32(in);
		in += sizeof(u32);
		in_len -= sizeof(u32);
		if (size == LZ4_MAGIC)
			continue;

		if (size > in_len)
			return damaged;
		ret = LZ4_decompress_safe(in, out, size,
					  min_t(size_t, out_len, LZ4_BLOCK));
		if (ret <= 0)
			return damaged;
		in += size;
		in_len -= size;
		out += ret;
		out_len -= ret;
		cond_resched();
	}

	return NULL;
}

static const struct {
	const char *magic;
	size_t len;
	const char *(*decompress)(const u8 *in, size_t in_len, u8 *out,
				  size_t out_len);
} formats[] = {
	{ "\x1f\x8b\x08", 3, decompress_gzip },
	{ "\3757zXZ\0", 6, decompress_xz },
	{ "\x28\xb5\x2f\xfd", 4, decompress_zstd },
	{ "\x02\x21\x4c\x18", 4, decompress_lz4 },
};

/**
 * kho_decompress - decompress the payload of a kernel image
 * @in:      gzip, xz, zstd or the legacy format of LZ4; more may follow it
 * @in_len:  its length
 * @out:     filled
 * @out_len: the length of what @in decompresses to
 *
 * xz and zstd do not give the processor away before all is done.
 *
 * Context: kexec lock held, process context. A panic in the meantime starts the
 * crash kernel.
 * Return: NULL, or why @out does not have all of it, to follow a colon in a
 * message.
 */
const char *kho_decompress(const void *in, size_t in_len, void *out,
			   size_t out_len)
{
	const char *reason;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (in_len < formats[i].len ||
		    memcmp(in, formats[i].magic, formats[i].len))
			continue;

		kho_allow_crash();
		reason = formats[i].decompress(in, in_len, out, out_len);
		kho_disallow_crash();

		return reason;
	}

	return "it is compressed neither by gzip nor by xz, zstd or LZ4";
}
