/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One loop for both directions: do what can be done without waiting, then
 * wait for whatever is missing - input, a peer that takes or sends, a
 * signal. It ends when nothing is left to do (exchange_is_done), when
 * --timeout passes without a message (exchange_on_timeout), or by a
 * signal.
 *
 * Thread: the main thread.
 * Owns: the link, the input and the output.
 */
#include "exchange.h"

#include "cero.h"
#include "input.h"
#include "link.h"
#include "meter.h"
#include "output.h"
#include "stop.h"

#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

enum {
    /* Messages in a row before the other direction gets its turn. */
    EXCHANGE_BURST = 1000,
    /* After a signal, how long peers have to take what was sent. */
    EXCHANGE_STOP_LINGER_MS = 1000
};

struct exchange {
    const struct options *options;
    bool sends;
    bool receives;
    bool input_ended;
    bool has_pending;      /* a record, or the rest of one, to be sent */
    bool wants_input;      /* the input must be read before it goes on */
    struct record pending; /* what of it is not sent yet */
    int64_t progress_ns;   /* when a message last moved */
    struct link link;
    struct input input;
    struct output output;
    struct meter meter;
};

static bool exchange_may_send(const struct exchange *x)
{
    if (x->receives || !x->options->has_count) /* the count is of received */
        return true;
    return x->meter.sent.messages < x->options->count;
}

static bool exchange_may_receive(const struct exchange *x)
{
    return !x->options->has_count ||
           x->meter.received.messages < x->options->count;
}

static bool exchange_is_sending_done(const struct exchange *x)
{
    if (!x->sends)
        return true;
    return (x->input_ended || !exchange_may_send(x)) && !x->has_pending;
}

/* A sender stays until there was somebody to send to. A receiver stays
 * until the count is full, or else until the timeout; one that also sends
 * and has neither is done when its input is. */
static bool exchange_is_done(const struct exchange *x)
{
    if (!exchange_is_sending_done(x))
        return false;
    if (x->receives && x->options->has_count)
        return !exchange_may_receive(x) &&
               (x->link.had_peer || x->meter.sent.messages == 0);
    if (x->receives && (!x->sends || x->options->timeout_ms >= 0))
        return false;
    return x->link.had_peer || x->meter.sent.messages == 0;
}

/* Sends the pending record, frame by frame. 0, -EAGAIN or -errno. */
static int exchange_send_pending(struct exchange *x)
{
    bool has_more;

    do {
        struct record *rest = &x->pending;
        const unsigned char *end = NULL;
        size_t size = rest->size;

        if (x->options->separator >= 0 && rest->size > 0)
            end = memchr(rest->data, x->options->separator, rest->size);
        if (end)
            size = (size_t)(end - rest->data);
        has_more = end != NULL;
        if (zmq_send(x->link.socket, rest->data, size,
                     ZMQ_DONTWAIT | (has_more ? ZMQ_SNDMORE : 0)) < 0)
            return -errno;
        x->meter.sent.bytes += size;
        rest->data += size + has_more;
        rest->size -= size + has_more;
    } while (has_more);
    x->has_pending = false;
    x->meter.sent.messages++;
    return 0;
}

/* 0 if messages went out or more may at once; -EAGAIN: wait first. */
static int exchange_send(struct exchange *x)
{
    x->wants_input = false;
    for (int i = 0; i < EXCHANGE_BURST; i++) {
        int rc;

        if (!x->has_pending) {
            if (x->input_ended || !exchange_may_send(x))
                return -EAGAIN;
            rc = input_next(&x->input, &x->pending);
            x->input_ended = rc == -ENODATA;
            x->wants_input = rc == -EAGAIN;
            if (x->input_ended || x->wants_input)
                return -EAGAIN;
            if (rc != 0)
                return rc;
            x->has_pending = true;
        }
        rc = exchange_send_pending(x);
        if (rc != 0 && rc != -EAGAIN && rc != -EINTR)
            link_warn(-rc, "cannot send", NULL);
        if (rc != 0)
            return rc == -EINTR ? 0 : rc;
    }
    return 0;
}

