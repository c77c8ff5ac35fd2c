// Threads that compute parts of one large instruction: one pool in the process, created when it is
// first used.
//
// A Crew is the right to use the pool for some time: an owner, and helpers that may enter. The
// owner never depends on a helper. It takes parts itself until none is left and then waits only for
// helpers that are computing one, so a helper that sleeps, was never created, or whose core does
// other work delays nothing. Results must not depend on the thread that computes a part.
//
// One crew at a time has the pool; others that are formed meanwhile (a second fit in another thread
// of the program) work alone. Nothing is allocated but the threads themselves.
//
// Helpers watch for work for `watch_seconds` after the last and then sleep. They block all signals,
// which go to the threads of the program as if there was no pool. Before a fork they end, so
// that parent and child start from none, each making its own again when it needs them; at the exit
// of the process they end as well. Threads of the C library are used because this is compiled once
// per instruction set (isa.hpp: no inline function of the C++ library).
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "isa.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

constexpr int most_threads = 64;

// Longer than what a step does on one thread between two instructions that it shares, in the
// networks that sharing pays for; waking a helper takes as long.
constexpr double watch_seconds = 100e-6;

// Rounding, and whether subnormal numbers count as zero: a register of each thread.
#if defined(__x86_64__)
using FloatControl = unsigned;
inline FloatControl float_control() { return __builtin_ia32_stmxcsr() & ~0x3fu; }  // no flags
inline void set_float_control(FloatControl control) { __builtin_ia32_ldmxcsr(control); }
#elif defined(__aarch64__)
using FloatControl = std::uint64_t;
inline FloatControl float_control() {
    FloatControl control;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}
inline void set_float_control(FloatControl control) {
    asm volatile("msr fpcr, %0" : : "r"(control));
}
#endif

// Computes one part; `thread` counts from 0, the owner.
using PartOf = void (*)(const void* work, std::ptrdiff_t part, int thread);

struct Pool {
    // The parts that one thread begins with. A thread that has finished takes parts of others too.
    struct alignas(64) Share {
        std::ptrdiff_t next, end;
    };
    struct alignas(64) Helper {
        pthread_t thread;
        pthread_cond_t wake;
        int asleep;
    };

    // generation << 32 | helpers that may enter << 16 | helpers that are in
    alignas(64) std::uint64_t state;
    int stopping;
    alignas(64) PartOf part_of;  // the job; changed only while no helper can enter
    const void* work;
    int threads;
    FloatControl control;
    Share shares[most_threads];

    alignas(64) int taken;  // by a crew
    pthread_mutex_t making, sleeping;
    int created, registered, closed;  // under `making`
    int crowded;                      // more threads than processors
    Helper helpers[most_threads - 1];
};

// Zero but for the mutexes, so that neither constructors nor destructors run in any order.
inline Pool pool = {.state = 0,
                    .stopping = 0,
                    .part_of = nullptr,
                    .work = nullptr,
                    .threads = 0,
                    .control = 0,
                    .shares = {},
                    .taken = 0,
                    .making = PTHREAD_MUTEX_INITIALIZER,
                    .sleeping = PTHREAD_MUTEX_INITIALIZER,
                    .created = 0,
                    .registered = 0,
                    .closed = 0,
                    .crowded = 0,
                    .helpers = {}};

constexpr std::uint64_t entry = 1, entries = 0xffff, opening = std::uint64_t{1} << 16,
                        openings = std::uint64_t{0xffff} << 16,
                        generation = std::uint64_t{1} << 32;

inline double pool_clock() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

