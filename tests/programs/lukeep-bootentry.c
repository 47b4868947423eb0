// SPDX-License-Identifier: GPL-2.0
/*
 * lukeep-bootentry ROOT [KEY=VALUE...]: what lukeep asks the agent for, with the boot loader's entries in ROOT: first these
 * keys, then all of the request, a line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootentry.h"

int main(int argc, char **argv)
{
	static const char * const keys[] = { "kernel", "initrd", "append", "reuse" };
	json_t *update = json_object(), *value;
	int i, err;

	for (i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		*equals = '\0';
		json_object_set_new(update, argv[i],
				    strcmp(argv[i], "reuse") ? json_string(equals + 1) : json_true());
	}
	err = bootentry_complete(argv[1], update);
	for (i = 0; !err && i < 4; i++) {
		value = json_object_get(update, keys[i]);
		if (value)
			printf("%s=%s\n", keys[i], json_string_value(value) ?: "yes");
	}
	json_decref(update);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
