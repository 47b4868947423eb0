/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of live update in lib/ share.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LIB_TEST_LIVEUPDATE_H
#define _LIB_TEST_LIVEUPDATE_H

#include <linux/bits.h>
#include <linux/types.h>

#define LUO_TEST_NR_FLBS	3

/* What the last FLB can be told. */
#define LUO_TEST_FLB_FAIL_PRESERVE	BIT(0)
#define LUO_TEST_FLB_SLEEP_PRESERVE	BIT(1)
#define LUO_TEST_FLB_FAIL_RETRIEVE	BIT(2)
#define LUO_TEST_FLB_SLEEP_FINISH	BIT(3)

void luo_test_sleep(const char *where);

void luo_test_flb_set(u32 flags);
void luo_test_flb_check_outgoing(void);
int luo_test_flb_check_incoming(void);

#endif /* _LIB_TEST_LIVEUPDATE_H */
