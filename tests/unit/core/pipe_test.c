/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pipes between two owners on two threads: whatever one end sent before it
 * closed arrives whole and in order, both learn of the other's end, and
 * nobody waits for nothing (a watchdog tells).
 *
 * CTest: TIMEOUT 180
 * Thread: the main thread owns one end and a helper the other.
 * Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/pipe.h"
#include "fuzz/check.h"
#include "msg/metadata.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/thread.h"

#include <errno.h>

#if CZ_TSAN
enum { SCALE = 10 };
#elif defined(__SANITIZE_ADDRESS__)
enum { SCALE = 4 };
#else
enum { SCALE = 1 };
#endif

enum { PATIENCE_US = 30000000 };

/* An owner of one end. */
struct party {
    struct cz_mailbox *mailbox;
    struct cz_pipe_end *end; /* NULL before it is attached, and once closed */
    uint32_t to_send;        /* closes after so many messages */
    uint32_t to_receive;
    bool closes_early; /* whatever is there to receive */
    uint32_t sent;
    uint32_t received;
    bool is_peer_closed;
    bool was_attached;
    unsigned readable_count;
    unsigned writable_count;
    struct cz_thread thread;
};

static void on_attach(void *owner, struct cz_pipe_end *end)
{
    struct party *party = owner;

    party->end = end;
    party->was_attached = true;
}

static void on_readable(void *owner, struct cz_pipe_end *end)
{
    struct party *party = owner;

    CHECK(party->end == end);
    party->readable_count++;
}

static void on_writable(void *owner, struct cz_pipe_end *end)
{
    struct party *party = owner;

    CHECK(party->end == end);
    party->writable_count++;
}

static void on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    struct party *party = owner;

    CHECK(party->end == end);
    CHECK(!party->is_peer_closed);
    party->is_peer_closed = true;
}

static const struct cz_pipe_events events = {
    .on_attach = on_attach,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_peer_closed = on_peer_closed,
};

static void party_init(struct party *party)
{
    *party = (struct party){.mailbox = cz_mailbox_create(NULL)};
    assert_non_null(party->mailbox);
}

static void party_close(struct party *party)
{
    struct cz_pipe_end *end = party->end;

    party->end = NULL;
    if (end)
        cz_pipe_close(end, 0);
}

static void party_fini(struct party *party)
{
    party_close(party);
    cz_mailbox_close(party->mailbox);
    cz_mailbox_unref(party->mailbox);
}

/* Two frames: the number, and as many bytes of it as it says. */
static int send_number(struct cz_pipe_end *end, uint32_t number)
{
    uint8_t text[64];
    struct cz_frame frame = {
        .data = (uint8_t *)&number,
        .size = sizeof number,
        .flags = CZ_FRAME_MORE,
    };
    int rc;

    if (!cz_pipe_is_writable(end))
        return -EAGAIN;
    rc = cz_pipe_write(end, &frame);
    CHECK(rc == 0);
    memset(text, (int)number, sizeof text);
    frame.data = text;
    frame.size = number % sizeof text;
    frame.flags = 0;
    return cz_pipe_write(end, &frame);
}

static bool receive_number(struct cz_pipe_end *end, uint32_t *number)
{
    struct cz_frame frame;

    if (!cz_pipe_read(end, &frame))
        return false;
    CHECK(frame.flags == CZ_FRAME_MORE && frame.size == sizeof *number);
    memcpy(number, frame.data, sizeof *number);
    CHECK(cz_pipe_read(end, &frame));
    CHECK(frame.flags == 0 && frame.size == *number % 64);
    for (size_t i = 0; i < frame.size; i++)
        CHECK(frame.data[i] == (uint8_t)*number);
    return true;
}

static void party_wait(struct party *party)
{
    int rc = cz_mailbox_park(party->mailbox, cz_clock_us() + PATIENCE_US);

    CHECK(rc == 0);
    cz_mailbox_run(party->mailbox);
}

/* Sends and receives as much as it is told to, or until the far end has
 * closed and nothing is left to read. */
static void party_play(struct party *party)
{
    while (party->sent < party->to_send ||
           (party->received < party->to_receive && !party->closes_early)) {
        uint32_t number;
        bool was_peer_closed = party->is_peer_closed;
        bool is_busy = false;

        if (party->received < party->to_receive &&
            receive_number(party->end, &number)) {
            CHECK(number == party->received);
            party->received++;
            is_busy = true;
        }
        if (party->sent < party->to_send &&
            send_number(party->end, party->sent) == 0) {
            party->sent++;
            is_busy = true;
        }
        if (is_busy) {
            if (party->sent % 64 == 0)
                cz_mailbox_run(party->mailbox);
            continue;
        }
        if (was_peer_closed)
            break;
        if (!cz_mailbox_run(party->mailbox))
            party_wait(party);
    }
}

