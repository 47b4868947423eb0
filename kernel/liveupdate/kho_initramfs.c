// SPDX-License-Identifier: GPL-2.0
/*
 * Kexec handover (KHO): unpacks an initramfs.
 *
 * An initramfs is a row of archives, of which some are compressed: most often one
 * with microcode that is not, and the rest by gzip or zstd. What comes of it has the
 * same archives in the same order, and none is compressed. How long that becomes
 * nobody knows before it is done, so the output grows by pages.
 *
 * Copyright The Linux Live Update LTS authors
 */

#include <linux/align.h>
#include <linux/crc32.h>
#include <linux/gfp.h>
#include <linux/hex.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include <linux/zlib.h>
#include <linux/zstd.h>

#include "kho_internal.h"

static const char no_memory[] = "not enough memory to unpack it";
static const char no_room[] = "there is no room for it in scratch memory";
static const char damaged[] = "it is damaged";

/* The header of a file in an archive, and its fields of 8 digits. */
#define CPIO_HEADER	110
#define CPIO_FIELD(nr)	(6 + 8 * (nr))
#define CPIO_FILE_SIZE	CPIO_FIELD(6)
#define CPIO_NAME_SIZE	CPIO_FIELD(11)
#define CPIO_ALIGN	4
#define CPIO_TRAILER	"TRAILER!!!"

/* The header of gzip, and the checksum and length at the end. */
#define GZIP_HEADER	10
#define GZIP_TRAILER	8
#define GZIP_FLAGS	3
#define GZIP_HAS_NAME	BIT(3)

/* zstd looks back so far at the most. */
#define ZSTD_WINDOW	SZ_128M

/* What there is of the input. */
struct input {
	const u8 *at;
	size_t left;
};

struct output {
	struct page **pages;
	unsigned long nr;
	unsigned long max;
	size_t len;
};

static void skip(struct input *in, size_t len)
{
	in->at += len;
	in->left -= len;
}

/* Where the output goes on; there is a page for it. */
static const char *get_room(struct output *out, void **at, size_t *len)
{
	size_t used = out->len % PAGE_SIZE;

	if (out->len == out->nr * PAGE_SIZE) {
		if (out->nr == out->max)
			return no_room;
		/* It is not worth killing a process for. */
		out->pages[out->nr] = alloc_page(GFP_KERNEL | __GFP_NOWARN |
						 __GFP_RETRY_MAYFAIL);
		if (!out->pages[out->nr])
			return no_memory;
		out->nr++;
		cond_resched();
	}
	*at = page_address(out->pages[out->nr - 1]) + used;
	*len = PAGE_SIZE - used;

	return NULL;
}

static const char *copy(struct output *out, const void *from, size_t len)
{
	const char *reason;
	size_t room;
	void *to;

	for (; len; len -= room, from += room, out->len += room) {
		reason = get_room(out, &to, &room);
		if (reason)
			return reason;
		room = min(room, len);
		memcpy(to, from, room);
	}

	return NULL;
}

static const char *inflate(struct input *in, struct output *out,
			   struct z_stream_s *stream)
{
	int ret = zlib_inflateInit2(stream, -MAX_WBITS);
	size_t start = out->len, room;
	u32 crc = ~0;
	void *to;

	while (ret == Z_OK) {
		const char *reason = get_room(out, &to, &room);

		if (reason)
			return reason;
		stream->next_out = to;
		stream->avail_out = room;
		ret = zlib_inflate(stream, Z_NO_FLUSH);
		room -= stream->avail_out;
		crc = crc32_le(crc, to, room);
		out->len += room;
	}
	skip(in, in->left - stream->avail_in);

	if (ret != Z_STREAM_END || in->left < GZIP_TRAILER ||
	    get_unaligned_le32(in->at) != ~crc ||
	    get_unaligned_le32(in->at + 4) != (u32)(out->len - start))
		return damaged;
	skip(in, GZIP_TRAILER);

	return NULL;
}

static const char *gunzip(struct input *in, struct output *out)
{
	struct z_stream_s stream = {};
	size_t start = GZIP_HEADER;
	const char *reason;

	if (in->left < GZIP_HEADER || in->at[GZIP_FLAGS] & ~GZIP_HAS_NAME)
		return damaged;
	if (in->at[GZIP_FLAGS] & GZIP_HAS_NAME)
		start += strnlen(in->at + start, in->left - start) + 1;
	if (start > in->left)
		return damaged;
	skip(in, start);

	stream.workspace = kvmalloc(zlib_inflate_workspacesize(), GFP_KERNEL);
	if (!stream.workspace)
		return no_memory;
	stream.next_in = in->at;
	stream.avail_in = in->left;
	reason = inflate(in, out, &stream);
	kvfree(stream.workspace);

	return reason;
}

static const char *decompress_frame(struct input *in, struct output *out,
				    zstd_dstream *stream)
{
	zstd_in_buffer from = { .src = in->at, .size = in->left };
	zstd_out_buffer to;
	const char *reason;
	size_t ret, room, done;

	do {
		reason = get_room(out, &to.dst, &room);
		if (reason)
			return reason;
		to.size = room;
		to.pos = 0;
		done = from.pos;
		ret = zstd_decompress_stream(stream, &to, &from);
		out->len += to.pos;
		if (zstd_is_error(ret) || (ret && !to.pos && from.pos == done))
			return damaged;
	} while (ret);
	skip(in, from.pos);

	return NULL;
}

