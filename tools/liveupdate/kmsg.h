/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel logs while it does something for us, and what we log there.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_KMSG_H
#define _LUKEEP_KMSG_H

int kmsg_open(void);
void kmsg_report(int fd);
void kmsg_take_output(void);

#endif /* _LUKEEP_KMSG_H */
