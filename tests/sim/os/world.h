/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The heart of the simulation: threads that take turns, virtual time,
 * events that are due later, and the seed's random numbers.
 *
 *   sim_point   the running thread lets the scheduler choose anew
 *   sim_wait    it waits on a channel (any address), perhaps with a deadline
 *   sim_wake    it makes waiters of a channel runnable
 *   sim_after   a function runs at a later virtual time
 *   sim_note    one line of the trace, which is hashed
 *
 * Plain malloc is used throughout: the library's allocation gateway counts
 * the library's own allocations.
 *
 * Thread: everything by the one thread whose turn it is.
 */
#ifndef CZ_SIM_OS_WORLD_H
#define CZ_SIM_OS_WORLD_H

#include "sim/sim.h"

#include <pthread.h>
#include <semaphore.h>

enum { SIM_THREADS_MAX = 256, SIM_NOTES_MAX = 64 };

#define SIM_NEVER UINT64_MAX

enum sim_thread_state { SIM_RUNNABLE, SIM_WAITING, SIM_ENDED };

struct sim_thread {
    unsigned serial; /* 1 for the main one */
    char name[16];
    enum sim_thread_state state;
    pthread_t handle;
    sem_t turn; /* posted when it may run */
    void (*run)(void *arg);
    void *arg;

    const void *channel;     /* while it waits: for what */
    const char *waits_in;    /* ... in which call */
    uint64_t deadline_ns;    /* ... until when */
    int wait_result;         /* 0 or -ETIMEDOUT */
    int64_t priority;        /* for the strategy that has priorities */
    unsigned turns_in_a_row; /* since another thread ran */
    bool wants_rest;         /* spins or yields: let others go first */
};

struct sim_event {
    struct sim_event *next;
    uint64_t at_ns;
    void (*run)(void *arg, uint64_t value);
    void *arg;
    uint64_t value;
};

/* A line of the trace. */
struct sim_note {
    uint64_t at_ns;
    unsigned thread;
    const char *what;
    int64_t a, b;
};

/* Separate streams of random numbers, so that a change in one area moves
 * the others as little as possible. */
enum sim_dice {
    SIM_DICE_TURNS,
    SIM_DICE_FAULTS,
    SIM_DICE_BYTES,
    SIM_DICE_TEST
};

struct sim_world {
    bool is_running;
    uint64_t seed;
    struct sim_config config;
    uint64_t now_ns;
    uint64_t start_ns;
    uint64_t steps;
    uint64_t hash;
    uint64_t dice[4];

    struct sim_thread *current; /* NULL: no simulated thread runs */
    struct sim_thread *threads[SIM_THREADS_MAX];
    unsigned thread_count;
    sem_t all_ended;

    unsigned switch_chance; /* in 1000; 0 = by priority */
    unsigned blocks_mean;   /* of code between two points; 0 = no points */
    uint64_t blocks_left;   /* until the next one */
    int64_t lowest_priority;

    struct sim_event *events; /* by time, then by age */

    bool is_parted;       /* by sim_part_network */
    bool reset_is_wanted; /* by sim_reset_after, for the next connection */
    bool reset_has_happened;
    enum sim_direction reset_direction;
    uint64_t reset_bytes;
    uint64_t names_delay_us; /* by sim_slow_names */
    unsigned names_failing;  /* likewise */
    unsigned names_begun, names_ended;
    uint16_t next_port;
    unsigned next_name;

    struct sim_note notes[SIM_NOTES_MAX]; /* the last ones, a ring */
    uint64_t note_count;
    bool prints_notes;
};

extern struct sim_world sim;

/* sched.c */
void sim_point(void);
/* The running thread spins or yields: time passes, others go first. */
void sim_pause(uint64_t ns);
/* 0 or -ETIMEDOUT. */
int sim_wait(const char *what, const void *channel, uint64_t deadline_ns);
void sim_wake(const void *channel, int count);
void sim_wake_thread(struct sim_thread *thread);
void sim_after(uint64_t delay_ns, void (*run)(void *arg, uint64_t value),
               void *arg, uint64_t value);
/* Gives the turn away for good. */
void sim_leave(void);
void sim_await_turn(struct sim_thread *self);
uint64_t sim_deadline_ns(uint64_t deadline_us);

/* dice.c */
void sim_dice_init(uint64_t seed);
uint64_t sim_roll(enum sim_dice dice);
uint64_t sim_below(enum sim_dice dice, uint64_t limit);
/* True in `chance` of 1000 cases. */
bool sim_fault(unsigned chance);

/* thread.c */
struct sim_thread *sim_thread_create(const char *name, void (*run)(void *arg),
                                     void *arg);
void sim_threads_join_all(void);

/* report.c */
void sim_note(const char *what, int64_t a, int64_t b);
void sim_report_install(void);

/* net.c, data_file.c and file.c: what a run leaves behind is freed. How many
 * descriptors were open. */
unsigned sim_net_end(void);
unsigned sim_data_end(void);
void sim_files_end(void);

#endif
