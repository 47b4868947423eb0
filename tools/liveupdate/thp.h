/* SPDX-License-Identifier: GPL-2.0 */
/* Transparent huge pages. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_THP_H
#define _LUKEEP_THP_H

#include <stdbool.h>

#include <linux/types.h>

#define THP_WHY		256

__u64 thp_page_size(void);
bool thp_lack(__u64 size, char why[THP_WHY]);
int thp_fill(int fd, __u64 size);

#endif /* _LUKEEP_THP_H */
