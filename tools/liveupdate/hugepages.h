/* SPDX-License-Identifier: GPL-2.0 */
/* Huge pages of hugetlbfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_HUGEPAGES_H
#define _LUKEEP_HUGEPAGES_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define HUGEPAGES_WHY	512

__u64 hugepages_of(int fd);
unsigned int hugepages_flags(__u64 page);
bool hugepages_lack(__u64 page, __u64 size, bool used_too,
		    char why[HUGEPAGES_WHY]);

#endif /* _LUKEEP_HUGEPAGES_H */
