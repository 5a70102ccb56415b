/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams between two threads that sleep and wake each other as pipes do:
 * order, content and atomicity hold, nobody is woken twice for one sleep,
 * and nobody sleeps on when there is something to do (a watchdog tells). The
 * program runs twice: with the heavy barrier and, if there is one, without.
 *
 * CTest: TIMEOUT 240
 * Thread: one writer and one reader a test. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/park.h"
#include "os/random.h"
#include "os/thread.h"
#include "stream_kit.h"

#include <unistd.h>

#if CZ_TSAN
enum { SCALE = 20 };
#elif defined(__SANITIZE_ADDRESS__)
enum { SCALE = 4 };
#else
enum { SCALE = 1 };
#endif

enum { PATIENCE_US = 30000000, FRAMES_MAX = 5 };

enum shape { TINY, MIXED, LARGE, RESTLESS };

struct course {
    uint32_t messages;
    uint32_t hwm;
    enum shape shape;
    bool is_wire;
};

struct duo {
    struct cz_stream stream;
    _Atomic uint32_t reader_bell; /* wake-ups sent so far */
    _Atomic uint32_t writer_bell;
    uint32_t reader_heard;
    uint32_t writer_heard;
    struct course course;
    uint32_t seed;
    uint8_t space[CZ_REF_MIN];
};

/* ---- chance: both sides know every message from its number ---------- */

static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

static unsigned frame_count(const struct duo *d, uint32_t number)
{
    uint32_t x = mix(d->seed + number * 2);

    return d->course.shape == TINY || d->course.shape == RESTLESS || x % 4
               ? 1
               : 1 + x / 4 % FRAMES_MAX;
}

static size_t frame_size(const struct duo *d, uint32_t number, unsigned frame)
{
    uint32_t x = mix(d->seed + number * 8 + frame + 77);

    switch (d->course.shape) {
    case TINY:
    case RESTLESS:
        return 4;
    case MIXED:
        return x % 64 ? x / 64 % 300 : x / 64 % 20000;
    default:
        return CZ_REF_MIN - 40 + x % 80;
    }
}

/* The batches shall have all lengths. */
static void maybe_pause(uint32_t *dice)
{
    *dice = mix(*dice + 1);
    if (*dice % 512 == 0)
        cz_thread_yield();
    else if (*dice % 8192 == 1)
        usleep(50); /* an uneven writer, nothing is waited for */
}

/* ---- bells ---------------------------------------------------------- */

static void ring(_Atomic uint32_t *bell)
{
    atomic_fetch_add(bell, 1);
    cz_unpark(bell, 1);
}

static void await(_Atomic uint32_t *bell, uint32_t *heard)
{
    uint64_t deadline_us = cz_clock_us() + PATIENCE_US;

    while (atomic_load(bell) == *heard) {
        int rc = cz_park(bell, *heard, deadline_us);

        CHECK(rc != -ETIMEDOUT);
    }
    ++*heard;
    CHECK(atomic_load(bell) == *heard);
}

/* ---- the writer ----------------------------------------------------- */

static int write_frame(struct duo *d, uint32_t seed, size_t size, bool has_more)
{
    struct cz_frame frame;
    bool must_wake;
    int rc;

    CHECK(kit_frame(&frame, d->space, seed, size, has_more));
    rc = cz_stream_write(&d->stream, &frame, &must_wake);
    if (rc != 0 && frame.buffer)
        cz_buffer_unref(frame.buffer);
    if (must_wake)
        ring(&d->reader_bell);
    return rc;
}

/* What happens between messages in a real pipe. */
static void fidget(struct duo *d, uint32_t dice)
{
    if (d->course.shape == RESTLESS)
        return;
    if (dice % 64 == 3)
        cz_stream_trim(&d->stream);
    if (dice % 64 > 2)
        return;
    if (write_frame(d, dice, dice / 64 % 3000, true) == 0) {
        if (dice % 2)
            (void)!write_frame(d, dice, dice / 64 % 9000, true);
        cz_stream_rollback(&d->stream);
    }
}

/* After a burst: takes the reader's mark as soon as it is there, while the
 * reader is still about to look once more, and goes on at once elsewhere. */
