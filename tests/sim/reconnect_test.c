/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connections that are reset at any byte: what the peer has in full arrives,
 * nothing comes twice or in part, and what is sent on the next connection
 * arrives, all of it.
 *
 * CTest: TIMEOUT 600
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/thread.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

enum {
    SENDER = TALK_SMALL,
    FIRST = 6,  /* messages that a reset may hit */
    SECOND = 5, /* messages behind it */
    /* Greeting and READY of PUSH or PULL without a routing id. */
    OPENING = 64 + 28,
    SILENCE_MS = 3000,
};

/* ---- A reset at every byte ---- */

/* A seed says where: byte times 8, plus these. */
enum {
    OVER_IPC = 1,
    PUSH_LISTENS = 2,
    PULL_COUNTS = 4, /* the bytes that the PULL writes, not the PUSH */
    VARIANTS = 8,
};

struct cut {
    unsigned variant;
    uint64_t byte;
    bool has_happened;
    void *push_ctx, *pull_ctx, *push, *pull;
    struct talk_book book;
    struct talk_order order;
};

static void cut_open(struct cut *cut)
{
    enum talk_transport transport =
        cut->variant & OVER_IPC ? TALK_IPC : TALK_TCP;
    bool push_listens = cut->variant & PUSH_LISTENS;
    bool push_counts = !(cut->variant & PULL_COUNTS);
    char endpoint[TALK_ENDPOINT_MAX];

    cut->push_ctx = talk_context();
    cut->pull_ctx = talk_context();
    cut->push = talk_socket(cut->push_ctx, ZMQ_PUSH);
    cut->pull = talk_socket(cut->pull_ctx, ZMQ_PULL);
    sim_reset_after(push_listens == push_counts ? SIM_FROM_LISTENER
                                                : SIM_FROM_DIALLER,
                    cut->byte);
    talk_bind(push_listens ? cut->push : cut->pull, transport, 0, endpoint);
    TALK_OK(zmq_connect(push_listens ? cut->pull : cut->push, endpoint));
}

static void cut_close(struct cut *cut)
{
    TALK_OK(zmq_close(cut->push));
    TALK_OK(zmq_close(cut->pull));
    TALK_OK(zmq_ctx_term(cut->push_ctx));
    TALK_OK(zmq_ctx_term(cut->pull_ctx));
}

static void cut_send_first(void *arg)
{
    struct cut *cut = arg;
    uint32_t i;

    for (i = 0; i < FIRST; i++)
        talk_send(cut->push, (struct talk_message){SENDER, i});
}

/* Takes what comes until nothing does. */
static void cut_take(struct cut *cut)
{
    struct talk_message message;

    while (talk_recv(cut->pull, &message, SILENCE_MS)) {
        talk_order_check(&cut->order, message);
        talk_book_enter(&cut->book, message);
    }
}

/* What arrived in full has come, and what is lost is lost in one piece. */
static void cut_check_first(const struct cut *cut)
{
    const bool *has_come = cut->book.has_come[SENDER];
    bool push_counts = !(cut->variant & PULL_COUNTS);
    uint64_t end = OPENING;
    unsigned gaps = 0;
    uint32_t i;

    for (i = 0; i < FIRST; i++) {
        end += talk_wire_size((struct talk_message){SENDER, i});
        if (push_counts && end <= cut->byte && !has_come[i])
            sim_fail("message %u arrived and is lost", i);
        gaps += !has_come[i] && (i == 0 || has_come[i - 1]);
    }
    if (gaps > 1)
        sim_fail("one reset, and messages are lost at %u places", gaps);
    if (!sim_reset_has_happened() && gaps > 0)
        sim_fail("no reset, and messages are lost");
    /* Who has not seen all of the peer's opening has sent nothing. */
    if (!push_counts && cut->byte < OPENING && gaps > 0)
        sim_fail("messages are lost that were never sent");
}

static void cut_run(void *arg)
{
    struct cut *cut = arg;
    struct cz_thread sender;
    bool was_in_first;
    uint32_t i;

    *cut = (struct cut){
        .variant = sim_seed() % VARIANTS,
        .byte = sim_seed() / VARIANTS,
    };
    cut_open(cut);
    SIM_CHECK(cz_thread_start(&sender, NULL, cut_send_first, cut) == 0);
    cut_take(cut);
    cz_thread_join(&sender);
    cut_check_first(cut);
    was_in_first = sim_reset_has_happened();
    for (i = FIRST; i < FIRST + SECOND; i++)
        talk_send(cut->push, (struct talk_message){SENDER, i});
    cut_take(cut);
    for (i = FIRST; was_in_first && i < FIRST + SECOND; i++)
        if (!cut->book.has_come[SENDER][i])
            sim_fail("message %u is lost, long after the reset", i);
    cut->has_happened = sim_reset_has_happened();
    cut_close(cut);
}

