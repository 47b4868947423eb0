// SPDX-License-Identifier: GPL-2.0
/*
 * Fills a memcached with items that can be computed again, and reads them back.
 *
 *	mcload fill SOCKET ITEMS	store them; fails if one is refused
 *	mcload check SOCKET ITEMS	read all, compare key, flags and value
 *
 * SOCKET is memcached's Unix socket. The last line of the output is a summary,
 * "mcload: stored N/N" or "mcload: found N/N, M different".
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/types.h>

#define VALUE_MIN	64
#define VALUE_SPAN	640	/* lengths from 64 to 703 bytes */
#define BATCH		100
#define ITEM_MAX	(VALUE_MIN + VALUE_SPAN + 128)
#define BUF_SIZE	(BATCH * ITEM_MAX)
#define CONNECT_TRIES	3000
#define CONNECT_PAUSE_MS 20

struct item {
	__u64 seed;
	char key[48];
	size_t key_len;
	__u32 flags;
	size_t len;
	/* The generator writes whole words. */
	__u64 value[(VALUE_MIN + VALUE_SPAN) / 8 + 1];
};

static int sock = -1;
static char in[BUF_SIZE];
static size_t in_start, in_end;

static void die(const char *what)
{
	fprintf(stderr, "mcload: %s\n", what);
	exit(1);
}

/* The step of splitmix64: one multiplication chain, no state but the counter. */
static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* printf() is most of the work under emulation, where instructions are dear. */
static char *put_hex(char *p, __u64 value, int digits)
{
	while (digits--)
		*p++ = "0123456789abcdef"[(value >> digits * 4) & 15];
	return p;
}

/* The key of item number @i, of 15 to 30 bytes. */
static void make_key(struct item *item, unsigned long i)
{
	char *p = item->key;

	item->seed = mix(i);
	memcpy(p, "item-", 5);
	p = put_hex(p + 5, item->seed, 1 + item->seed % 16);
	*p++ = '-';
	p = put_hex(p, i, 8);
	*p = '\0';
	item->key_len = p - item->key;
}

/* Flags and value of an item that has its key. */
static void make_value(struct item *item)
{
	__u64 x = item->seed;
	size_t word;

	item->flags = x >> 32;
	item->len = VALUE_MIN + (x >> 8) % VALUE_SPAN;
	for (word = 0; word * 8 < item->len; word++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		item->value[word] = x;
	}
}

/* A service that was just started may not listen yet. */
static void connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int try;

	if (strlen(path) >= sizeof(addr.sun_path))
		die("the path of the socket is too long");
	memcpy(addr.sun_path, path, strlen(path) + 1);
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	for (try = 0; try < CONNECT_TRIES; try++) {
		if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
			puts("mcload: memcached answers");
			fflush(stdout);
			return;
		}
		poll(NULL, 0, CONNECT_PAUSE_MS);
	}
	perror(path);
	die("cannot connect to memcached");
}

