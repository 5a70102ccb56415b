/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One loop for all patterns: do what can be done without waiting, then
 * wait for whatever is missing - input, a peer that takes or sends, a
 * signal. It ends when nothing is left to do (exchange_is_done), when
 * --timeout passes without a message (exchange_on_timeout), or by a
 * signal. What is not obvious is in conduct.c: who may send or receive now,
 * and when all is done.
 *
 * Thread: the main thread.
 * Owns: the link, what is sent, what comes.
 */
#include "exchange.h"

#include "cero.h"
#include "conduct.h"

#include <err.h>
#include <errno.h>
#include <unistd.h>

#include <zmq.h>

/* Messages in a row before the other direction gets its turn. */
enum { EXCHANGE_BURST = 1000 };

/* 0 if messages went out or more may at once; -EAGAIN: wait first. */
static int exchange_send(struct exchange *x)
{
    for (int i = 0; i < EXCHANGE_BURST; i++) {
        int rc = exchange_wants_record(x) ? sender_fetch(&x->sender) : 0;

        if (rc == -ENODATA)
            return -EAGAIN;
        if (rc != 0)
            return rc;
        if (!x->sender.has_pending || !exchange_may_send(x))
            return -EAGAIN;
        rc = sender_send(&x->sender, x->link.socket);
        if (rc == -EHOSTUNREACH)
            continue;
        if (rc != 0)
            return rc == -EINTR ? 0 : rc;
        x->meter.sent.bytes += x->sender.bytes_sent;
        x->meter.sent.messages++;
        x->is_our_turn = false;
    }
    return 0;
}

/* One part, to where the pattern has use for it. 0 or -errno. */
static int exchange_take_part(struct exchange *x, zmq_msg_t *part,
                              bool is_first)
{
    const unsigned char *data = zmq_msg_data(part);
    size_t size = zmq_msg_size(part);
    int rc = 0;

    if (exchange_is(x, PATTERN_HEARS) && is_first && size > 0 && data[0] == 1)
        exchange_on_subscription(x);
    if (x->options->answer != OPTIONS_ANSWER_INPUT)
        rc = parts_add(&x->answer.request, data, size);
    if (rc != 0 || !exchange_is(x, PATTERN_RECEIVES))
        return rc;
    x->meter.received.bytes += size;
    return output_frame(&x->output, data, size, zmq_msg_more(part));
}

/* A whole message. 0, -EAGAIN or -errno. */
static int exchange_receive_one(struct exchange *x, zmq_msg_t *part)
{
    bool is_first = true;
    int rc;

    do {
        if (zmq_msg_recv(part, x->link.socket, ZMQ_DONTWAIT) < 0) {
            rc = -errno;
            if (rc != -EAGAIN && rc != -EINTR)
                link_warn(-rc, "cannot receive", NULL);
            return rc;
        }
        rc = exchange_take_part(x, part, is_first);
        is_first = false;
    } while (rc == 0 && zmq_msg_more(part));
    if (rc != 0)
        return rc;
    x->meter.received.messages += exchange_is(x, PATTERN_RECEIVES);
    x->is_our_turn = true;
    if (x->options->answer == OPTIONS_ANSWER_INPUT)
        return 0;
    return answer_make(&x->answer, &x->sender);
}

/* 0 if messages came and more may at once; -EAGAIN: wait first. */
static int exchange_receive(struct exchange *x)
{
    zmq_msg_t part;
    int rc = -EAGAIN;

    zmq_msg_init(&part);
    for (int i = 0; i < EXCHANGE_BURST && exchange_may_receive(x); i++) {
        rc = exchange_receive_one(x, &part);
        if (rc != 0)
            break;
    }
    zmq_msg_close(&part);
    return rc == -EINTR ? 0 : rc;
}

static int exchange_fill(struct exchange *x)
{
    int rc = input_fill(&x->sender.input);

    x->progress_ns = meter_now_ns();
    return rc == -EINTR ? 0 : rc;
}