static void restless_pause(struct duo *d, uint32_t number)
{
    if (d->course.shape != RESTLESS || number % 32)
        return;
    for (int i = 0; i < 400 && cz_stream_is_fat(&d->stream); i++) {
        cz_stream_trim(&d->stream);
        cz_cpu_relax();
    }
}

static void write_all(void *arg)
{
    struct duo *d = arg;
    uint32_t dice = d->seed;

    for (uint32_t number = 0; number < d->course.messages; number++) {
        unsigned count = frame_count(d, number);

        fidget(d, mix(dice + number));
        restless_pause(d, number);
        for (unsigned i = 0; i < count; i++) {
            while (write_frame(d, number + i, frame_size(d, number, i),
                               i + 1 < count) != 0) {
                CHECK(i == 0 && d->course.hwm > 0);
                await(&d->writer_bell, &d->writer_heard);
                cz_stream_on_credit(&d->stream);
            }
        }
        maybe_pause(&dice);
    }
}

/* ---- the reader ----------------------------------------------------- */

static void sleep_reader(struct duo *d)
{
    if (d->stream.r.owes_wake) {
        d->stream.r.owes_wake = false;
        ring(&d->writer_bell);
    }
    await(&d->reader_bell, &d->reader_heard);
    cz_stream_on_wake(&d->stream);
}

static void read_all(struct duo *d)
{
    struct cz_stream *s = &d->stream;
    uint32_t dice = ~d->seed;

    for (uint32_t number = 0; number < d->course.messages; number++) {
        unsigned count = frame_count(d, number);

        for (unsigned i = 0; i < count; i++) {
            struct cz_frame frame;

            while (!cz_stream_read(s, &frame)) {
                CHECK(i == 0);
                sleep_reader(d);
            }
            CHECK(frame.flags == (i + 1 < count ? CZ_FRAME_MORE : 0));
            CHECK(frame.size == frame_size(d, number, i));
            CHECK(kit_matches(frame.data, number + i, frame.size));
            if (frame.buffer)
                cz_buffer_unref(frame.buffer);
        }
        if (cz_stream_count(s) && cz_stream_give_credit(s))
            ring(&d->writer_bell);
        maybe_pause(&dice);
    }
}

/* Takes the wire bytes apart again, piece by piece. */
struct wire {
    const struct duo *duo;
    uint32_t number;
    unsigned frame;
    size_t at; /* in the frame, header included */
};

static void wire_take(struct wire *w, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        unsigned count = frame_count(w->duo, w->number);
        size_t body = frame_size(w->duo, w->number, w->frame);
        uint8_t header[CZ_FRAME_HEADER_MAX];
        size_t header_size = cz_frame_put_header(
            header, w->frame + 1 < count ? CZ_FRAME_MORE : 0, body);
        uint8_t expected = w->at < header_size ? header[w->at]
                                               : kit_byte(w->number + w->frame,
                                                          w->at - header_size);

        if (w->at < header_size + body) {
            CHECK(*bytes == expected);
            w->at++;
            bytes++;
            size--;
        }
        if (w->at == header_size + body) {
            w->at = 0;
            w->frame++;
        }
        if (w->frame == count) {
            w->frame = 0;
            w->number++;
        }
    }
}

static void send_all(struct duo *d)
{
    struct cz_stream *s = &d->stream;
    struct wire wire = {.duo = d};
    uint32_t dice = ~d->seed;

    while (wire.number < d->course.messages) {
        struct iovec pieces[8];
        size_t total = 0;
        int count;

        dice = mix(dice + 1);
        count =
            cz_stream_gather(s, pieces, 2 + (int)(dice % 7), 1 + dice % 100000);
        if (count == 0) {
            sleep_reader(d);
            continue;
        }
        /* The kernel takes as much as it likes. */
        for (int i = 0; i < count; i++) {
            size_t part = pieces[i].iov_len;

            if (dice % 3 == 0)
                part = mix(dice + (uint32_t)i) % (part + 1);
            wire_take(&wire, pieces[i].iov_base, part);
            total += part;
            if (part < pieces[i].iov_len)
                break;
        }
        if (cz_stream_sent(s, total) && cz_stream_give_credit(s))
            ring(&d->writer_bell);
        maybe_pause(&dice);
    }
    CHECK(wire.at == 0 && wire.frame == 0);
}

