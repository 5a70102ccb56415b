/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An intrusive, circular, doubly linked list. The head is a node like any
 * other; a node that is in no list points to itself, so that removing it
 * twice is harmless.
 *
 * Thread: the owner of the list.
 */
#ifndef CZ_BASE_LIST_H
#define CZ_BASE_LIST_H

#include "base/compiler.h"

#include <stdbool.h>

struct cz_list {
    struct cz_list *next;
    struct cz_list *prev;
};

static inline void cz_list_init(struct cz_list *node)
{
    node->next = node->prev = node;
}

static inline bool cz_list_is_empty(const struct cz_list *head)
{
    return head->next == head;
}

static inline void cz_list_push_back(struct cz_list *head, struct cz_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void cz_list_push_front(struct cz_list *head,
                                      struct cz_list *node)
{
    cz_list_push_back(head->next, node);
}

static inline void cz_list_remove(struct cz_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    cz_list_init(node);
}

/* Takes the first node out of the list, or returns NULL. */
static inline struct cz_list *cz_list_pop_front(struct cz_list *head)
{
    struct cz_list *node = head->next;

    if (node == head)
        return NULL;
    cz_list_remove(node);
    return node;
}

/* Moves all nodes to `to`, whatever that was. */
static inline void cz_list_take_all(struct cz_list *to, struct cz_list *from)
{
    cz_list_init(to);
    if (cz_list_is_empty(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    cz_list_init(from);
}

/* Visits every node; the current one may be removed meanwhile. */
#define cz_list_for_each(node, head)                                           \
    for (struct cz_list *node = (head)->next, *node##_next = node->next;       \
         node != (head); node = node##_next, node##_next = node->next)

#endif
