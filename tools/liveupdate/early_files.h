/* SPDX-License-Identifier: GPL-2.0 */
/* Files of services in the initramfs. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_EARLY_FILES_H
#define _LUKEEP_EARLY_FILES_H

#include <stdbool.h>

#include "declaration.h"

void early_files(const struct service *svc,
		 void (*found)(void *user, const char *path), void *user);
bool early_files_are_newer(const struct service *svc, const char *file,
			   const char *initrd);
int early_files_print(const char *conf_dir);

#endif /* _LUKEEP_EARLY_FILES_H */
