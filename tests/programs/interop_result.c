// SPDX-License-Identifier: GPL-2.0
/*
 * interop.c: what comes of a case, as a line of the output.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <stdarg.h>

#include "interop.h"

/* What a case has failed of, if it has. */
char why[256];

bool failed(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!why[0])
		vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return false;
}

void tell(const char *name)
{
	if (why[0])
		printf("%s fails: %s\n", name, why);
	else
		printf("%s works\n", name);
	fflush(stdout);
}
