/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who may do what now, and what it means that nothing happens.
 *
 * --count is of received messages for those who receive, else of sent ones.
 * Those who take turns (req, rep) count questions with their replies.
 *
 * Thread: the main thread.
 * Owns: nothing.
 */
#include "conduct.h"

#include "cero.h"

#include <err.h>

enum {
    CONDUCT_TURNS = PATTERN_ASKS | PATTERN_ANSWERS,
    /* How long peers have to take what was sent, if it is not to the end. */
    CONDUCT_LINGER_MS = 1000
};

static bool conduct_is_count_left(const struct exchange *x, uint64_t messages)
{
    return !x->options->has_count || messages < x->options->count;
}

static bool conduct_counts_sent(const struct exchange *x)
{
    return !exchange_is(x, PATTERN_RECEIVES) || exchange_is(x, CONDUCT_TURNS);
}

/* Whether another message may begin, as far as --count goes. */
static bool conduct_is_sending_left(const struct exchange *x)
{
    return !conduct_counts_sent(x) ||
           conduct_is_count_left(x, x->meter.sent.messages);
}

static bool conduct_is_turn(const struct exchange *x)
{
    return !exchange_is(x, CONDUCT_TURNS) || x->is_our_turn;
}

/* Those that hear who is there wait for subscribers, the others for
 * connections. */
static bool conduct_is_gate_open(const struct exchange *x)
{
    return x->link.peer_count >= x->options->wait_count;
}

bool exchange_wants_record(const struct exchange *x)
{
    return exchange_is(x, PATTERN_SENDS) &&
           x->options->answer == OPTIONS_ANSWER_INPUT &&
           conduct_is_sending_left(x);
}

bool exchange_may_send(const struct exchange *x)
{
    return conduct_is_turn(x) && conduct_is_gate_open(x) &&
           conduct_is_sending_left(x) && sender_wait_ms(&x->sender) < 0;
}

bool exchange_may_receive(const struct exchange *x)
{
    if (exchange_is(x, CONDUCT_TURNS) && x->is_our_turn)
        return false;
    if (!exchange_is(x, PATTERN_RECEIVES))
        return exchange_is(x, PATTERN_HEARS);
    return conduct_is_count_left(x, x->meter.received.messages);
}

static bool conduct_is_sending_done(const struct exchange *x)
{
    if (!exchange_is(x, PATTERN_SENDS) || !conduct_is_sending_left(x))
        return true;
    return x->sender.is_ended && !x->sender.has_pending;
}

bool exchange_had_peer(const struct exchange *x)
{
    if (exchange_is(x, PATTERN_HEARS))
        return conduct_is_gate_open(x);
    return x->link.had_peer;
}

void exchange_on_subscription(struct exchange *x)
{
    x->link.peer_count++;
}

/* A sender stays until there was somebody to send to. A receiver stays
 * until the count is full, or else until the timeout; one that also sends
 * and has neither is done when its input is. */
bool exchange_is_done(const struct exchange *x)
{
    bool was_heard = exchange_had_peer(x) || x->meter.sent.messages == 0;

    if (!conduct_is_sending_done(x))
        return false;
    if (exchange_is(x, PATTERN_ASKS))
        return x->is_our_turn;
    if (exchange_is(x, PATTERN_ANSWERS) || !exchange_is(x, PATTERN_RECEIVES))
        return was_heard;
    if (x->options->has_count)
        return !exchange_may_receive(x) && was_heard;
    if (!exchange_is(x, PATTERN_SENDS) || x->options->timeout_ms >= 0)
        return false;
    return was_heard;
}

/* Time passes against --timeout only while it is the peer we wait for, not
 * while somebody types the input or --interval passes. */
static bool conduct_waits_for_peer(const struct exchange *x)
{
    if (!conduct_is_turn(x) || conduct_is_sending_done(x))
        return true;
    return x->sender.has_pending && sender_wait_ms(&x->sender) < 0;
}

int exchange_timeout_ms(const struct exchange *x)
{
    int64_t since_ns = x->progress_ns;
    int64_t passed_ms;

    if (x->options->timeout_ms < 0 || !conduct_waits_for_peer(x))
        return -1;
    if (x->sender.has_pending && x->sender.due_ns > since_ns)
        since_ns = x->sender.due_ns;
    passed_ms = (meter_now_ns() - since_ns) / 1000000;
    if (passed_ms >= x->options->timeout_ms)
        return 0;
    return (int)(x->options->timeout_ms - passed_ms);
}

/* The shorter one, where -1 is for ever. */
static int conduct_sooner(int a_ms, int b_ms)
{
    if (a_ms < 0)
        return b_ms;
    return b_ms >= 0 && b_ms < a_ms ? b_ms : a_ms;
}

int exchange_wait_ms(const struct exchange *x)
{
    int wait_ms =
        conduct_sooner(exchange_timeout_ms(x), meter_wait_ms(&x->meter));

    if (x->sender.has_pending)
        wait_ms = conduct_sooner(wait_ms, sender_wait_ms(&x->sender));
    return wait_ms;
}

/* For a receiver without --count, silence after messages is the end it
 * was told to wait for. */
int exchange_on_timeout(const struct exchange *x)
{
    int timeout_ms = x->options->timeout_ms;

    if (exchange_is(x, PATTERN_SENDS) && !exchange_is(x, PATTERN_ANSWERS) &&
        ((x->sender.has_pending && conduct_is_turn(x)) ||
         !exchange_had_peer(x))) {
        warnx("no peer took the messages within %d ms", timeout_ms);
        return CERO_TIMEOUT;
    }
    if (exchange_is(x, PATTERN_ASKS)) {
        warnx("no reply came within %d ms", timeout_ms);
        return CERO_TIMEOUT;
    }
    if (!exchange_is(x, PATTERN_RECEIVES) ||
        (!x->options->has_count && x->meter.received.messages > 0))
        return CERO_OK;
    warnx("%llu messages came, and then none for %d ms",
          (unsigned long long)x->meter.received.messages, timeout_ms);
    return CERO_TIMEOUT;
}

int exchange_on_done(const struct exchange *x)
{
    if (exchange_is(x, PATTERN_ANSWERS) && x->is_our_turn) {
        warnx("the input has ended: the last request got no reply");
        return CERO_ERROR;
    }
    return x->sender.has_refused ? CERO_ERROR : CERO_OK;
}

int exchange_linger_ms(const struct exchange *x)
{
    if (x->options->linger_ms >= 0)
        return x->options->linger_ms;
    /* Nobody needs the last word of a subscriber: that it leaves. */
    if (!exchange_is(x, PATTERN_SENDS))
        return 0;
    if (!stop_signal() && !exchange_is(x, PATTERN_SUBSCRIBES))
        return x->options->timeout_ms;
    return exchange_had_peer(x) ? CONDUCT_LINGER_MS : 0;
}
