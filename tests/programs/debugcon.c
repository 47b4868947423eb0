// SPDX-License-Identifier: GPL-2.0
/*
 * debugcon TEXT: writes a line to QEMU's debug console, behind which a test may have put QEMU's monitor.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <err.h>
#include <sys/io.h>

#define PORT	0xe9

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(1, "usage: debugcon TEXT");
	if (ioperm(PORT, 1, 1))
		err(1, "ioperm");
	for (const char *c = argv[1]; *c; c++)
		outb(*c, PORT);
	outb('\n', PORT);
	return 0;
}