// Waits briefly in a loop, or gives the core to another thread.
inline void wait_a_little(bool yield) {
    if (yield) {
        sched_yield();
        return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

inline void take_parts(int thread) {
    const int threads = pool.threads;
    for (int k = 0; k < threads; ++k) {
        Pool::Share& share = pool.shares[thread + k < threads ? thread + k : thread + k - threads];
        for (;;) {
            if (__atomic_load_n(&share.next, __ATOMIC_RELAXED) >= share.end) break;
            const std::ptrdiff_t part = __atomic_fetch_add(&share.next, 1, __ATOMIC_RELAXED);
            if (part >= share.end) break;
            pool.part_of(pool.work, part, thread);
        }
    }
}

// Whether `state` is a job that this helper may enter and has not seen yet.
inline bool invites(std::uint64_t state, int helper, std::uint64_t seen) {
    return int(state / opening & entries) > helper && state / generation != seen;
}

inline void sleep_until_invited(int helper, std::uint64_t seen) {
    Pool::Helper& self = pool.helpers[helper];
    pthread_mutex_lock(&pool.sleeping);
    for (;;) {
        // Either the owner reads `asleep`, or this thread reads the job that it has published.
        __atomic_store_n(&self.asleep, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&pool.stopping, __ATOMIC_SEQ_CST) ||
            invites(__atomic_load_n(&pool.state, __ATOMIC_SEQ_CST), helper, seen))
            break;
        pthread_cond_wait(&self.wake, &pool.sleeping);
    }
    __atomic_store_n(&self.asleep, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&pool.sleeping);
}

inline void wake_helper(int helper) {
    pthread_mutex_lock(&pool.sleeping);
    pthread_mutex_unlock(&pool.sleeping);
    pthread_cond_signal(&pool.helpers[helper].wake);
}

inline void* help(void* argument) {
    const int helper = int(static_cast<Pool::Helper*>(argument) - pool.helpers);
    FloatControl control = float_control();
    std::uint64_t seen = 0;
    double since = pool_clock();
    for (unsigned turn = 1;; ++turn) {
        if (__atomic_load_n(&pool.stopping, __ATOMIC_RELAXED)) return nullptr;
        std::uint64_t state = __atomic_load_n(&pool.state, __ATOMIC_ACQUIRE);
        if (invites(state, helper, seen)) {
            if (!__atomic_compare_exchange_n(&pool.state, &state, state + entry, false,
                                             __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                continue;
            if (control != pool.control) set_float_control(control = pool.control);
            take_parts(helper + 1);
            __atomic_fetch_sub(&pool.state, entry, __ATOMIC_RELEASE);
            seen = state / generation;
            since = pool_clock();
            turn = 0;
            continue;
        }
        if (turn % 16 == 0 && pool_clock() - since > watch_seconds) {
            sleep_until_invited(helper, seen);
            since = pool_clock();
        }
        wait_a_little(__atomic_load_n(&pool.crowded, __ATOMIC_RELAXED));
    }
}

// Ends all helpers; `making` is held. One in the middle of a part completes it.
inline void stop_helpers() {
    __atomic_store_n(&pool.stopping, 1, __ATOMIC_SEQ_CST);
    for (int h = 0; h < pool.created; ++h) wake_helper(h);
    for (int h = 0; h < pool.created; ++h) pthread_join(pool.helpers[h].thread, nullptr);
    pool.created = 0;
    __atomic_store_n(&pool.stopping, 0, __ATOMIC_SEQ_CST);
}

inline void before_fork() {
    pthread_mutex_lock(&pool.making);
    stop_helpers();
    pthread_mutex_lock(&pool.sleeping);
}
inline void after_fork_in_parent() {
    pthread_mutex_unlock(&pool.sleeping);
    pthread_mutex_unlock(&pool.making);
}
// Crews of other threads do not exist in the child: their owners would never close their jobs.
inline void after_fork_in_child() {
    __atomic_fetch_and(&pool.state, ~(openings | entries), __ATOMIC_RELAXED);
    __atomic_store_n(&pool.taken, 0, __ATOMIC_RELAXED);
    after_fork_in_parent();
}
inline void at_exit_of_process() {
    pthread_mutex_lock(&pool.making);
    pool.closed = 1;
    stop_helpers();
    pthread_mutex_unlock(&pool.making);
}

// Creates helpers up to the requested number; returns how many there are.
inline int ensure_helpers(int requested) {
    if (requested > most_threads - 1) requested = most_threads - 1;
    pthread_mutex_lock(&pool.making);
    if (pool.created < requested && !pool.closed) {
        if (!pool.registered) {
            pool.registered = pthread_atfork(before_fork, after_fork_in_parent,
                                             after_fork_in_child) == 0 &&
                              atexit(at_exit_of_process) == 0;
            if (!pool.registered) pool.closed = 1;
            for (Pool::Helper& helper : pool.helpers) pthread_cond_init(&helper.wake, nullptr);
        }
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (pool.created < requested && !pool.closed) {
            Pool::Helper& helper = pool.helpers[pool.created];
            // If the system creates no more threads, those that exist are used.
            if (pthread_create(&helper.thread, nullptr, help, &helper) != 0) break;
            ++pool.created;
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        cpu_set_t processors;
        const bool known = sched_getaffinity(0, sizeof(processors), &processors) == 0;
        __atomic_store_n(&pool.crowded, known && CPU_COUNT(&processors) <= pool.created,
                         __ATOMIC_RELAXED);
    }
    const int created = pool.created;
    pthread_mutex_unlock(&pool.making);
    return created < requested ? created : requested;
}

class Crew {
public:
    // At most `threads` threads, the caller's included.
    explicit Crew(int threads) {
        if (threads > 1 && !__atomic_exchange_n(&pool.taken, 1, __ATOMIC_ACQUIRE)) {
            owns_ = true;
            helpers_ = ensure_helpers(threads - 1);
        }
    }
    ~Crew() {
        if (owns_) __atomic_store_n(&pool.taken, 0, __ATOMIC_RELEASE);
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int threads() const { return helpers_ + 1; }

    // Calls work(part, thread) for each part in [0, parts), in any order, by any thread of the
    // crew; returns when all are done. A thread begins with adjacent parts, and with the same
    // ones in each call with as many parts: what it wrote is in its cache.
    template <class Work>
    void share(std::ptrdiff_t parts, const Work& work) {
        if (helpers_ == 0 || parts < 2) {
            for (std::ptrdiff_t part = 0; part < parts; ++part) work(part, 0);
            return;
        }
        run(parts,
            [](const void* self, std::ptrdiff_t part, int thread) {
                (*static_cast<const Work*>(self))(part, thread);
            },
            &work);
    }

private:
    void run(std::ptrdiff_t parts, PartOf part_of, const void* work) {
        const int threads = parts <= helpers_ ? int(parts) : helpers_ + 1;
        pool.part_of = part_of;
        pool.work = work;
        pool.threads = threads;
        pool.control = float_control();
        for (int t = 0; t < threads; ++t) {
            __atomic_store_n(&pool.shares[t].next, parts * t / threads, __ATOMIC_RELAXED);
            pool.shares[t].end = parts * (t + 1) / threads;
        }
        const std::uint64_t before = __atomic_load_n(&pool.state, __ATOMIC_RELAXED);
        const std::uint64_t open =
            (before / generation + 1) * generation + opening * std::uint64_t(threads - 1);
        __atomic_store_n(&pool.state, open, __ATOMIC_SEQ_CST);
        for (int h = 0; h + 1 < threads; ++h)
            if (__atomic_load_n(&pool.helpers[h].asleep, __ATOMIC_SEQ_CST) &&
                __atomic_exchange_n(&pool.helpers[h].asleep, 0, __ATOMIC_SEQ_CST))
                wake_helper(h);
        take_parts(0);
        // No helper can enter any more; those that have entered complete their parts.
        std::uint64_t state = __atomic_and_fetch(&pool.state, ~openings, __ATOMIC_ACQ_REL);
        for (unsigned turn = 0; state & entries; ++turn) {
            wait_a_little(turn > 1000 || __atomic_load_n(&pool.crowded, __ATOMIC_RELAXED));
            state = __atomic_load_n(&pool.state, __ATOMIC_ACQUIRE);
        }
    }

    int helpers_ = 0;
    bool owns_ = false;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
