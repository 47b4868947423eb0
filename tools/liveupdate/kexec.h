/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The next kernel: loading it, and entering it.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_KEXEC_H
#define _LUKEEP_KEXEC_H

#include <stdbool.h>

#include <systemd/sd-event.h>

/* More than the largest image takes on a slow disk. */
#define KEXEC_LOAD_SECONDS	120

/**
 * struct next_kernel - what kexec loads
 * @kernel:  image of the next kernel
 * @initrd:  its initramfs, or NULL
 * @cmdline: its command line
 */
struct next_kernel {
	char *kernel;
	char *initrd;
	char *cmdline;
};

/* Told once whether it has succeeded; why not has been said. */
typedef void (*kexec_done_t)(void *user, bool ok);

int kexec_load(sd_event *event, const struct next_kernel *next, int seconds,
	       kexec_done_t done, void *user);
bool kexec_load_cancel(kexec_done_t gone, void *user);
void next_kernel_free(struct next_kernel *next);
bool kexec_is_loaded(void);
void kexec_unload(void);
int kexec_jump(sd_event *event, bool now, kexec_done_t done, void *user);

#endif /* _LUKEEP_KEXEC_H */
