#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <sys/eventfd.h>

// Two calls of Linux that Swift's own modules leave out.

static inline int crdkafka_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

extern int pthread_setname_np(pthread_t thread, const char *name);

static inline void crdkafka_name_this_thread(const char *name) {
    (void)pthread_setname_np(pthread_self(), name);
}
