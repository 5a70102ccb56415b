/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a listener of the library's own endpoints has subscribed to: few
 * prefixes, looked through one by one. (Publishers of the application have
 * pattern/subs.h, a floor above.)
 *
 * Thread: the owner. Owns: the prefixes.
 */
#ifndef CZ_CORE_PREFIXES_H
#define CZ_CORE_PREFIXES_H

#include "base/compiler.h"
#include "base/list.h"

#include <stdbool.h>

struct cz_pipe_end;

struct cz_prefixes {
    struct cz_list list;
    bool takes_all; /* there was no memory for one: it must hear everything */
};

void cz_prefixes_init(struct cz_prefixes *prefixes);
void cz_prefixes_fini(struct cz_prefixes *prefixes);

/* Takes in all subscriptions and cancels that wait in the pipe. */
void cz_prefixes_read(struct cz_prefixes *prefixes, struct cz_pipe_end *end);

/* Does the topic begin with any of them? */
bool cz_prefixes_match(const struct cz_prefixes *prefixes, const char *topic);

#endif
