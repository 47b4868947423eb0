/* SPDX-License-Identifier: GPL-2.0 */
/* Who has loaded the next kernel. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_LOADED_H
#define _LUKEEP_LOADED_H

void loaded_begin(const char *run_dir);
void loaded_not(const char *run_dir);
void loaded_end(const char *run_dir);
void loaded_forget(const char *run_dir);

#endif /* _LUKEEP_LOADED_H */