/* One frame from the socket to the output. 0, -EAGAIN or -errno. */
static int exchange_receive_frame(struct exchange *x, zmq_msg_t *frame,
                                  bool *has_more)
{
    int rc;

    if (zmq_msg_recv(frame, x->link.socket, ZMQ_DONTWAIT) < 0) {
        rc = -errno;
        if (rc != -EAGAIN && rc != -EINTR)
            link_warn(-rc, "cannot receive", NULL);
        return rc;
    }
    *has_more = zmq_msg_more(frame);
    x->meter.received.bytes += zmq_msg_size(frame);
    return output_frame(&x->output, zmq_msg_data(frame), zmq_msg_size(frame),
                        *has_more);
}

/* 0 if messages came and more may at once; -EAGAIN: wait first. */
static int exchange_receive(struct exchange *x)
{
    zmq_msg_t frame;
    int rc = -EAGAIN;

    zmq_msg_init(&frame);
    for (int i = 0; i < EXCHANGE_BURST && exchange_may_receive(x); i++) {
        bool has_more = false;

        do {
            rc = exchange_receive_frame(x, &frame, &has_more);
        } while (rc == 0 && has_more);
        if (rc != 0)
            break;
        x->meter.received.messages++;
    }
    zmq_msg_close(&frame);
    return rc == -EINTR ? 0 : rc;
}

/* Time passes against --timeout only while it is the peer we wait for, not
 * while somebody types the input. */
static int exchange_timeout_ms(const struct exchange *x)
{
    int64_t passed_ms;

    if (x->options->timeout_ms < 0)
        return -1;
    if (!x->has_pending && !exchange_is_sending_done(x))
        return -1;
    passed_ms = (meter_now_ns() - x->progress_ns) / 1000000;
    if (passed_ms >= x->options->timeout_ms)
        return 0;
    return (int)(x->options->timeout_ms - passed_ms);
}

static int exchange_wait_ms(const struct exchange *x)
{
    int timeout_ms = exchange_timeout_ms(x);
    int meter_ms = meter_wait_ms(&x->meter);

    if (timeout_ms < 0 || (meter_ms >= 0 && meter_ms < timeout_ms))
        return meter_ms;
    return timeout_ms;
}

/* Waits until one of the bursts can go on. -EPIPE if the reader of the
 * output went away meanwhile, -ETIMEDOUT if --timeout passed. */
static int exchange_wait(struct exchange *x)
{
    enum { SOCKET, STOP, OUTPUT, INPUT, WATCH, ITEMS };
    zmq_pollitem_t items[ITEMS] = {
        [SOCKET] = {.socket = x->link.socket},
        [STOP] = {.fd = stop_fd(), .events = ZMQ_POLLIN},
        [OUTPUT] = {.fd = x->receives ? STDOUT_FILENO : stop_fd(),
                    .events = ZMQ_POLLERR},
        [INPUT] = {.fd = x->wants_input ? input_fd(&x->input) : stop_fd(),
                   .events = ZMQ_POLLIN | ZMQ_POLLERR},
        [WATCH] = {.socket = x->link.watch, .events = ZMQ_POLLIN},
    };
    int rc = output_flush(&x->output);

    if (rc != 0)
        return rc == -EINTR ? 0 : rc;
    if (x->has_pending)
        items[SOCKET].events |= ZMQ_POLLOUT;
    if (x->receives && exchange_may_receive(x))
        items[SOCKET].events |= ZMQ_POLLIN;
    rc =
        zmq_poll(items, x->link.watch ? ITEMS : ITEMS - 1, exchange_wait_ms(x));
    if (rc < 0)
        return errno == EINTR ? 0 : -errno;
    if (x->receives && items[OUTPUT].revents & ZMQ_POLLERR) {
        warnx("the reader of standard output has gone");
        return -EPIPE;
    }
    if (x->link.watch && items[WATCH].revents)
        link_update(&x->link);
    if (rc == 0 && exchange_timeout_ms(x) == 0)
        return -ETIMEDOUT;
    if (x->wants_input && items[INPUT].revents)
        rc = input_fill(&x->input);
    return rc < 0 && rc != -EINTR ? rc : 0;
}

