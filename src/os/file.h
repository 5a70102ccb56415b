/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The little of the file system and the environment that the library uses.
 */
#ifndef CZ_OS_FILE_H
#define CZ_OS_FILE_H

#include "base/compiler.h"

#include <stdbool.h>

/* 0 or -errno. */
CZ_MUST_CHECK int cz_file_unlink(const char *path);
CZ_MUST_CHECK int cz_dir_remove(const char *path);

/* As mkdtemp: replaces the trailing XXXXXX. 0 or -errno. */
CZ_MUST_CHECK int cz_dir_make_temporary(char *path_template);

bool cz_dir_exists(const char *path);

/* As getenv; NULL if unset or empty. */
const char *cz_environment(const char *name);

#endif
