// SPDX-License-Identifier: GPL-2.0
/*
 * Reads declarations as lukeep does, for tests/lukeep-declaration.t.
 *
 *	declaration show DIR NAME		what has been understood
 *	declaration compare DIR NAME WAS	what declaration_compare() says
 *	declaration fuzz DIR COUNT FILE...	reads COUNT files, made from these
 *
 * The files that fuzz makes are the same each time; the last one stays in DIR.
 * Mistakes in lukeep are for the sanitizers to find, and for assert().
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "declaration.h"
#include "words.h"

#define TEXT_MAX	8192
#define FILES_MAX	8

static bool quiet;

/* In place of lukeep's own, which also talks to clients. */
void pr_err(const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void show_command(const char *key, const char *command)
{
	char **words, **word;
	const char *error;

	if (!command)
		return;
	words = words_split(command, true, &error);
	printf("%s", key);
	for (word = words; words && *word; word++)
		printf(" <%s>", *word);
	printf("%s\n", words ? "" : error);
	words_free(words);
}

static const char *huge(const struct memfd *m)
{
	static char text[32];

	snprintf(text, sizeof(text), " huge %llu", m->huge);
	return m->huge ? text : m->thp ? " thp" : "";
}

static int show(const char *dir, const char *name)
{
	struct service *svc = declaration_read(dir, name);
	const struct memfd *m;

	if (!svc)
		return EXIT_FAILURE;
	show_command("start", svc->start);
	show_command("resume", svc->resume);
	show_command("save-command", svc->save_command);
	show_command("stop-command", svc->stop_command);
	show_command("ready-command", svc->ready_command);
	printf("save-signal %d save-timeout %d stop-timeout %d\n",
	       svc->save_signal, svc->save_timeout, svc->stop_timeout);
	printf("restart %d retry %d hold %d clock %d\n", svc->restart,
	       svc->retry, svc->if_lost_hold, svc->clock);
	printf("order %d\n", svc->order);
	show_command("check", svc->processes.check);
	show_command("predump", svc->processes.predump);
	printf("pages %s\n", svc->processes.pipes ? "pipes" : "files");
	if (svc->tmpfs.path)
		printf("tmpfs %s size %llu huge %s\n", svc->tmpfs.path,
		       svc->tmpfs.size, svc->tmpfs.huge ?: "-");
	for (m = svc->memfd; m < svc->memfd + svc->nr_memfds; m++)
		printf("memfd %s kind %d size %llu path %s%s\n", m->name,
		       m->kind, m->size, m->path ? m->path : "-", huge(m));
	declaration_free(svc);
	return EXIT_SUCCESS;
}

static int compare(const char *dir, const char *name, const char *was)
{
	struct service *now = declaration_read(dir, name);
	struct service *before = declaration_read(dir, was);
	char what[200] = "";
	json_t *packed;
	int ret;

	assert(now && before);
	packed = declaration_pack(before);
	assert(packed);
	ret = declaration_compare(now, packed, what, sizeof(what));
	printf("%d %s\n", ret, what);
	json_decref(packed);
	declaration_free(before);
	declaration_free(now);
	return EXIT_SUCCESS;
}

/* xorshift: the same numbers on every machine. */
static uint32_t any(uint32_t below)
{
	static uint32_t x = 2463534242;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % below;
}

/**
 * struct text - a declaration in the making
 * @byte: what is in it
 * @len:  how many of them there are
 */
struct text {
	char byte[TEXT_MAX];
	size_t len;
};

static void insert(struct text *t, size_t at, const char *bytes, size_t len)
{
	if (t->len + len > TEXT_MAX)
		return;
	memmove(t->byte + at + len, t->byte + at, t->len - at);
	memmove(t->byte + at, bytes, len);
	t->len += len;
}

static void delete(struct text *t, size_t at, size_t len)
{
	memmove(t->byte + at, t->byte + at + len, t->len - at - len);
	t->len -= len;
}

/* A piece of @t, of some lines at most. */
static size_t piece(const struct text *t, size_t *at)
{
	*at = any(t->len + 1);
	return any((t->len - *at < 200 ? t->len - *at : 200) + 1);
}

static void insert_token(struct text *t)
{
	static const char *const tokens[] = {
		"${#X=}", "${#X?}", "${X:=y}", "$(", "$", "$$", "${", "`", "\"",
		"'", "\\", "\\\n", "\n", "\n\t", "\r\n", "\t", " ", ";", " ; ",
		"#", "[", "]", "=", " = ", "|", "&", "<", ">", "*", "~", "/",
		"\377", "\303\244", "\033[m", "%s%n", "-1", "0",
		"99999999999999999999", "9223372036854775807", "T", "KiB",
		"yes", "min", "\n[service]\n", "\n[memfd a]\nkind = save\n",
		"\n[memfd a-b]\n", "\nstart = ", "\nretry = ", "\nsize = ",
		"\npath = /", "\nsave-timeout = ", "\nclock = ",
	};
	const char *token = tokens[any(sizeof(tokens) / sizeof(tokens[0]))];
	char byte = any(256), run[300];
	size_t at = any(t->len + 1);

	switch (any(8)) {
	case 0:
		insert(t, at, &byte, 1);
		break;
	case 1:
		memset(run, byte, sizeof(run));
		insert(t, at, run, any(sizeof(run)));
		break;
	default:
		insert(t, at, token, strlen(token));
	}
}

static void mutate(struct text *t, const struct text *other)
{
	char copy[200];
	size_t at, len;

	switch (any(5)) {
	case 0:
		if (t->len)
			t->byte[any(t->len)] ^= 1 << any(8);
		break;
	case 1:
		len = piece(t, &at);
		delete(t, at, len);
		break;
	case 2:
		len = piece(t, &at);
		memcpy(copy, t->byte + at, len);
		insert(t, any(t->len + 1), copy, len);
		break;
	case 3:
		len = piece(other, &at);
		insert(t, any(t->len + 1), other->byte + at, len);
		break;
	default:
		insert_token(t);
	}
}

static void load(struct text *t, const char *path)
{
	FILE *file = fopen(path, "r");

	assert(file);
	t->len = fread(t->byte, 1, TEXT_MAX, file);
	fclose(file);
}

static void store(const struct text *t, const char *path)
{
	FILE *file = fopen(path, "w");

	assert(file && fwrite(t->byte, 1, t->len, file) == t->len);
	assert(!fclose(file));
}

/* What is true of each declaration that can be read. */
static void check(const struct service *svc)
{
	const char *const commands[] = {
		svc->start, svc->resume, svc->save_command, svc->stop_command,
		svc->ready_command,
	};
	json_t *packed = declaration_pack(svc);
	char **words, what[200];
	const char *error;
	size_t i;

	assert(packed && !declaration_compare(svc, packed, what, sizeof(what)));
	json_decref(packed);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!commands[i])
			continue;
		words = words_split(commands[i], true, &error);
		assert(words);
		words_free(words);
	}
	assert(svc->save_timeout > 0 && svc->stop_timeout > 0);
}

static int fuzz(const char *dir, int count, char **paths)
{
	struct text files[FILES_MAX], t;
	int nr, i, n, read = 0;
	struct service *svc;
	char path[4096];

	quiet = true;
	snprintf(path, sizeof(path), "%s/fuzz.conf", dir);
	for (nr = 0; nr < FILES_MAX && paths[nr]; nr++)
		load(&files[nr], paths[nr]);
	for (i = 0; i < count; i++) {
		t = files[any(nr)];
		for (n = any(6) + 1; n; n--)
			mutate(&t, &files[any(nr)]);
		store(&t, path);
		svc = declaration_read(dir, "fuzz");
		if (svc) {
			check(svc);
			read++;
		}
		declaration_free(svc);
	}
	printf("%d of %d could be read\n", read, count);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "show"))
		return show(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "compare"))
		return compare(argv[2], argv[3], argv[4]);
	if (argc > 4 && !strcmp(argv[1], "fuzz"))
		return fuzz(argv[2], atoi(argv[3]), argv + 4);
	fprintf(stderr, "show DIR NAME, compare DIR NAME WAS or fuzz DIR COUNT FILE...\n");
	return 2;
}
