// SPDX-License-Identifier: GPL-2.0
/*
 * What a virtual machine does while its host is updated, and how it would notice:
 *
 *	vmload ADDRESS PORT MIB
 *
 * Its clock ticks. A peer, to which it connects once, numbers the lines that it
 * gets, and sends them back. Memory is filled over and over, and has the checksums
 * that it was filled with. Each tick is a line that tells how far all that has
 * come, or what went wrong.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK		(250 * 1000)	/* microseconds */
#define PAUSE		(100 * 1000)	/* of the peer and between fillings */
#define PAGE		4096
#define WORDS		(PAGE / sizeof(unsigned long))

/* What the processes tell the clock. */
static volatile struct {
	unsigned long answers;
	unsigned long fillings;
	char wrong[160];
} *told;

__attribute__((format(printf, 1, 2)))
static void wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf((char *)told->wrong, sizeof(told->wrong), fmt, ap);
	va_end(ap);
}

#define went_wrong(...) do { wrong(__VA_ARGS__); exit(EXIT_FAILURE); } while (0)

static unsigned long checksum(const unsigned long *page)
{
	unsigned long sum = 14695981039346656037UL;
	size_t i;

	for (i = 0; i < WORDS; i++)
		sum = (sum ^ page[i]) * 1099511628211UL;
	return sum;
}

static void fill(unsigned long *page, unsigned long seed)
{
	size_t i;

	for (i = 0; i < WORDS; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		page[i] = seed;
	}
}

static void hog(size_t mib)
{
	size_t pages = mib * 1024 * 1024 / PAGE, i;
	unsigned long *sum = calloc(pages, sizeof(*sum));
	char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long *page;

	if (!sum || memory == MAP_FAILED)
		went_wrong("no memory: %s", strerror(errno));
	for (;; told->fillings++, usleep(PAUSE)) {
		for (i = 0; i < pages; i++) {
			page = (unsigned long *)(memory + i * PAGE);
			if (told->fillings && checksum(page) != sum[i])
				went_wrong("page %zu of memory has changed", i);
			fill(page, (told->fillings + 1) * pages + i);
			sum[i] = checksum(page);
		}
	}
}

/* Many do not answer at once: their host's network is not up yet. */
static FILE *connect_to(const char *address, const char *port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
		.sin_addr.s_addr = inet_addr(address),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	FILE *peer;

	while (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		if (errno != EHOSTUNREACH && errno != ETIMEDOUT)
			went_wrong("cannot connect to %s: %s", address, strerror(errno));
	}
	peer = fdopen(fd, "r+");
	if (!peer)
		went_wrong("no memory: %s", strerror(errno));
	return peer;
}

static void talk(const char *address, const char *port)
{
	FILE *peer = connect_to(address, port);
	char line[80], expected[80];
	unsigned long n;

	for (n = 1;; n++, usleep(PAUSE)) {
		fprintf(peer, "line %lu\n", n);
		fflush(peer);
		errno = 0;
		if (!fgets(line, sizeof(line), peer))
			went_wrong("the connection broke: %s", strerror(errno));
		snprintf(expected, sizeof(expected), "%lu:line %lu\n", n, n);
		if (strcmp(line, expected))
			went_wrong("the peer answered %s, not %s", line, expected);
		told->answers = n;
	}
}

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void tick(void)
{
	double mono = 0, real = 0, m, r;
	unsigned long n;

	for (n = 1;; n++, usleep(TICK)) {
		m = now(CLOCK_MONOTONIC);
		r = now(CLOCK_REALTIME);
		if (m <= mono || r <= real)
			wrong("a clock went back, from %f to %f and from %f to %f",
			      mono, m, real, r);
		mono = m;
		real = r;
		if (*told->wrong)
			printf("FAILED: %s\n", told->wrong);
		else
			printf("tick %lu at %.2f s: %lu answers, memory checked %lu times\n",
			       n, m, told->answers, told->fillings);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: vmload ADDRESS PORT MIB\n");
		return 2;
	}
	setlinebuf(stdout);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		return EXIT_FAILURE;
	if (!fork())
		hog(atol(argv[3]));
	if (!fork())
		talk(argv[1], argv[2]);
	tick();
}