/* Waits until one of the bursts can go on. -EPIPE if the reader of the
 * output went away meanwhile, -ETIMEDOUT if --timeout passed. */
static int exchange_wait(struct exchange *x)
{
    enum { SOCKET, STOP, OUTPUT, INPUT, WATCH, ITEMS };
    bool prints = exchange_is(x, PATTERN_RECEIVES);
    bool reads = x->sender.wants_input;
    zmq_pollitem_t items[ITEMS] = {
        [SOCKET] = {.socket = x->link.socket},
        [STOP] = {.fd = stop_fd(), .events = ZMQ_POLLIN},
        [OUTPUT] = {.fd = prints ? STDOUT_FILENO : stop_fd(),
                    .events = ZMQ_POLLERR},
        [INPUT] = {.fd = reads ? input_fd(&x->sender.input) : stop_fd(),
                   .events = ZMQ_POLLIN | ZMQ_POLLERR},
        [WATCH] = {.socket = x->link.watch, .events = ZMQ_POLLIN},
    };
    int rc = output_flush(&x->output);

    if (rc != 0)
        return rc == -EINTR ? 0 : rc;
    if (x->sender.has_pending && exchange_may_send(x))
        items[SOCKET].events |= ZMQ_POLLOUT;
    if (exchange_may_receive(x))
        items[SOCKET].events |= ZMQ_POLLIN;
    rc =
        zmq_poll(items, x->link.watch ? ITEMS : ITEMS - 1, exchange_wait_ms(x));
    if (rc < 0)
        return errno == EINTR ? 0 : -errno;
    if (prints && items[OUTPUT].revents & ZMQ_POLLERR) {
        warnx("the reader of standard output has gone");
        return -EPIPE;
    }
    link_update(&x->link);
    if (rc == 0 && exchange_timeout_ms(x) == 0)
        return -ETIMEDOUT;
    return reads && items[INPUT].revents ? exchange_fill(x) : 0;
}

/* 0 when all is done, or -errno: -EINTR, -ETIMEDOUT, or told on stderr. */
static int exchange_loop(struct exchange *x)
{
    while (!exchange_is_done(x)) {
        uint64_t moved = x->meter.sent.messages + x->meter.received.messages;
        int sent = exchange_send(x);
        int received;

        if (sent != 0 && sent != -EAGAIN)
            return sent;
        received = exchange_receive(x);
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

static int exchange_exit_code(const struct exchange *x, int rc)
{
    if (rc == -EINTR) {
        if (x->meter.sent.messages > 0 && !exchange_had_peer(x))
            warnx("stopped before a peer came: nothing was delivered");
        return CERO_SIGNAL + stop_signal();
    }
    if (rc == -ETIMEDOUT)
        return exchange_on_timeout(x);
    return rc == 0 ? exchange_on_done(x) : CERO_ERROR;
}

/* On a terminal, messages and the progress line would get mixed up. */
static bool exchange_is_interactive(const struct exchange *x)
{
    return (exchange_is(x, PATTERN_SENDS) && x->options->file_count == 0 &&
            isatty(STDIN_FILENO)) ||
           (exchange_is(x, PATTERN_RECEIVES) && isatty(STDOUT_FILENO));
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

int exchange_run(const struct options *options)
{
    struct exchange x = {.options = options, .progress_ns = meter_now_ns()};
    int code = CERO_ERROR;
    int rc = stop_install();

    x.is_our_turn = exchange_is(&x, PATTERN_ASKS);
    output_init(&x.output, options->framing, options->format,
                options->separator);
    answer_init(&x.answer, options);
    meter_init(&x.meter, options->is_quiet || exchange_is_interactive(&x),
               options->is_verbose);
    if (rc == 0)
        rc = sender_init(&x.sender, options);
    if (rc == 0)
        rc = link_open(&x.link, options);
    if (rc == 0)
        code = exchange_work(&x);
    sender_fini(&x.sender);
    answer_fini(&x.answer);
    output_fini(&x.output);
    return code;
}
