/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the image of a kernel says that the kernel takes over.
 *
 * Not part of what other kernels know: the notes of their images are others.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_IMAGE_H
#define _LINUX_KHO_ABI_IMAGE_H

#include <linux/elfnote.h>

/* Name and type of the ELF notes. */
#define KHO_NOTE_NAME		"KHO"
#define KHO_NOTE_TAKES		1

/* Longest compatible string, with its NUL. */
#define KHO_TAKES_LENGTH	48

#ifdef CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT
#define KHO_TAKES_PARAMS	"kho=on liveupdate=off"
#else
#define KHO_TAKES_PARAMS	"kho=off liveupdate=off"
#endif

/**
 * KHO_TAKES() - say in the image of this kernel what it takes over
 * @compatible: string literal, names the format
 * @params:     string literal; the parameters that can switch it off on the command
 *              line, at most eight, each as PARAMETER=on or PARAMETER=off, which is
 *              its default. KHO_TAKES_PARAMS are among them, which are read by
 *              kstrtobool(). Of the values of others the words "on" and "off" count,
 *              and "off" cannot be taken back where "on" is the default
 *
 * For state that must not be handed to a kernel that does not know it, see
 * &struct liveupdate_flb.required. The note has the two strings, each with its NUL.
 * At most one in a line of a file.
 */
#define KHO_TAKES(compatible, params) \
	ELFNOTE32(KHO_NOTE_NAME, KHO_NOTE_TAKES, compatible "\0" params)

#endif /* _LINUX_KHO_ABI_IMAGE_H */