static void send_all(const char *buf, size_t len)
{
	ssize_t n;

	while (len) {
		n = send(sock, buf, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("memcached closed the connection");
		buf += n;
		len -= n;
	}
}

/* Have at least @len bytes in the buffer. */
static void fill_buffer(size_t len)
{
	ssize_t n;

	if (in_start + len > sizeof(in)) {
		memmove(in, in + in_start, in_end - in_start);
		in_end -= in_start;
		in_start = 0;
	}
	while (in_end - in_start < len) {
		n = recv(sock, in + in_end, sizeof(in) - in_end, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("memcached closed the connection");
		in_end += n;
	}
}

/* A line of the answer, without its end. */
static char *read_line(void)
{
	char *line, *end;

	for (;;) {
		end = memchr(in + in_start, '\n', in_end - in_start);
		if (end)
			break;
		fill_buffer(in_end - in_start + 1);
	}
	line = in + in_start;
	in_start = end + 1 - in;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return line;
}

static char *read_bytes(size_t len)
{
	fill_buffer(len);
	in_start += len;
	return in + in_start - len;
}

/* Quiet meta sets: memcached answers failures, and the "mn" at the end. */
static void send_sets(unsigned long from, unsigned long to)
{
	static char out[BUF_SIZE];
	struct item item;
	size_t len = 0;

	for (; from < to; from++) {
		make_key(&item, from);
		make_value(&item);
		len += sprintf(out + len, "ms %s %zu F%u T%d q\r\n", item.key,
			       item.len, item.flags, from % 10 ? 0 : 86400);
		memcpy(out + len, item.value, item.len);
		len += item.len;
		len += sprintf(out + len, "\r\n");
	}
	len += sprintf(out + len, "mn\r\n");
	send_all(out, len);
}

static unsigned long read_sets(void)
{
	unsigned long refused = 0;
	char *line;

	while (strcmp(line = read_line(), "MN")) {
		if (!refused++)
			fprintf(stderr, "mcload: memcached: %s\n", line);
	}
	return refused;
}

static void send_gets(unsigned long from, unsigned long to)
{
	static char out[BATCH * sizeof(((struct item *)0)->key) + 16];
	struct item item;
	char *p = out;

	p = mempcpy(p, "get", 3);
	for (; from < to; from++) {
		make_key(&item, from);
		*p++ = ' ';
		p = mempcpy(p, item.key, item.key_len);
	}
	p = mempcpy(p, "\r\n", 2);
	send_all(out, p - out);
}

/* Is @line the head of the answer for @item? */
static bool is_head_of(const char *line, const struct item *item)
{
	return !strncmp(line, "VALUE ", 6) &&
	       !strncmp(line + 6, item->key, item->key_len) &&
	       line[6 + item->key_len] == ' ';
}

/* The answer holds the items that are there, in the order asked for. */
static void read_gets(unsigned long from, unsigned long to,
		      unsigned long *found, unsigned long *different)
{
	struct item item;
	__u32 flags;
	char *line;
	size_t len;
	bool same;

	while (strcmp(line = read_line(), "END")) {
		do {
			if (from == to) {
				fprintf(stderr, "mcload: memcached: %s\n", line);
				die("not an answer to what was asked");
			}
			make_key(&item, from++);
		} while (!is_head_of(line, &item));

		make_value(&item);
		line += 6 + item.key_len;
		flags = strtoul(line, &line, 10);
		len = strtoul(line, NULL, 10);
		if (len > VALUE_MIN + VALUE_SPAN)
			die("a value longer than any that was stored");
		same = flags == item.flags && len == item.len;
		line = read_bytes(len + 2);
		if (same && !memcmp(line, item.value, len))
			(*found)++;
		else
			(*different)++;
	}
}

static unsigned long min(unsigned long a, unsigned long b)
{
	return a < b ? a : b;
}

static int fill(unsigned long items)
{
	unsigned long i, refused = 0;

	/* One batch ahead, so that both sides have work. */
	send_sets(0, min(BATCH, items));
	for (i = 0; i < items; i += BATCH) {
		if (i + BATCH < items)
			send_sets(i + BATCH, min(i + 2 * BATCH, items));
		refused += read_sets();
	}
	printf("mcload: stored %lu/%lu\n", items - refused, items);
	return refused ? 1 : 0;
}

static int check(unsigned long items)
{
	unsigned long i, found = 0, different = 0;

	send_gets(0, min(BATCH, items));
	for (i = 0; i < items; i += BATCH) {
		if (i + BATCH < items)
			send_gets(i + BATCH, min(i + 2 * BATCH, items));
		read_gets(i, min(i + BATCH, items), &found, &different);
	}
	printf("mcload: found %lu/%lu, %lu different\n", found, items,
	       different);
	return found == items ? 0 : 1;
}

int main(int argc, char **argv)
{
	unsigned long items = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

	if (!items || (strcmp(argv[1], "fill") && strcmp(argv[1], "check"))) {
		fprintf(stderr, "Usage: mcload fill|check SOCKET ITEMS\n");
		return 2;
	}
	connect_to(argv[2]);
	return strcmp(argv[1], "fill") ? check(items) : fill(items);
}
