/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live update orchestrator (LUO): trace events.
 *
 * Names that userspace or another kernel chose stand last in what is printed:
 * they may contain spaces.
 *
 * Copyright The Linux Live Update LTS authors
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM liveupdate

#if !defined(_TRACE_LIVEUPDATE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_LIVEUPDATE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

DECLARE_EVENT_CLASS(luo_session,

	TP_PROTO(const char *session, u64 nr_files, int err),

	TP_ARGS(session, nr_files, err),

	TP_STRUCT__entry(
		__string(session, session)
		__field(u64, nr_files)
		__field(int, err)
	),

	TP_fast_assign(
		__assign_str(session);
		__entry->nr_files = nr_files;
		__entry->err = err;
	),

	TP_printk("nr_files=%llu err=%d session=%s",
		  __entry->nr_files, __entry->err, __get_str(session))
);

DEFINE_EVENT(luo_session, luo_session_create,
	     TP_PROTO(const char *session, u64 nr_files, int err),
	     TP_ARGS(session, nr_files, err));

/* An outgoing session is closed, its files are unpreserved. */
DEFINE_EVENT(luo_session, luo_session_unpreserve,
	     TP_PROTO(const char *session, u64 nr_files, int err),
	     TP_ARGS(session, nr_files, err));

/* A session from the previous kernel has been read. */
DEFINE_EVENT(luo_session, luo_session_receive,
	     TP_PROTO(const char *session, u64 nr_files, int err),
	     TP_ARGS(session, nr_files, err));

DEFINE_EVENT(luo_session, luo_session_retrieve,
	     TP_PROTO(const char *session, u64 nr_files, int err),
	     TP_ARGS(session, nr_files, err));

DEFINE_EVENT(luo_session, luo_session_finish,
	     TP_PROTO(const char *session, u64 nr_files, int err),
	     TP_ARGS(session, nr_files, err));

/* @handler is "" when none takes the file. */
DECLARE_EVENT_CLASS(luo_file,

	TP_PROTO(const char *session, u64 token, const char *handler, int err),

	TP_ARGS(session, token, handler, err),

	TP_STRUCT__entry(
		__string(session, session)
		__string(handler, handler)
		__field(u64, token)
		__field(int, err)
	),

	TP_fast_assign(
		__assign_str(session);
		__assign_str(handler);
		__entry->token = token;
		__entry->err = err;
	),

	TP_printk("token=0x%llx err=%d handler=%s session=%s",
		  __entry->token, __entry->err, __get_str(handler),
		  __get_str(session))
);

DEFINE_EVENT(luo_file, luo_file_preserve,
	     TP_PROTO(const char *session, u64 token, const char *handler, int err),
	     TP_ARGS(session, token, handler, err));

DEFINE_EVENT(luo_file, luo_file_unpreserve,
	     TP_PROTO(const char *session, u64 token, const char *handler, int err),
	     TP_ARGS(session, token, handler, err));

DEFINE_EVENT(luo_file, luo_file_freeze,
	     TP_PROTO(const char *session, u64 token, const char *handler, int err),
	     TP_ARGS(session, token, handler, err));

DEFINE_EVENT(luo_file, luo_file_unfreeze,
	     TP_PROTO(const char *session, u64 token, const char *handler, int err),
	     TP_ARGS(session, token, handler, err));

DEFINE_EVENT(luo_file, luo_file_retrieve,
	     TP_PROTO(const char *session, u64 token, const char *handler, int err),
	     TP_ARGS(session, token, handler, err));

DEFINE_EVENT(luo_file, luo_file_finish,
	     TP_PROTO(const char *session, u64 token, const char *handler, int err),
	     TP_ARGS(session, token, handler, err));

/* @count is the number of files that depend on the FLB after the step. */
DECLARE_EVENT_CLASS(luo_flb,

	TP_PROTO(const char *name, u64 count, int err),

	TP_ARGS(name, count, err),

	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, count)
		__field(int, err)
	),

	TP_fast_assign(
		__assign_str(name);
		__entry->count = count;
		__entry->err = err;
	),

	TP_printk("count=%llu err=%d name=%s",
		  __entry->count, __entry->err, __get_str(name))
);

DEFINE_EVENT(luo_flb, luo_flb_preserve,
	     TP_PROTO(const char *name, u64 count, int err),
	     TP_ARGS(name, count, err));

DEFINE_EVENT(luo_flb, luo_flb_unpreserve,
	     TP_PROTO(const char *name, u64 count, int err),
	     TP_ARGS(name, count, err));

DEFINE_EVENT(luo_flb, luo_flb_retrieve,
	     TP_PROTO(const char *name, u64 count, int err),
	     TP_ARGS(name, count, err));

DEFINE_EVENT(luo_flb, luo_flb_finish,
	     TP_PROTO(const char *name, u64 count, int err),
	     TP_ARGS(name, count, err));

TRACE_EVENT(luo_freeze_begin,

	TP_PROTO(u64 nr_sessions),

	TP_ARGS(nr_sessions),

	TP_STRUCT__entry(
		__field(u64, nr_sessions)
	),

	TP_fast_assign(
		__entry->nr_sessions = nr_sessions;
	),

	TP_printk("nr_sessions=%llu", __entry->nr_sessions)
);

/* @nr_files is that of the sessions that were frozen as a whole. */
TRACE_EVENT(luo_freeze_end,

	TP_PROTO(u64 nr_sessions, u64 nr_files, int err),

	TP_ARGS(nr_sessions, nr_files, err),

	TP_STRUCT__entry(
		__field(u64, nr_sessions)
		__field(u64, nr_files)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->nr_sessions = nr_sessions;
		__entry->nr_files = nr_files;
		__entry->err = err;
	),

	TP_printk("nr_sessions=%llu nr_files=%llu err=%d",
		  __entry->nr_sessions, __entry->nr_files, __entry->err)
);

#endif /* _TRACE_LIVEUPDATE_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