/* ---- courses -------------------------------------------------------- */

static void run(struct course course)
{
    static struct duo duo;
    struct cz_thread writer = {0};
    struct cz_frame frame;

    course.messages /= SCALE;
    memset(&duo, 0, sizeof duo);
    duo.course = course;
    duo.seed = cz_random_u32();
    print_message("seed %u, hwm %u, shape %d\n", duo.seed, course.hwm,
                  course.shape);
    cz_stream_init(&duo.stream, course.hwm, NULL);
    assert_int_equal(cz_thread_start(&writer, NULL, write_all, &duo), 0);
    if (course.is_wire)
        send_all(&duo);
    else
        read_all(&duo);
    cz_thread_join(&writer);
    assert_false(cz_stream_read(&duo.stream, &frame));
    assert_int_equal(duo.stream.r.consumed, course.messages);
    cz_stream_fini(&duo.stream);
}

static void tiny_messages_arrive(void **state)
{
    (void)state;
    run((struct course){.messages = 4000000, .hwm = 1000, .shape = TINY});
}

static void tiny_messages_arrive_without_a_mark(void **state)
{
    (void)state;
    run((struct course){.messages = 4000000, .hwm = 0, .shape = TINY});
}

static void a_mark_of_one_hands_over_each_message(void **state)
{
    (void)state;
    run((struct course){.messages = 40000, .hwm = 1, .shape = TINY});
    run((struct course){.messages = 40000, .hwm = 1, .shape = MIXED});
}

static void a_mark_of_two_is_no_trap(void **state)
{
    (void)state;
    run((struct course){.messages = 40000, .hwm = 2, .shape = TINY});
    run((struct course){.messages = 40000, .hwm = 2, .shape = MIXED});
}

static void messages_of_all_sizes_arrive(void **state)
{
    (void)state;
    run((struct course){.messages = 600000, .hwm = 1000, .shape = MIXED});
    run((struct course){.messages = 300000, .hwm = 30, .shape = MIXED});
    run((struct course){.messages = 200000, .hwm = 0, .shape = MIXED});
}

static void a_stream_may_move_under_a_reader_falling_asleep(void **state)
{
    (void)state;
    run((struct course){.messages = 1000000, .hwm = 0, .shape = RESTLESS});
}

static void references_change_hands(void **state)
{
    (void)state;
    run((struct course){.messages = 10000, .hwm = 7, .shape = LARGE});
    run((struct course){.messages = 10000, .hwm = 100, .shape = LARGE});
}

static void everything_goes_out_on_the_wire(void **state)
{
    static const uint32_t marks[] = {1, 2, 30, 1000, 0};

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(marks); i++) {
        struct course c = {.hwm = marks[i], .is_wire = true};

        c.messages = c.hwm == 1 || c.hwm == 2 ? 20000 : 200000;
        c.shape = TINY;
        run(c);
        c.messages /= 4;
        c.shape = MIXED;
        run(c);
        c.messages /= 10;
        c.shape = LARGE;
        run(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_messages_arrive),
        cmocka_unit_test(tiny_messages_arrive_without_a_mark),
        cmocka_unit_test(a_mark_of_one_hands_over_each_message),
        cmocka_unit_test(a_mark_of_two_is_no_trap),
        cmocka_unit_test(messages_of_all_sizes_arrive),
        cmocka_unit_test(a_stream_may_move_under_a_reader_falling_asleep),
        cmocka_unit_test(references_change_hands),
        cmocka_unit_test(everything_goes_out_on_the_wire),
    };
    bool has_barrier = cz_heavy_barrier_available();
    int rc;

    print_message("heavy barrier: %s\n", has_barrier ? "yes" : "no");
    rc = cmocka_run_group_tests_name("stream_threads", tests, NULL, NULL);
    if (rc != 0 || !has_barrier)
        return rc;
    setenv("CERO_NO_MEMBARRIER", "1", 1);
    execl("/proc/self/exe", "stream_threads_test", (char *)NULL);
    return 1;
}
