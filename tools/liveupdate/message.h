/* SPDX-License-Identifier: GPL-2.0 */
/* Messages of all programs here. Copyright The Linux Live Update LTS authors */
#ifndef _LUKEEP_MESSAGE_H
#define _LUKEEP_MESSAGE_H

#include <stdbool.h>

#include <systemd/sd-daemon.h>

/* An event that monitoring may look for, by MESSAGE_ID= in the journal. */
#define MESSAGE_RESUMED		"6f0c38a5d8a14a9ab2c0e3d8a8b4f2a1"
#define MESSAGE_LOST		"a7d3f6b0c1e94b6f9d5f7b3a1c2e8d40"
#define MESSAGE_UPDATE_FAILED	"c4b9e2d7f3a84e158c6d0a9b7e1f5c32"

void message_open(const char *name);
void message_forward(void (*forward)(const char *text));
bool message_to_journal(void);

_sd_printf_(1, 2) void pr_info(const char *fmt, ...);
_sd_printf_(1, 2) void pr_warn(const char *fmt, ...);
_sd_printf_(1, 2) void pr_err(const char *fmt, ...);
_sd_printf_(2, 3) void pr_event(const char *id, const char *fmt, ...);

const char *message_last_error(void);
void message_forget_error(void);
void message_tell_systemd(void);
void message_repeat(const char *text);
const char *message_shown(const char *text);

#endif /* _LUKEEP_MESSAGE_H */
