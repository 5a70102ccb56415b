/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A walk over all options: every number, set and got with every plausible
 * size and value, on a socket that is new and on one that is bound and
 * connected, for every type that the library knows; and the same for
 * contexts and messages. What was answered is written down, one line for
 * each number and size, so that two libraries can be compared.
 *
 *     version <major>.<minor>.<patch>
 *     <what> <phase> <number> <operation>[<size>] <answers>...
 *
 * Thread: the main thread.
 */
#ifndef TESTS_COMMON_OPTION_WALK_H
#define TESTS_COMMON_OPTION_WALK_H

#include "common/suite.h"

enum { OPTION_WALK_END = 201 };

void option_walk(FILE *to);

#endif
