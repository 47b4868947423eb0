/* SPDX-License-Identifier: GPL-2.0 */
/* A service's tmpfs before it starts. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_TMPFS_ARRIVE_H
#define _LUKEEP_TMPFS_ARRIVE_H

/**
 * enum tmpfs_arrival - what a service has its files on
 * @TMPFS_NEW:	 a tmpfs that is new and empty, or none, as it is declared
 * @TMPFS_THERE: one that came in, or that is from before in this kernel
 * @TMPFS_WAITS: it came in, and cannot be had now
 * @TMPFS_FAILS: it did not come in, and a new one cannot be mounted
 */
enum tmpfs_arrival {
	TMPFS_NEW,
	TMPFS_THERE,
	TMPFS_WAITS,
	TMPFS_FAILS,
};

enum tmpfs_arrival tmpfs_arrive(const char *name, const char *conf_dir,
				const char *run_dir, int *session);

#endif /* _LUKEEP_TMPFS_ARRIVE_H */
