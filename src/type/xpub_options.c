/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XPUB and PUB: their options.
 *
 * Thread: the socket's.
 */
#include "type/xpub.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
    OPTION_SUBSCRIBE = 6,
    OPTION_UNSUBSCRIBE = 7,
    OPTION_XPUB_VERBOSE = 40,
    OPTION_XPUB_NODROP = 69,
    OPTION_XPUB_MANUAL = 71,
    OPTION_XPUB_WELCOME_MSG = 72,
    OPTION_XPUB_VERBOSER = 78,
    OPTION_XPUB_MANUAL_LAST_VALUE = 98,
    OPTION_ONLY_FIRST_SUBSCRIBE = 108,
    OPTION_TOPICS_COUNT = 116,
};

static int xpub_set_welcome(struct cz_xpub *x, struct cz_span message)
{
    struct cz_buffer *welcome = NULL;

    if (message.size > 0) {
        welcome = cz_buffer_create(NULL, message.size);
        if (!welcome)
            return -ENOMEM;
        cz_span_copy(welcome->data, message);
    }
    if (x->welcome)
        cz_buffer_unref(x->welcome);
    x->welcome = welcome;
    return 0;
}

/* In manual mode: for the peer whose event was received last, if it is still
 * there. */
static int xpub_set_subscription(struct cz_xpub *x, struct cz_span topic,
                                 bool subscribes)
{
    const struct cz_dist_pipe *last = cz_xpub_last(x);
    bool is_first;

    if (!x->is_manual)
        return -EINVAL;
    if (!last)
        return 0;
    if (subscribes)
        return cz_audience_add(&x->audience, cz_dist_number(last->end), topic,
                               &is_first);
    cz_audience_remove(&x->audience, cz_dist_number(last->end), topic);
    return 0;
}

/* The switches that are set as they are. */
static bool *xpub_switch(struct cz_xpub *x, int number)
{
    switch (number) {
    case OPTION_XPUB_NODROP:
        return &x->dist.never_drops;
    case OPTION_XPUB_MANUAL:
        return &x->is_manual;
    case OPTION_ONLY_FIRST_SUBSCRIBE:
        return &x->has_first_only;
    default:
        return NULL;
    }
}

/* The ones that set two. */
static int xpub_set_pair(const void *value, size_t size, bool *one, bool *other)
{
    int rc = cz_options_take_switch(value, size, one);

    if (rc == 0)
        *other = *one;
    return rc;
}

int cz_xpub_set_option(struct cz_socket *s, int number, const void *value,
                       size_t size)
{
    struct cz_xpub *x = cz_xpub_of(s);
    bool *field = xpub_switch(x, number);
    int rc;

    if (field)
        return cz_options_take_switch(value, size, field);
    if (!value && size > 0)
        return -EINVAL;
    switch (number) {
    case OPTION_XPUB_VERBOSE:
        rc = cz_options_take_switch(value, size, &x->tells_all_subscriptions);
        if (rc == 0)
            x->tells_all_cancels = false;
        return rc;
    case OPTION_XPUB_VERBOSER:
        return xpub_set_pair(value, size, &x->tells_all_subscriptions,
                             &x->tells_all_cancels);
    case OPTION_XPUB_MANUAL_LAST_VALUE:
        return xpub_set_pair(value, size, &x->is_manual, &x->answers_last);
    case OPTION_SUBSCRIBE:
    case OPTION_UNSUBSCRIBE:
        return xpub_set_subscription(x, cz_span(value, size),
                                     number == OPTION_SUBSCRIBE);
    case OPTION_XPUB_WELCOME_MSG:
        return xpub_set_welcome(x, cz_span(value, size));
    default:
        return -ENOENT;
    }
}

int cz_xpub_get_option(struct cz_socket *s, int number, void *value,
                       size_t *size)
{
    uint32_t count = cz_xpub_of(s)->audience.subs.count;

    if (number != OPTION_TOPICS_COUNT)
        return -ENOENT;
    return cz_options_put_int(count < INT_MAX ? (int)count : INT_MAX, value,
                              size);
}
