/* SPDX-License-Identifier: GPL-2.0 */
/* Keepers that began in the initramfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_ADOPTION_H
#define _LUKEEP_ADOPTION_H

#include <stdbool.h>
#include <sys/types.h>

void adoption_expect(const char *name, const char *run_dir);
bool adoption_is_expected(const char *name, const char *run_dir);
void adoption_forget(const char *name, const char *run_dir);
void adoption_by_agent(const char *name, const char *run_dir);
pid_t adoption_by_unit(const char *name, const char *run_dir);

#endif /* _LUKEEP_ADOPTION_H */