/* Seeds by hand: one for each byte, until the connection is not that long. */
static void run_at_every_byte(unsigned variants, void (*main_fn)(void *arg),
                              bool *has_happened, void *arg)
{
    struct sim_config config = sim_stormy();
    static const size_t buffers[] = {64, 700, 8192};
    uint64_t seed;
    unsigned variant;

    if (getenv("CERO_SIM_SEED")) {
        seed = strtoull(getenv("CERO_SIM_SEED"), NULL, 0);
        config.buffer_bytes = buffers[seed / variants % 3];
        sim_run(seed, &config, main_fn, arg);
        return;
    }
    for (variant = 0; variant < variants; variant++) {
        for (seed = variant;; seed += variants) {
            config.buffer_bytes = buffers[seed / variants % 3];
            assert_int_equal(sim_run(seed, &config, main_fn, arg).fds_open, 0);
            if (!*has_happened)
                break;
        }
        assert_true(seed / variants >= OPENING);
    }
}

static void a_reset_at_any_byte_loses_only_what_was_on_the_wire(void **state)
{
    struct cut cut;

    (void)state;
    run_at_every_byte(VARIANTS, cut_run, &cut.has_happened, &cut);
}

/* ---- The same with two that talk at once ---- */

struct chat {
    bool has_happened;
    void *sockets[2]; /* the first one listens */
    struct talk_book book;
    struct talk_order orders[2];
    bool is_over;
};

struct chatter {
    struct chat *chat;
    unsigned index;
    struct cz_thread thread;
};

/* Speaks until both hear what was said after the reset. */
static void chatter_run(void *arg)
{
    struct chatter *chatter = arg;
    struct chat *chat = chatter->chat;
    unsigned other = 1 - chatter->index;
    struct talk_message message;
    uint32_t number = 0;

    while (!chat->is_over) {
        struct talk_message mine = {SENDER + chatter->index, number};

        if (number < TALK_COUNT_MAX &&
            talk_try_send(chat->sockets[chatter->index], mine, ZMQ_DONTWAIT) ==
                0)
            number++;
        while (talk_recv(chat->sockets[chatter->index], &message, 20)) {
            SIM_CHECK(message.sender == SENDER + other);
            talk_order_check(&chat->orders[chatter->index], message);
            talk_book_enter(&chat->book, message);
        }
    }
}

static unsigned chat_heard(const struct chat *chat, unsigned index)
{
    return chat->orders[index].next[SENDER + 1 - index];
}

static void chat_run(void *arg)
{
    struct chat *chat = arg;
    struct chatter chatters[2];
    uint32_t before[2];
    char endpoint[TALK_ENDPOINT_MAX];
    void *ctx = talk_context();
    unsigned i, rounds;

    *chat = (struct chat){.is_over = false};
    for (i = 0; i < 2; i++)
        chat->sockets[i] = talk_socket(ctx, ZMQ_DEALER);
    sim_reset_after(SIM_BOTH, sim_seed() / 2);
    talk_bind(chat->sockets[0], sim_seed() % 2 ? TALK_TCP : TALK_ABSTRACT, 0,
              endpoint);
    TALK_OK(zmq_connect(chat->sockets[1], endpoint));
    for (i = 0; i < 2; i++) {
        chatters[i] = (struct chatter){.chat = chat, .index = i};
        SIM_CHECK(cz_thread_start(&chatters[i].thread, NULL, chatter_run,
                                  &chatters[i]) == 0);
    }
    for (rounds = 0; rounds < 200 && !sim_reset_has_happened(); rounds++)
        sim_sleep_us(1000);
    chat->has_happened = sim_reset_has_happened();
    sim_sleep_us(500000);
    before[0] = chat_heard(chat, 0);
    before[1] = chat_heard(chat, 1);
    sim_sleep_us(1000000);
    SIM_CHECK(chat_heard(chat, 0) > before[0]);
    SIM_CHECK(chat_heard(chat, 1) > before[1]);
    chat->is_over = true;
    for (i = 0; i < 2; i++) {
        cz_thread_join(&chatters[i].thread);
        talk_set(chat->sockets[i], ZMQ_LINGER, 0);
        TALK_OK(zmq_close(chat->sockets[i]));
    }
    TALK_OK(zmq_ctx_term(ctx));
}

static void two_dealers_find_each_other_again_after_any_byte(void **state)
{
    struct sim_config config = sim_stormy();
    struct chat chat;

    (void)state;
    sim_run_seeds(600, &config, chat_run, &chat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_at_any_byte_loses_only_what_was_on_the_wire),
        cmocka_unit_test(two_dealers_find_each_other_again_after_any_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
