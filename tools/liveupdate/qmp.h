/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client of QMP, the protocol by which QEMU is told what to do.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LUKEEP_QMP_H
#define _LUKEEP_QMP_H

#include <jansson.h>

/* Within so many seconds QEMU has to answer. */
#ifndef QMP_LIMIT
#define QMP_LIMIT	20
#endif

/**
 * struct qmp - a conversation with QEMU
 * @fd:	      the connection
 * @limit:    seconds that an answer may take, with the events before it
 * @deadline: until when the answer that is awaited has to come
 * @left:     bytes that the object that is being read may still have
 * @problem:  why the last object has not come
 * @text:     what is wrong with it, if it is not JSON
 * @pos:      of the next byte in @buf
 * @len:      bytes in @buf
 * @buf:      what has come in
 */
struct qmp {
	int fd;
	int limit;
	double deadline;
	size_t left;
	enum {
		QMP_NO_JSON,
		QMP_SILENT,
		QMP_TOO_LONG,
		QMP_ENDED,
	} problem;
	char text[JSON_ERROR_TEXT_LENGTH];
	size_t pos;
	size_t len;
	char buf[4096];
};

int qmp_is_there(const char *path);
int qmp_listen(const char *path);
int qmp_connect(struct qmp *qmp, const char *path, int limit);
void qmp_close(struct qmp *qmp);
json_t *qmp_execute(struct qmp *qmp, const char *command, json_t *arguments);
int qmp_do(struct qmp *qmp, const char *command, json_t *arguments);
int qmp_pass_fd(struct qmp *qmp, const char *name, int fd);
int qmp_quit(struct qmp *qmp);
int qmp_wait(struct qmp *qmp, const char *event, int seconds);

#endif /* _LUKEEP_QMP_H */
