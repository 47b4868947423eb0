// SPDX-License-Identifier: GPL-2.0
/*
 * The entries of systemd-boot, as bootctl(1) tells them.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "bootentry.h"

#define LOADER_INFO \
	"/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

/* Before the value of an EFI variable are its attributes. */
#define VALUE_AT	4

/* Was it systemd-boot who booted this system? It says so in UTF-16. */
bool bootentry_is_systemd_boot(const char *root)
{
	static const char name[] = "systemd-boot";
	char value[VALUE_AT + 2 * sizeof(name)] = "", *path;
	bool is = true;
	size_t i;
	FILE *f;

	if (asprintf(&path, "%s" LOADER_INFO, root) < 0)
		alloc_failed();
	f = fopen(path, "re");
	free(path);
	if (!f)
		return false;
	if (fread(value, 1, sizeof(value), f) < VALUE_AT)
		is = false;
	for (i = 0; name[i]; i++) {
		if (value[VALUE_AT + 2 * i] != name[i])
			is = false;
	}
	fclose(f);
	return is;
}

/* All that it prints, or NULL. */
static char *bootctl(const char *command)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	f = popen(command, "re");
	if (!f)
		return NULL;
	if (getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	pclose(f);
	return text;
}

/*
 * systemd 252 does not say in JSON which entry is booted by default. For people
 * it does: a line behind the title that has this mark is the identifier.
 */
static char *default_id(void)
{
	static const char mark[] = " (default)", key[] = "id: ";
	char *text = bootctl("bootctl list 2>/dev/null"), *id;

	id = text ? strstr(text, mark) : NULL;
	id = id ? strstr(id, key) : NULL;
	if (id) {
		id += strlen(key);
		id = strndup(id, strcspn(id, "\n"));
	}
	free(text);
	return id;
}

static const char *get(json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key)) ?: "";
}

static char *join(const char *folder, const char *path)
{
	char *file;

	if (asprintf(&file, "%s%s%s", folder, *path == '/' ? "" : "/",
		     path) < 0)
		alloc_failed();
	return file;
}

static void add(struct bootentry **list, json_t *entry, const char *chosen)
{
	json_t *initrds = json_object_get(entry, "initrd");
	const char *type = get(entry, "type");
	const char *kernel = get(entry, "linux");
	struct bootentry *e;

	e = bootentry_add(list, *get(entry, "showTitle") ?
			  get(entry, "showTitle") : get(entry, "title"));
	e->chosen = json_is_true(json_object_get(entry, "isDefault")) ||
		    (chosen && !strcmp(get(entry, "id"), chosen));
	if (*type && strcmp(type, "type1")) {
		e->problem = "it is an EFI program, no kernel with an initramfs";
		return;
	}
	if (!*kernel) {
		e->problem = "it loads no Linux";
		return;
	}
	e->kernel = join(get(entry, "root"), kernel);
	e->options = alloc_copy(get(entry, "options"));
	if (json_array_size(initrds) > 1)
		e->problem = "it loads more than one initramfs";
	else if (json_array_size(initrds))
		e->initrd = join(get(entry, "root"),
				 json_string_value(json_array_get(initrds, 0)));
}

/* One array, or from systemd 252 one object after the other. */
static json_t *parse(const char *text)
{
	json_t *entries = json_array(), *value;
	json_error_t error;

	while (text && (value = json_loads(text, JSON_DISABLE_EOF_CHECK,
					   &error))) {
		if (json_is_array(value)) {
			json_array_extend(entries, value);
			json_decref(value);
		} else {
			json_array_append_new(entries, value);
		}
		text += error.position;
	}
	return entries;
}

/* The entries of systemd-boot, or NULL. */
struct bootentry *bootentry_read_bls(void)
{
	char *text = bootctl("bootctl list --json=short 2>/dev/null");
	struct bootentry *list = NULL;
	json_t *entries, *entry;
	char *chosen;
	size_t i;

	entries = parse(text);
	chosen = json_array_size(entries) ? default_id() : NULL;
	json_array_foreach(entries, i, entry)
		add(&list, entry, chosen);
	json_decref(entries);
	free(chosen);
	free(text);
	return list;
}
