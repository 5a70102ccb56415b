/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The client's side of SOCKS5.
 *
 * Thread: the connection's. Owns: nothing.
 */
#include "wire/socks5.h"

#include "base/bytes.h"

#include <errno.h>
#include <string.h>

enum { CHOOSING, PROVING, ASKING };

enum {
    VERSION = 5,
    PROOF_VERSION = 1,
    METHOD_NONE = 0,
    METHOD_PASSWORD = 2,
    COMMAND_CONNECT = 1,
    REPLY_REFUSED = 5,

    CHOICE_SIZE = 2,      /* version method */
    PROOF_REPLY_SIZE = 2, /* version status */
    REPLY_HEAD_SIZE = 4,  /* version reply 00 kind */
    PORT_SIZE = 2,
};

static void socks5_say(struct cz_socks5 *s, int state, size_t out_size,
                       size_t answer_size)
{
    s->state = state;
    s->out_size = out_size;
    s->out_sent = 0;
    s->in_size = 0;
    s->in_wanted = answer_size;
}

void cz_socks5_init(struct cz_socks5 *s, struct cz_span user_name,
                    struct cz_span password,
                    const struct cz_socks5_target *target)
{
    uint8_t *to = s->request;

    s->user_name = user_name;
    s->password = password;
    *to++ = VERSION;
    *to++ = COMMAND_CONNECT;
    *to++ = 0;
    *to++ = (uint8_t)target->kind;
    if (target->kind == CZ_SOCKS5_NAME)
        *to++ = (uint8_t)target->address.size;
    to = cz_span_copy(to, target->address);
    cz_put_be16(to, target->port);
    s->request_size = (size_t)(to - s->request) + PORT_SIZE;

    s->out[0] = VERSION;
    s->out[1] = 1; /* one method */
    s->out[2] = user_name.size > 0 ? METHOD_PASSWORD : METHOD_NONE;
    socks5_say(s, CHOOSING, 3, CHOICE_SIZE);
}

struct cz_span cz_socks5_output(const struct cz_socks5 *s)
{
    return cz_span(s->out + s->out_sent, s->out_size - s->out_sent);
}

void cz_socks5_sent(struct cz_socks5 *s, size_t size)
{
    s->out_sent += size;
}

size_t cz_socks5_wanted(const struct cz_socks5 *s)
{
    return s->in_wanted - s->in_size;
}

static void socks5_ask(struct cz_socks5 *s)
{
    memcpy(s->out, s->request, s->request_size);
    /* One byte more than the head: the size, if a name follows. */
    socks5_say(s, ASKING, s->request_size, REPLY_HEAD_SIZE + 1);
}

static void socks5_prove(struct cz_socks5 *s)
{
    uint8_t *to = s->out;

    *to++ = PROOF_VERSION;
    *to++ = (uint8_t)s->user_name.size;
    to = cz_span_copy(to, s->user_name);
    *to++ = (uint8_t)s->password.size;
    to = cz_span_copy(to, s->password);
    socks5_say(s, PROVING, (size_t)(to - s->out), PROOF_REPLY_SIZE);
}

/* A proxy may do without what was offered, but not ask for what was not. */
static int on_choice(struct cz_socks5 *s)
{
    if (s->in[0] != VERSION)
        return -EPROTO;
    if (s->in[1] == METHOD_NONE)
        socks5_ask(s);
    else if (s->in[1] == METHOD_PASSWORD && s->user_name.size > 0)
        socks5_prove(s);
    else
        return -EACCES;
    return 0;
}

static int on_proof(struct cz_socks5 *s)
{
    if (s->in[0] != PROOF_VERSION)
        return -EPROTO;
    if (s->in[1] != 0)
        return -EACCES;
    socks5_ask(s);
    return 0;
}

/* The beginning of the reply has come, and says how long the rest is. Where
 * the proxy connects from is of no interest. */
static int on_reply_head(struct cz_socks5 *s)
{
    if (s->in[0] != VERSION || s->in[2] != 0)
        return -EPROTO;
    if (s->in[1] != 0)
        return s->in[1] == REPLY_REFUSED ? -ECONNREFUSED : -EHOSTUNREACH;
    s->in_wanted = REPLY_HEAD_SIZE + PORT_SIZE;
    if (s->in[3] == CZ_SOCKS5_IPV4)
        s->in_wanted += 4;
    else if (s->in[3] == CZ_SOCKS5_IPV6)
        s->in_wanted += 16;
    else if (s->in[3] == CZ_SOCKS5_NAME)
        s->in_wanted += (size_t)1 + s->in[4];
    else
        return -EPROTO;
    return 0;
}

int cz_socks5_feed(struct cz_socks5 *s, const uint8_t *bytes, size_t size)
{
    size_t kept = s->in_size < sizeof s->in ? sizeof s->in - s->in_size : 0;
    bool had_head = s->in_size >= sizeof s->in;
    int rc = 0;

    if (size > 0)
        memcpy(s->in + sizeof s->in - kept, bytes, kept < size ? kept : size);
    s->in_size += size;
    if (s->state == ASKING) {
        if (!had_head && s->in_size >= sizeof s->in)
            rc = on_reply_head(s);
        return rc == 0 ? s->in_size == s->in_wanted : rc;
    }
    if (s->in_size < s->in_wanted)
        return 0;
    return s->state == CHOOSING ? on_choice(s) : on_proof(s);
}