static void party_main(void *arg)
{
    struct party *party = arg;

    while (!party->end)
        party_wait(party);
    party_play(party);
    party_close(party);
}

/* Owned from the beginning, by both. */
static void join_up(struct party *a, struct party *b, uint32_t hwm)
{
    const uint32_t marks[2] = {hwm, hwm};
    struct cz_pipe *pipe = cz_pipe_create(marks, NULL);

    assert_non_null(pipe);
    party_init(a);
    party_init(b);
    a->end = &pipe->ends[0];
    cz_pipe_own(&pipe->ends[0], a->mailbox, &events, a);
    cz_pipe_own(&pipe->ends[1], b->mailbox, &events, b);
    assert_true(cz_pipe_post_attach(&pipe->ends[1]));
}

static void the_owner_hears_of_its_new_end(void **state)
{
    struct party a;
    struct party b;

    (void)state;
    join_up(&a, &b, 10);
    assert_null(b.end);
    assert_true(cz_mailbox_run(b.mailbox));
    assert_ptr_equal(b.end, a.end->peer);
    party_fini(&a);
    party_fini(&b);
}

static void a_pipe_may_end_before_it_is_attached(void **state)
{
    struct party a;
    struct party b;
    struct cz_pipe_end *far;

    (void)state;
    join_up(&a, &b, 10);
    far = a.end->peer;
    cz_mailbox_close(b.mailbox);
    assert_false(cz_pipe_post_attach(far));
    cz_pipe_close(far, 0);
    b.end = NULL;
    cz_mailbox_run(a.mailbox);
    assert_true(a.is_peer_closed);
    party_close(&a);
    cz_mailbox_unref(b.mailbox);
    party_fini(&a);
}

static void commands_come_once_and_in_order(void **state)
{
    struct party a;
    struct party b;
    uint32_t number;

    (void)state;
    join_up(&a, &b, 4);
    cz_mailbox_run(b.mailbox);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(send_number(a.end, i), 0);
    assert_int_equal(send_number(a.end, 4), -EAGAIN);
    assert_false(cz_pipe_is_writable(a.end));
    cz_mailbox_run(b.mailbox);
    assert_int_equal(b.readable_count, 1);
    assert_true(cz_pipe_is_readable(b.end));
    assert_true(receive_number(b.end, &number));
    assert_false(cz_mailbox_run(a.mailbox));
    assert_true(receive_number(b.end, &number));
    assert_true(cz_mailbox_run(a.mailbox));
    assert_int_equal(a.writable_count, 1);
    assert_int_equal(send_number(a.end, 4), 0);
    party_close(&a);
    cz_mailbox_run(b.mailbox);
    assert_true(b.is_peer_closed);
    for (uint32_t i = 2; i < 5; i++) {
        assert_true(cz_pipe_is_readable(b.end));
        assert_true(receive_number(b.end, &number));
        assert_int_equal(number, i);
    }
    assert_false(cz_pipe_is_readable(b.end));
    assert_int_equal(b.readable_count, 1);
    party_fini(&a);
    party_fini(&b);
}

static void reading_may_be_put_off_to_another_command(void **state)
{
    struct party a;
    struct party b;
    uint32_t number;

    (void)state;
    join_up(&a, &b, 4);
    cz_mailbox_run(b.mailbox);
    assert_int_equal(cz_pipe_waiting(b.end), 0);
    assert_int_equal(send_number(a.end, 0), 0);
    assert_int_equal(send_number(a.end, 1), 0);
    cz_mailbox_run(b.mailbox);
    assert_int_equal(cz_pipe_waiting(b.end), 2);
    assert_true(receive_number(b.end, &number));
    assert_int_equal(cz_pipe_waiting(b.end), 1);
    cz_pipe_read_later(b.end);
    assert_int_equal(b.readable_count, 1);
    assert_true(cz_mailbox_run(b.mailbox));
    assert_int_equal(b.readable_count, 2);
    assert_true(receive_number(b.end, &number));
    assert_int_equal(number, 1);
    cz_pipe_read_later(b.end);
    party_close(&b);
    party_fini(&b); /* and what was put off comes to nothing */
    party_fini(&a);
}

