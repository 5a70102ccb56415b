/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CTest: TIMEOUT 120
 *
 * The protocol that wake_model_test.c explores, in the real code and at
 * full speed: one thread writes a stream (msg/stream.h), one reads it, and
 * every byte of every message is verified. The writer pauses at random, so
 * that the reader runs dry at every place in a chunk; sizes are random, so
 * that chunks are claimed, begun again and replaced; incomplete messages
 * are taken back and idle chunks given back. A lost wake-up hangs.
 *
 * Thread: the main thread of a test writes, another one reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/random.h"
#include "msg/frame.h"
#include "msg/stream.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

enum { BODY_MAX = 300, SECONDS_MAX = 110 };

struct pair {
    struct cz_stream *stream;
    sem_t reader_wake;
    sem_t writer_wake;
    uint32_t count;
    /* How many messages the reader has found to be right. */
    _Atomic uint32_t verified;
    /* More wake-ups than one may be under way to a sleeping reader. */
    _Atomic int wakes_under_way;
    _Atomic int wakes_under_way_max;
};

/* Mostly small; sometimes more than fits into the short form. */
static size_t body_size(uint32_t number)
{
    uint32_t hash = number * 2654435761u;

    if (hash % 16 == 0)
        return 256 + (hash >> 8) % (BODY_MAX - 256);
    return 4 + (hash >> 8) % 40;
}

static void body_fill(uint8_t *body, uint32_t number)
{
    size_t size = body_size(number);

    memset(body, (int)(number & 255), size);
    memcpy(body, &number, sizeof number);
}

/* Every byte of some, the ends of all: the reader must be the faster one. */
static bool is_body(const struct cz_frame *frame, uint32_t number)
{
    uint8_t want[BODY_MAX];
    uint32_t got;

    memcpy(&got, frame->data, sizeof got);
    if (frame->size != body_size(number) || got != number)
        return false;
    if (number % 8 != 0)
        return frame->size == sizeof got ||
               frame->data[frame->size - 1] == (number & 255);
    body_fill(want, number);
    return memcmp(frame->data, want, frame->size) == 0;
}

static void wake_reader(struct pair *pair)
{
    int under_way = atomic_fetch_add(&pair->wakes_under_way, 1) + 1;

    if (under_way > atomic_load(&pair->wakes_under_way_max))
        atomic_store(&pair->wakes_under_way_max, under_way);
    sem_post(&pair->reader_wake);
}

static void reader_waits(struct pair *pair)
{
    if (pair->stream->r.owes_wake) {
        pair->stream->r.owes_wake = false;
        sem_post(&pair->writer_wake);
    }
    while (sem_wait(&pair->reader_wake) != 0)
        continue;
    atomic_fetch_sub(&pair->wakes_under_way, 1);
    cz_stream_on_wake(pair->stream);
}

static void *read_all(void *arg)
{
    struct pair *pair = arg;

    for (uint32_t next = 0; next < pair->count;) {
        struct cz_frame frame;

        if (!cz_stream_read(pair->stream, &frame)) {
            reader_waits(pair);
            continue;
        }
        if (!is_body(&frame, next))
            abort();
        atomic_store_explicit(&pair->verified, ++next, memory_order_relaxed);
        if (cz_stream_count(pair->stream) &&
            cz_stream_give_credit(pair->stream))
            sem_post(&pair->writer_wake);
    }
    return NULL;
}

static void hesitate(uint64_t *random)
{
    for (volatile uint32_t i = random_below(random, 128); i > 0; i--)
        continue;
}

/* Lets the reader catch up with what it has: the message after this one
 * meets it as it falls asleep. */
static void let_catch_up(struct pair *pair, uint32_t number, uint64_t *random)
{
    for (uint32_t turn = 1;
         atomic_load_explicit(&pair->verified, memory_order_relaxed) < number;
         turn++)
        if (turn % 4096 == 0)
            sched_yield();
    hesitate(random);
}

/* Begins a message that is never completed. */
static void write_and_take_back(struct pair *pair)
{
    static const uint8_t body[200] = {0xee};
    struct cz_frame frame = {
        .flags = CZ_FRAME_MORE, .data = body, .size = sizeof body};
    bool must_wake;

    if (cz_stream_write(pair->stream, &frame, &must_wake) == 0)
        cz_stream_rollback(pair->stream);
}

static void write_one(struct pair *pair, uint32_t number)
{
    uint8_t body[BODY_MAX];
    struct cz_frame frame = {.data = body, .size = body_size(number)};
    bool must_wake;

    body_fill(body, number);
    while (cz_stream_write(pair->stream, &frame, &must_wake) != 0) {
        while (sem_wait(&pair->writer_wake) != 0)
            continue;
        cz_stream_on_credit(pair->stream);
    }
    if (must_wake)
        wake_reader(pair);
}

static void run(uint32_t count, uint32_t hwm)
{
    uint64_t random = random_seed();
    struct pair pair = {.count = count};
    pthread_t reader;

    alarm(SECONDS_MAX);
    pair.stream = aligned_alloc(CZ_CACHE_LINE, sizeof *pair.stream);
    assert_non_null(pair.stream);
    cz_stream_init(pair.stream, hwm, NULL);
    sem_init(&pair.reader_wake, 0, 0);
    sem_init(&pair.writer_wake, 0, 0);
    assert_int_equal(pthread_create(&reader, NULL, read_all, &pair), 0);
    for (uint32_t i = 0; i < count; i++) {
        write_one(&pair, i);
        if (random_below(&random, 32) != 0 || ++i == count)
            continue;
        let_catch_up(&pair, i, &random);
        write_one(&pair, i);
        hesitate(&random);
        if (random_below(&random, 4) == 0)
            write_and_take_back(&pair);
        else
            cz_stream_trim(pair.stream);
    }
    pthread_join(reader, NULL);
    assert_int_equal(pair.verified, count);
    assert_int_equal(pair.wakes_under_way_max, 1);
    cz_stream_fini(pair.stream);
    free(pair.stream);
    sem_destroy(&pair.reader_wake);
    sem_destroy(&pair.writer_wake);
    alarm(0);
}

static void every_message_arrives_at_a_low_mark(void **state)
{
    (void)state;
    run(100000, 2);
    run(100000, 10);
}

static void every_message_arrives_at_the_usual_mark(void **state)
{
    (void)state;
    run(1000000, 1000);
}

static void every_message_arrives_without_a_mark(void **state)
{
    (void)state;
    run(1000000, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_arrives_at_a_low_mark),
        cmocka_unit_test(every_message_arrives_at_the_usual_mark),
        cmocka_unit_test(every_message_arrives_without_a_mark),
    };

    return cmocka_run_group_tests_name("stream_stress", tests, NULL, NULL);
}
