/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_PROBE_ROUTER.
 *
 * Thread: the socket's. Owns: nothing.
 */
#include "pattern/probe.h"

#include "core/pipe.h"
#include "core/socket.h"

#include <errno.h>

enum { OPTION_PROBE_ROUTER = 51 };

void cz_probe_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_frame probe = {.data = (const uint8_t *)""};

    /* A new pipe has room for it; without memory the peer learns of us by
     * what we send later. */
    if (s->options.probes_router)
        (void)!cz_pipe_write(end, &probe);
}

int cz_probe_set_option(struct cz_socket *s, int number, const void *value,
                        size_t size)
{
    if (number != OPTION_PROBE_ROUTER)
        return -ENOENT;
    return cz_options_take_switch(value, size, &s->options.probes_router);
}