static const char *unzstd(struct input *in, struct output *out)
{
	zstd_frame_header header;
	zstd_dstream *stream;
	const char *reason;
	void *workspace;
	size_t size;

	if (zstd_get_frame_header(&header, in->at, in->left))
		return damaged;
	if (header.windowSize > ZSTD_WINDOW)
		return no_memory;

	size = zstd_dstream_workspace_bound(header.windowSize);
	workspace = kvmalloc(size, GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	stream = workspace ? zstd_init_dstream(header.windowSize, workspace,
					       size) : NULL;
	reason = stream ? decompress_frame(in, out, stream) : no_memory;
	kvfree(workspace);

	return reason;
}

static u32 cpio_field(const u8 *header, unsigned int offset)
{
	u8 bytes[4];

	return hex2bin(bytes, header + offset, sizeof(bytes)) ? U32_MAX :
						get_unaligned_be32(bytes);
}

/* The length of an archive that is not compressed; 0 if it is none. */
static size_t cpio_len(const struct input *in)
{
	const u8 *header;
	size_t at = 0;
	u64 name, next;

	while (at < in->left && in->left - at > CPIO_HEADER) {
		header = in->at + at;
		if (memcmp(header, "070701", 6) && memcmp(header, "070702", 6))
			return 0;
		name = cpio_field(header, CPIO_NAME_SIZE);
		next = at + ALIGN(CPIO_HEADER + name, CPIO_ALIGN);
		if (next > in->left)
			return 0;
		if (name == sizeof(CPIO_TRAILER) &&
		    !memcmp(header + CPIO_HEADER, CPIO_TRAILER, name))
			return next;
		at = next + ALIGN((u64)cpio_field(header, CPIO_FILE_SIZE),
				  CPIO_ALIGN);
	}

	return 0;
}

static void skip_zeroes(struct input *in)
{
	const u8 *end = memchr_inv(in->at, 0, in->left);

	skip(in, end ? end - in->at : in->left);
}

/* The length of what is not compressed: archives, and zeroes between them. */
static size_t plain_len(const struct input *in)
{
	struct input rest = *in;
	size_t len;

	do {
		skip_zeroes(&rest);
		len = IS_ALIGNED(rest.at - in->at, CPIO_ALIGN) ?
		      cpio_len(&rest) : 0;
		skip(&rest, len);
	} while (len);

	return in->left - rest.left;
}

/* An archive is found only where this is so. */
static const char *align(struct output *out)
{
	static const u8 zeroes[CPIO_ALIGN];

	return copy(out, zeroes, -out->len % CPIO_ALIGN);
}

static const char *unpack_next(struct input *in, struct output *out)
{
	const char *reason = align(out);
	size_t len;

	if (reason)
		return reason;
	if (in->left > 3 && !memcmp(in->at, "\x1f\x8b\x08", 3))
		reason = gunzip(in, out);
	else if (in->left > 4 && !memcmp(in->at, "\x28\xb5\x2f\xfd", 4))
		reason = unzstd(in, out);
	else
		return "a part of it is compressed neither by gzip nor by zstd";
	if (reason)
		return reason;

	skip_zeroes(in);
	reason = align(out);
	if (reason)
		return reason;
	len = plain_len(in);
	reason = copy(out, in->at, len);
	skip(in, len);

	return reason;
}

static const char *unpack_all(struct input *in, struct output *out)
{
	size_t len = plain_len(in);
	const char *reason;

	/* What is read before there is a decompressor stays where it is. */
	reason = copy(out, in->at, len);
	skip(in, len);
	while (!reason && in->left)
		reason = unpack_next(in, out);

	return reason;
}

static void free_output(struct output *out)
{
	while (out->nr)
		__free_page(out->pages[--out->nr]);
	kvfree(out->pages);
}

/**
 * kho_unpack_initramfs - unpack an initramfs
 * @from:    it
 * @len:     its length
 * @max_len: how long it may become
 * @to:      set to what to give to vfree(), or to NULL if nothing is compressed
 * @to_len:  set to its length
 *
 * Context: kexec lock held, process context. A panic in the meantime starts the
 * crash kernel.
 * Return: NULL, or why it stays as it is, to follow a colon in a message.
 */
const char *kho_unpack_initramfs(const void *from, size_t len, size_t max_len,
				 void **to, size_t *to_len)
{
	struct output out = { .max = max_len / PAGE_SIZE };
	struct input in = { .at = from, .left = len };
	const char *reason;

	*to = NULL;
	if (plain_len(&in) == len)
		return NULL;
	out.pages = kvmalloc_array(out.max, sizeof(*out.pages), GFP_KERNEL);
	if (!out.pages)
		return no_memory;

	kho_allow_crash();
	reason = unpack_all(&in, &out);
	kho_disallow_crash();
	if (!reason) {
		*to_len = out.len;
		*to = vmap(out.pages, out.nr, VM_MAP | VM_MAP_PUT_PAGES,
			   PAGE_KERNEL);
		reason = *to ? NULL : no_memory;
	}
	if (reason)
		free_output(&out);

	return reason;
}
