/* SPDX-License-Identifier: GPL-2.0 */
/* Containers in networks of podman. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_PODMAN_NET_H
#define _LUKEEP_PODMAN_NET_H

#include "images.h"
#include "podman.h"

int podman_net_begin(const struct folder *f, const struct container *c);
int podman_net_save(const struct folder *f, const struct container *c);
void podman_net_load(const struct folder *f);

#endif /* _LUKEEP_PODMAN_NET_H */
