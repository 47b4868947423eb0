/* SPDX-License-Identifier: GPL-2.0 */
/* Who has loaded the next kernel. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_LOADED_H
#define _LUKEEP_LOADED_H

#include <stdbool.h>

void loaded_begin(const char *run_dir);
void loaded_done(bool loaded);
void loaded_end(void);
void loaded_forget(const char *run_dir);

#endif /* _LUKEEP_LOADED_H */