static void metadata_goes_with_the_messages_behind_it(void **state)
{
    struct party a;
    struct party b;
    struct cz_frame frame = {.data = (const uint8_t *)"x", .size = 1};
    struct cz_frame got;

    (void)state;
    join_up(&a, &b, 10);
    cz_mailbox_run(b.mailbox);
    assert_int_equal(cz_pipe_write(a.end, &frame), 0);
    for (int fd = 1; fd <= 3; fd++) {
        assert_int_equal(
            cz_pipe_write_metadata(a.end, cz_metadata_create(NULL, 0, fd)), 0);
        if (fd != 2)
            assert_int_equal(cz_pipe_write(a.end, &frame), 0);
    }
    cz_mailbox_run(b.mailbox);
    assert_true(cz_pipe_read(b.end, &got));
    assert_null(got.metadata);
    assert_true(cz_pipe_read(b.end, &got));
    assert_int_equal(cz_metadata_fd(got.metadata), 1);
    assert_true(cz_pipe_read(b.end, &got));
    assert_int_equal(cz_metadata_fd(got.metadata), 3);
    assert_int_equal(
        cz_pipe_write_metadata(a.end, cz_metadata_create(NULL, 0, 4)), 0);
    cz_mailbox_run(b.mailbox);
    assert_false(cz_pipe_is_readable(b.end));
    assert_int_equal(cz_metadata_fd(b.end->metadata), 4);
    assert_int_equal(
        cz_pipe_write_metadata(a.end, cz_metadata_create(NULL, 0, 5)), 0);
    /* Of connections that nobody looks at, it does not pile up for ever. */
    for (int i = 0; i < 100000; i++)
        assert_int_equal(cz_pipe_write_metadata(a.end, NULL), 0);
    cz_mailbox_run(b.mailbox);
    assert_false(cz_pipe_is_readable(b.end));
    assert_in_range(atomic_load(&b.end->notes_taken), 1, 10000);
    assert_int_equal(
        cz_pipe_write_metadata(a.end, cz_metadata_create(NULL, 0, 6)), 0);
    party_fini(&a);
    party_fini(&b);
}

/* ---- two threads ---------------------------------------------------- */

/* Plays until both have closed; the threads sync by the pipe alone. */
static void play(struct party *a, struct party *b)
{
    assert_int_equal(cz_thread_start(&b->thread, NULL, party_main, b), 0);
    party_play(a);
    party_close(a);
    cz_thread_join(&b->thread);
}

static void messages_pass_in_both_directions(void **state)
{
    static const uint32_t marks[] = {1, 2, 10, 1000, 0};

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(marks); i++) {
        uint32_t count = (marks[i] == 1 || marks[i] == 2 ? 10000 : 200000);
        struct party a;
        struct party b;

        join_up(&a, &b, marks[i]);
        a.to_send = a.to_receive = b.to_send = b.to_receive = count / SCALE;
        play(&a, &b);
        assert_int_equal(a.received, count / SCALE);
        assert_int_equal(b.received, count / SCALE);
        party_fini(&a);
        party_fini(&b);
    }
}

static void what_was_sent_before_closing_arrives(void **state)
{
    uint32_t seed = cz_random_u32();

    (void)state;
    print_message("seed %u\n", seed);
    for (uint32_t round = 0; round < 2000 / SCALE; round++) {
        struct party a;
        struct party b;

        join_up(&a, &b, seed % 3 ? 5 + seed % 40 : 0);
        seed = seed * 1664525 + 1013904223;
        /* The one that only receives goes on to the other's end. */
        a.to_send = (seed >> 16) % 300;
        b.to_receive = UINT32_MAX;
        if (seed & 1024) {
            b.to_send = a.to_send;
            a.to_receive = UINT32_MAX;
            b.to_receive = 0;
            a.to_send = 0;
        }
        play(&a, &b);
        assert_int_equal(a.received + b.received, a.sent + b.sent);
        party_fini(&a);
        party_fini(&b);
    }
}

static void either_end_may_close_at_any_time(void **state)
{
    uint32_t seed = cz_random_u32();

    (void)state;
    print_message("seed %u\n", seed);
    for (uint32_t round = 0; round < 3000 / SCALE; round++) {
        struct party a;
        struct party b;

        join_up(&a, &b, seed % 4 ? 1 + seed % 9 : 0);
        seed = seed * 1664525 + 1013904223;
        a.to_send = (seed >> 8) % 200;
        b.to_send = (seed >> 16) % 200;
        a.to_receive = b.to_receive = UINT32_MAX;
        a.closes_early = b.closes_early = true;
        play(&a, &b);
        assert_true(a.received <= b.sent && b.received <= a.sent);
        party_fini(&a);
        party_fini(&b);
    }
}

/* ---- adoption ------------------------------------------------------- */

struct orphan {
    struct party *party;
    struct cz_pipe_end *end;
    uint32_t delay;
    struct cz_thread thread;
};

static void adopt_main(void *arg)
{
    struct orphan *orphan = arg;
    struct party *party = orphan->party;

    for (uint32_t i = 0; i < orphan->delay; i++)
        cz_cpu_relax();
    party->end = orphan->end;
    cz_pipe_adopt(orphan->end, party->mailbox, &events, party);
    party_play(party);
    party_close(party);
}

