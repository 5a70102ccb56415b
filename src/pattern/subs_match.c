/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sets of prefixes: which of them a topic has.
 *
 * Thread: see pattern/subs.h.
 */
#include "pattern/subs.h"
#include "pattern/subs_lookup.h"

void cz_subs_match(struct cz_subs_match *m, const struct cz_subs *subs,
                   struct cz_span topic)
{
    m->subs = subs;
    m->size = topic.size;
    m->stem = SUBS_STEM_MIN;
    m->index = 0;
    subs_hash_begin(&m->hash, subs, topic.bytes);
}

static cz_record_ref match_probe(struct cz_subs_match *m, size_t size,
                                 uint32_t mark)
{
    return subs_look_up(m->subs, subs_hash_first(&m->hash, m->subs, size, mark),
                        cz_span(m->hash.bytes, size), mark);
}

/* Does the topic go along with any prefix of this length so far? */
static bool match_stems(struct cz_subs_match *m, size_t length)
{
    for (; m->stem < length; m->stem *= 2)
        if (!match_probe(m, m->stem, CZ_RECORD_MARK))
            return false;
    return true;
}

cz_record_ref cz_subs_match_next(struct cz_subs_match *m)
{
    while (m->index < m->subs->length_count) {
        size_t length = m->subs->lengths[m->index].length;
        cz_record_ref ref;

        if (length > m->size || !match_stems(m, length))
            break;
        m->index++;
        ref = match_probe(m, length, 0);
        if (ref)
            return ref;
    }
    return 0;
}

bool cz_subs_matches(const struct cz_subs *subs, struct cz_span topic)
{
    struct cz_subs_match match;

    /* The commonest subscription of all needs no hash. */
    if (subs->length_count > 0 && subs->lengths[0].length == 0)
        return true;
    cz_subs_match(&match, subs, topic);
    return cz_subs_match_next(&match) != 0;
}
