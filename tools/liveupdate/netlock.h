/* SPDX-License-Identifier: GPL-2.0 */
/* What has peers wait for a service. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_NETLOCK_H
#define _LUKEEP_NETLOCK_H

#include <sys/types.h>

/* Room for a list of tables */
#define NETLOCK_TABLES	16384

#define NETLOCK_NO_BRIDGE \
	"connections between containers of one network may be reset: has the kernel CONFIG_NF_TABLES_BRIDGE?"

int netlock_tables(char tables[NETLOCK_TABLES]);
int netlock_begin(const char *name, pid_t first);
int netlock_add(const char *name, const char *rules);
int netlock_add_bridge(const char *name, const char *rules);
int netlock_save(const char *name, pid_t first, int dir, const char *dump);
int netlock_load(const char *name);
int netlock_load_all(void);
void netlock_forget_criu(const char *before);
void netlock_end(const char *name);

#endif /* _LUKEEP_NETLOCK_H */
