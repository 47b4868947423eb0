/* SPDX-License-Identifier: GPL-2.0 */
/* Images that a CRIU that is feigned streams. Copyright The Linux Live Update LTS authors */
#ifndef _FAKE_CRIU_H
#define _FAKE_CRIU_H

void stream_open(const char *images, const char *socket_name);
void stream_out(const char *dir, const char *name);
int stream_in(const char *dir, const char *name);

#endif /* _FAKE_CRIU_H */