/* 0 when all is done, or -errno: -EINTR, -ETIMEDOUT, or told on stderr. */
static int exchange_loop(struct exchange *x)
{
    while (!exchange_is_done(x)) {
        uint64_t moved = x->meter.sent.messages + x->meter.received.messages;
        int sent = x->sends ? exchange_send(x) : -EAGAIN;
        int received = x->receives ? exchange_receive(x) : -EAGAIN;

        if (sent != 0 && sent != -EAGAIN)
            return sent;
        if (received != 0 && received != -EAGAIN)
            return received;
        if (x->meter.sent.messages + x->meter.received.messages != moved)
            x->progress_ns = meter_now_ns();
        if (sent == -EAGAIN && received == -EAGAIN && !exchange_is_done(x)) {
            int rc = exchange_wait(x);

            if (rc != 0)
                return rc;
        }
        if (stop_signal())
            return -EINTR;
        meter_update(&x->meter);
    }
    return 0;
}

/* For a receiver without --count, silence after messages is the end it
 * was told to wait for. */
static int exchange_on_timeout(const struct exchange *x)
{
    if (x->sends && (x->has_pending || !x->link.had_peer)) {
        warnx("no peer took the messages within %d ms", x->options->timeout_ms);
        return CERO_TIMEOUT;
    }
    if (!x->receives ||
        (!x->options->has_count && x->meter.received.messages > 0))
        return CERO_OK;
    warnx("%llu messages came, and then none for %d ms",
          (unsigned long long)x->meter.received.messages,
          x->options->timeout_ms);
    return CERO_TIMEOUT;
}

static int exchange_linger_ms(const struct exchange *x)
{
    if (x->options->linger_ms >= 0)
        return x->options->linger_ms;
    if (!stop_signal())
        return x->options->timeout_ms;
    return x->link.had_peer ? EXCHANGE_STOP_LINGER_MS : 0;
}

static int exchange_exit_code(const struct exchange *x, int rc)
{
    if (rc == 0)
        return CERO_OK;
    if (rc == -EINTR) {
        if (x->meter.sent.messages > 0 && !x->link.had_peer)
            warnx("stopped before a peer came: nothing was delivered");
        return CERO_SIGNAL + stop_signal();
    }
    if (rc == -ETIMEDOUT)
        return exchange_on_timeout(x);
    return CERO_ERROR;
}

/* On a terminal, messages and the progress line would get mixed up. */
static bool exchange_is_interactive(const struct exchange *x)
{
    return (x->sends && x->options->file_count == 0 && isatty(STDIN_FILENO)) ||
           (x->receives && isatty(STDOUT_FILENO));
}

/* With the link open: the work, then the last output, then the closing. */
static int exchange_work(struct exchange *x)
{
    int rc = exchange_loop(x);
    int flushed = 0;
    int code;

    meter_clear(&x->meter);
    if (rc == 0 || rc == -EINTR || rc == -ETIMEDOUT)
        flushed = output_flush(&x->output);
    code = exchange_exit_code(x, rc == 0 ? flushed : rc);
    if (link_close(&x->link, exchange_linger_ms(x)) == -EINTR)
        code = CERO_SIGNAL + stop_signal();
    meter_finish(&x->meter);
    return code;
}

int exchange_run(const struct options *options, int type, int direction)
{
    struct exchange x = {
        .options = options,
        .sends = direction & OPTIONS_SEND,
        .receives = direction & OPTIONS_RECEIVE,
        .progress_ns = meter_now_ns(),
    };
    int code = CERO_ERROR;
    int rc = stop_install();

    output_init(&x.output, options->framing, options->separator);
    meter_init(&x.meter, options->is_quiet || exchange_is_interactive(&x),
               options->is_verbose);
    if (rc == 0)
        rc = input_init(&x.input, options->framing, options->files,
                        options->file_count);
    if (rc == 0)
        rc = link_open(&x.link, type, options);
    if (rc == 0)
        code = exchange_work(&x);
    output_fini(&x.output);
    input_fini(&x.input);
    return code;
}
