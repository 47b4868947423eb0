// SPDX-License-Identifier: GPL-2.0
/*
 * What to do about a kernel that cannot be loaded.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <errno.h>

#include "kexec_advice.h"

#define NOT_FOUND "is its package installed?"
#define NO_IMAGE "it is no image of a kernel for this machine: give its vmlinuz"
#define MEMORY "free some memory and try again"
#define NO_ROOM "it does not fit into scratch memory: boot cold with a larger kho_scratch=: KHO's message above has the size, and dmesg"
#define NOT_PERMITTED "run lukeep as root; root is refused while the sysctl kernel.kexec_load_disabled is 1, until a reboot, and when this kernel is locked down and does not trust the image"
#define SIGNATURE "this kernel wants a signature that it trusts: give an image that is signed so"

/**
 * struct advice - what to do about an error
 * @err:  errno, 0 for all that are not in the table
 * @text: the advice
 */
struct advice {
	int err;
	const char *text;
};

static const struct advice of_files[] = {
	{ ENOENT, NOT_FOUND },
	{ ENOTDIR, NOT_FOUND },
	{ EISDIR, "give a file in it" },
	{ EINVAL, "it is no regular file: give one" },
	{ ENODATA, "the file is empty: install its package again" },
	{ EACCES, "run lukeep as root" },
	{ ELOOP, "it is a link to itself: give the file" },
	{ 0, "dmesg may say more" },
};

static const struct advice of_unpacking[] = {
	{ EBADMSG, "what is compressed in it is damaged: install its package again" },
	{ EPROTONOSUPPORT, "lukeep can unpack gzip only: unpack it yourself, and give the result" },
	{ EFBIG, "it is larger than any kernel: give the vmlinuz" },
	{ ENOMEM, MEMORY },
	{ ENOSPC, MEMORY },
	{ 0, "dmesg may say more" },
};

static const struct advice of_loading[] = {
	{ ENOEXEC, NO_IMAGE },
	{ EINVAL, NO_IMAGE },	/* on arm64 */
	{ EPERM, NOT_PERMITTED },
	{ ENODATA, SIGNATURE },
	{ ENOKEY, SIGNATURE },
	{ ENOPKG, SIGNATURE },
	{ EBADMSG, SIGNATURE },
	{ ELIBBAD, SIGNATURE },
	{ EKEYREJECTED, SIGNATURE },
	{ EKEYEXPIRED, SIGNATURE },
	{ EKEYREVOKED, SIGNATURE },
	{ EACCES, "IMA refuses it: sign it as IMA's policy wants" },
	{ EADDRNOTAVAIL, NO_ROOM },
	{ ENOMEM, MEMORY },
	{ E2BIG, "the command line is too long: give fewer words" },
	{ EFBIG, "kernel or initramfs are larger than kexec takes: give smaller ones" },
	{ ETXTBSY, "kernel or initramfs are just being written: try again later" },
	{ EBUSY, "another kernel is just being loaded: try again later" },
	{ EHWPOISON, "the memory for it has an error: try again" },
	{ EIO, "the disk may have an error: dmesg says more" },
	{ 0, "dmesg may say more" },
};

/* What can be done about an error, as the end of a message. */
const char *kexec_advice(const struct kexec_result *result)
{
	const struct advice *advice = of_files;

	if (result->step == KEXEC_UNPACK)
		advice = of_unpacking;
	else if (result->step == KEXEC_LOAD)
		advice = of_loading;
	while (advice->err && advice->err != result->err)
		advice++;
	return advice->text;
}
