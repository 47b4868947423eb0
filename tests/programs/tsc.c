// SPDX-License-Identifier: GPL-2.0
/*
 * Has the kernel log what the time stamp counter is at. That goes on over a kexec,
 * and so the times of two kernels' messages can be compared.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <inttypes.h>
#include <stdio.h>
#include <x86intrin.h>

int main(void)
{
	FILE *kmsg = fopen("/dev/kmsg", "w");

	if (!kmsg || fprintf(kmsg, "tsc %" PRIu64 "\n", (uint64_t)__rdtsc()) < 0 ||
	    fclose(kmsg)) {
		perror("/dev/kmsg");
		return 1;
	}
	return 0;
}
