/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A file that one process writes and others read at the same time.
 *
 * It is written by system calls and not through a mapping: on a full disk, or
 * when somebody cuts the file, a call fails, where a mapping would end the
 * process. Readers may map it all the same; on Linux they see what is written.
 *
 * Thread: any, one at a time per file. Owns: nothing; the caller closes.
 */
#ifndef CZ_OS_SHARED_FILE_H
#define CZ_OS_SHARED_FILE_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

/* Makes a file that was not there, and locks it for as long as the process
 * lives and has it open: by that, others see that it is alive (fcntl(2),
 * F_GETLK). A descriptor, or -errno. */
CZ_MUST_CHECK int cz_shared_file_create(const char *path);

/* All of it, or -errno. */
CZ_MUST_CHECK int cz_shared_file_write(int fd, uint64_t offset,
                                       const void *bytes, size_t size);

void cz_shared_file_close(int fd);

#endif
