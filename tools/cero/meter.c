/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The progress line and the totals.
 *
 * Thread: one owner.
 * Owns: nothing.
 */
#include "meter.h"

#include <err.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { METER_PERIOD_MS = 1000 };

int64_t meter_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Three digits and the prefix of the unit, which is ' ' for none. */
static char meter_scale(double value, char text[16])
{
    static const char prefixes[] = {' ', 'k', 'M', 'G', 'T'};
    size_t prefix = 0;
    int decimals;

    while (value >= 999.5 && prefix + 1 < sizeof prefixes) {
        value /= 1000;
        prefix++;
    }
    decimals = prefix == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, 16, "%.*f", decimals, value);
    return prefixes[prefix];
}

const char *meter_human(char buffer[32], double value)
{
    char digits[16];
    char prefix = meter_scale(value, digits);

    if (prefix == ' ')
        snprintf(buffer, 32, "%s", digits);
    else
        snprintf(buffer, 32, "%s %c", digits, prefix);
    return buffer;
}

const char *meter_human_bytes(char buffer[32], double value)
{
    char digits[16];
    char prefix = meter_scale(value, digits);

    if (prefix == ' ')
        snprintf(buffer, 32, "%s B", digits);
    else
        snprintf(buffer, 32, "%s %cB", digits, prefix);
    return buffer;
}

void meter_init(struct meter *meter, bool is_quiet, bool is_verbose)
{
    bool is_terminal = isatty(STDERR_FILENO);

    *meter = (struct meter){
        .shows_progress = is_terminal && !is_quiet,
        .shows_total = (is_terminal && !is_quiet) || is_verbose,
        .start_ns = meter_now_ns(),
    };
    meter->shown_ns = meter->start_ns;
}

static uint64_t meter_messages(const struct meter *meter)
{
    return meter->sent.messages + meter->received.messages;
}

static void meter_describe(char *text, size_t size, const char *verb,
                           const struct tally *tally)
{
    char bytes[32];

    snprintf(text, size, "%s %llu messages, %s", verb,
             (unsigned long long)tally->messages,
             meter_human_bytes(bytes, (double)tally->bytes));
}

/* "sent 12 messages, 1.2 MB, received 3 messages, 10 B". */
static void meter_totals(const struct meter *meter, char *text, size_t size)
{
    char sent[96] = "";
    char received[96] = "";

    if (meter->sent.messages > 0)
        meter_describe(sent, sizeof sent, "sent", &meter->sent);
    if (meter->received.messages > 0 || meter->sent.messages == 0)
        meter_describe(received, sizeof received, "received", &meter->received);
    snprintf(text, size, "%s%s%s", sent, sent[0] && received[0] ? ", " : "",
             received);
}

void meter_update(struct meter *meter)
{
    int64_t now_ns;
    double rate;
    char totals[200];
    char human[32];

    if (!meter->shows_progress)
        return;
    now_ns = meter_now_ns();
    if (now_ns - meter->shown_ns < METER_PERIOD_MS * INT64_C(1000000))
        return;
    rate = (double)(meter_messages(meter) - meter->shown_messages) * 1e9 /
           (double)(now_ns - meter->shown_ns);
    meter_totals(meter, totals, sizeof totals);
    fprintf(stderr, "\r%s, %s msg/s\033[K", totals, meter_human(human, rate));
    meter->shown_ns = now_ns;
    meter->shown_messages = meter_messages(meter);
    meter->is_dirty = true;
}

int meter_wait_ms(const struct meter *meter)
{
    return meter->shows_progress ? METER_PERIOD_MS : -1;
}

void meter_clear(struct meter *meter)
{
    if (meter->is_dirty)
        fputs("\r\033[K", stderr);
    meter->is_dirty = false;
}

void meter_finish(struct meter *meter)
{
    double seconds = (double)(meter_now_ns() - meter->start_ns) / 1e9;
    char totals[200];
    char human[32];

    meter_clear(meter);
    if (!meter->shows_total)
        return;
    meter_totals(meter, totals, sizeof totals);
    warnx("%s in %.2f s, %s msg/s", totals, seconds,
          meter_human(human, (double)meter_messages(meter) / seconds));
}