/* The first may have begun, filled the pipe, or closed by then. */
static void an_end_may_be_adopted_at_any_time(void **state)
{
    uint32_t seed = cz_random_u32();

    (void)state;
    print_message("seed %u\n", seed);
    for (uint32_t round = 0; round < 4000 / SCALE; round++) {
        const uint32_t marks[2] = {seed % 3 ? 1 + seed % 50 : 0, 10};
        struct cz_pipe *pipe = cz_pipe_create(marks, NULL);
        struct party a;
        struct party b;
        struct orphan orphan = {.party = &b, .end = &pipe->ends[1]};

        party_init(&a);
        party_init(&b);
        a.end = &pipe->ends[0];
        cz_pipe_own(a.end, a.mailbox, &events, &a);
        seed = seed * 1664525 + 1013904223;
        orphan.delay = (seed >> 16) % 1500;
        a.to_send = (seed >> 8) % 100;
        a.to_receive = seed & 1 << 30 ? 1 : 0;
        b.to_send = a.to_receive;
        b.to_receive = UINT32_MAX;
        assert_int_equal(
            cz_thread_start(&orphan.thread, NULL, adopt_main, &orphan), 0);
        party_play(&a);
        party_close(&a);
        cz_thread_join(&orphan.thread);
        assert_int_equal(b.received, a.sent);
        party_fini(&a);
        party_fini(&b);
    }
}

/* One message a round, written just when the end is adopted. */
struct duel {
    struct party b;
    struct cz_pipe_end *end;
    _Atomic unsigned begun;
    _Atomic unsigned ended;
};

enum { DUELS = 40000 / SCALE };

static void duel_main(void *arg)
{
    struct duel *duel = arg;

    for (unsigned round = 1; round <= DUELS; round++) {
        struct party *b = &duel->b;

        while (atomic_load(&duel->begun) < round)
            cz_cpu_relax();
        b->end = duel->end;
        b->sent = b->received = 0;
        b->is_peer_closed = false;
        cz_pipe_adopt(duel->end, b->mailbox, &events, b);
        party_play(b);
        CHECK(b->received == 1);
        party_close(b);
        atomic_store(&duel->ended, round);
    }
}

static void adoption_and_the_first_message_do_not_miss_each_other(void **state)
{
    const uint32_t marks[2] = {1, 1};
    static struct duel duel;
    struct cz_thread thread = {0};
    struct party a;

    (void)state;
    memset(&duel, 0, sizeof duel);
    party_init(&a);
    party_init(&duel.b);
    duel.b.to_receive = UINT32_MAX;
    assert_int_equal(cz_thread_start(&thread, NULL, duel_main, &duel), 0);
    for (unsigned round = 1; round <= DUELS; round++) {
        struct cz_pipe *pipe = cz_pipe_create(marks, NULL);

        a.end = &pipe->ends[0];
        cz_pipe_own(a.end, a.mailbox, &events, &a);
        duel.end = &pipe->ends[1];
        atomic_store(&duel.begun, round);
        for (unsigned i = 0; i < round % 16; i++)
            cz_cpu_relax();
        assert_int_equal(send_number(a.end, 0), 0);
        party_close(&a);
        while (atomic_load(&duel.ended) < round)
            cz_thread_yield();
        cz_mailbox_run(a.mailbox);
    }
    cz_thread_join(&thread);
    party_fini(&a);
    party_fini(&duel.b);
}

static void an_end_that_nobody_adopts_is_freed(void **state)
{
    const uint32_t marks[2] = {10, 10};
    struct cz_pipe *pipe = cz_pipe_create(marks, NULL);
    struct party a;

    (void)state;
    party_init(&a);
    a.end = &pipe->ends[0];
    cz_pipe_own(a.end, a.mailbox, &events, &a);
    assert_int_equal(send_number(a.end, 0), 0);
    cz_pipe_close(&pipe->ends[1], 0);
    cz_mailbox_run(a.mailbox);
    assert_true(a.is_peer_closed);
    party_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_hears_of_its_new_end),
        cmocka_unit_test(a_pipe_may_end_before_it_is_attached),
        cmocka_unit_test(commands_come_once_and_in_order),
        cmocka_unit_test(reading_may_be_put_off_to_another_command),
        cmocka_unit_test(metadata_goes_with_the_messages_behind_it),
        cmocka_unit_test(messages_pass_in_both_directions),
        cmocka_unit_test(what_was_sent_before_closing_arrives),
        cmocka_unit_test(either_end_may_close_at_any_time),
        cmocka_unit_test(an_end_may_be_adopted_at_any_time),
        cmocka_unit_test(adoption_and_the_first_message_do_not_miss_each_other),
        cmocka_unit_test(an_end_that_nobody_adopts_is_freed),
    };

    return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
