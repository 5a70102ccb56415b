/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the library says about itself: its versions, what it was built with,
 * and the texts of its errors.
 *
 * Thread: any. Owns: nothing.
 */
#include "base/compiler.h"
#include "ceromq.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void zmq_version(int *major, int *minor, int *patch)
{
    *major = ZMQ_VERSION_MAJOR;
    *minor = ZMQ_VERSION_MINOR;
    *patch = ZMQ_VERSION_PATCH;
}

void cero_version(int *major, int *minor, int *patch)
{
    *major = CERO_VERSION_MAJOR;
    *minor = CERO_VERSION_MINOR;
    *patch = CERO_VERSION_PATCH;
}

/* ---- capabilities --------------------------------------------------- */

struct capability {
    const char *name;
    bool is_built;
};

/* "draft" means that all of the draft interface works, not that the names
 * are there to be linked: bindings switch it on as a whole. */
static const struct capability capabilities[] = {
    {"ipc", true},    {"pgm", false},    {"tipc", false}, {"norm", false},
    {"curve", false}, {"gssapi", false}, {"vmci", false}, {"vsock", false},
    {"draft", false}, {"WS", false},     {"WSS", false},  {"sys", true},
};

int zmq_has(const char *name)
{
    for (size_t i = 0; name && i < CZ_COUNT_OF(capabilities); i++)
        if (strcmp(capabilities[i].name, name) == 0)
            return capabilities[i].is_built;
    return 0;
}

/* ---- errors --------------------------------------------------------- */

struct error_text {
    int number;
    const char *text;
};

static const struct error_text error_texts[] = {
    {EFSM, "Operation cannot be accomplished in current state"},
    {ENOCOMPATPROTO, "The protocol is not compatible with the socket type"},
    {ETERM, "Context was terminated"},
    {EMTHREAD, "No thread available"},
    {EHOSTUNREACH, "Host unreachable"},
};

int zmq_errno(void)
{
    return errno;
}

const char *zmq_strerror(int number)
{
    for (size_t i = 0; i < CZ_COUNT_OF(error_texts); i++)
        if (error_texts[i].number == number)
            return error_texts[i].text;
    return strerror(number);
}
