/* SPDX-License-Identifier: GPL-2.0 */
/* Units of systemd. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_UNITS_H
#define _LUKEEP_UNITS_H

int units_want(const char *name);
int units_start(void);
int units_generate(const char *conf_dir, const char *unit_dir);

#endif /* _LUKEEP_UNITS_H */
