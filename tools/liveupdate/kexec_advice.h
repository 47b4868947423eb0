/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What to do about a kernel that cannot be loaded.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_KEXEC_ADVICE_H
#define _LUKEEP_KEXEC_ADVICE_H

/**
 * enum kexec_step - what can go wrong when a kernel is loaded
 * @KEXEC_OPEN_KERNEL: its image is opened
 * @KEXEC_UNPACK:      the image is unpacked
 * @KEXEC_OPEN_INITRD: its initramfs is opened
 * @KEXEC_LOAD:	       this kernel loads it
 */
enum kexec_step {
	KEXEC_OPEN_KERNEL,
	KEXEC_UNPACK,
	KEXEC_OPEN_INITRD,
	KEXEC_LOAD,
};

/**
 * struct kexec_result - how far it came
 * @step: the last step
 * @err:  an errno, or 0 when that succeeded
 */
struct kexec_result {
	enum kexec_step step;
	int err;
};

const char *kexec_advice(const struct kexec_result *result);

#endif /* _LUKEEP_KEXEC_ADVICE_H */
