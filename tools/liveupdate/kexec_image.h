/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that are loaded, in the form that kexec_file_load(2) takes.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_KEXEC_IMAGE_H
#define _LUKEEP_KEXEC_IMAGE_H

#include "kexec_advice.h"

int kexec_image_open(const char *kernel, struct kexec_result *result);
int kexec_initrd_open(const char *initrd, struct kexec_result *result);

#endif /* _LUKEEP_KEXEC_IMAGE_H */
