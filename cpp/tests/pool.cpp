// The pool: each part once, nothing read before it is written, crews side by side, forks, signals.
#include "pool.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "check.hpp"

#define CHECK(condition) check::expect(condition, #condition)

using namespace chainrule;

// The sanitizer's worry is that the child of a program with threads makes new ones: our helpers
// have ended by then.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }

namespace {

void pause_for(long microseconds) {
    const timespec time = {0, microseconds * 1000};
    nanosleep(&time, nullptr);
}

// Every part is done once, by a thread of the crew, and share() returns after the last: what the
// parts wrote is read without any other synchronization.
long wrong_parts(Crew& crew, std::ptrdiff_t parts, long pause = 0) {
    std::vector<int> times(std::size_t(parts), 0), by(std::size_t(parts), -1);
    crew.share(parts, [&](std::ptrdiff_t part, int thread) {
        if (pause) pause_for(pause);
        ++times[std::size_t(part)];
        by[std::size_t(part)] = thread;
    });
    long wrong = 0;
    for (std::size_t i = 0; i < times.size(); ++i)
        wrong += times[i] != 1 || by[i] < 0 || by[i] >= crew.threads();
    return wrong;
}

void test_parts() {
    for (const int threads : {1, 2, 3, 8, 64, 1000}) {
        Crew crew(threads);
        CHECK(crew.threads() >= 1 && crew.threads() <= threads);
        CHECK(crew.threads() <= most_threads);
        for (const std::ptrdiff_t parts : {0, 1, 2, 3, 7, 100, 1000})
            for (int round = 0; round < 20; ++round) CHECK(wrong_parts(crew, parts) == 0);
    }
}

// While the owner sleeps in a part, a helper takes others; and again after it has gone to sleep.
void test_helpers_help() {
    for (int round = 0; round < 3; ++round) {
        Crew crew(2);
        CHECK(crew.threads() == 2);
        std::atomic<long> helped{0};
        for (int attempt = 0; attempt < 200 && helped == 0; ++attempt)
            crew.share(8, [&](std::ptrdiff_t, int thread) {
                pause_for(500);
                if (thread == 1) ++helped;
            });
        CHECK(helped > 0);
        CHECK(wrong_parts(crew, 50, 20) == 0);
        pause_for(5000);  // beyond watch_seconds
    }
}

void test_owner_waits_for_parts_in_work() {
    Crew crew(4);
    for (int round = 0; round < 50; ++round) CHECK(wrong_parts(crew, 4, 200) == 0);
}

// A second crew works alone while the first has the pool, and has it afterwards.
void test_crews_side_by_side() {
    {
        Crew first(2);
        Crew second(2);
        CHECK(first.threads() == 2 && second.threads() == 1);
        CHECK(wrong_parts(second, 10) == 0 && wrong_parts(first, 10) == 0);
    }
    std::vector<std::thread> programs;
    std::atomic<long> wrong{0};
    for (int t = 0; t < 4; ++t)
        programs.emplace_back([&] {
            for (int round = 0; round < 300; ++round) {
                Crew crew(3);
                wrong += wrong_parts(crew, 40);
            }
        });
    for (std::thread& program : programs) program.join();
    CHECK(wrong == 0);
    CHECK(Crew(2).threads() == 2);
}

void test_floats_and_signals() {
    const FloatControl before = float_control();
#if defined(__x86_64__)
    const FloatControl other = before ^ 0x8040;
#else
    const FloatControl other = before ^ (FloatControl{1} << 24);
#endif
    std::atomic<long> wrong{0}, unblocked{0};
    for (const FloatControl control : {before, other, before, other}) {
        set_float_control(control);
        Crew crew(3);
        crew.share(30, [&](std::ptrdiff_t, int thread) {
            pause_for(50);
            if (float_control() != control) ++wrong;
            sigset_t blocked;
            pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
            if (thread > 0 && !sigismember(&blocked, SIGINT)) ++unblocked;
            if (thread == 0 && sigismember(&blocked, SIGINT)) ++unblocked;
        });
    }
    set_float_control(before);
    CHECK(wrong == 0);
    CHECK(unblocked == 0);
}

// A child makes helpers of its own; the parent goes on.
bool child_works() {
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);  // where it hangs
        Crew crew(3);
        const bool works = crew.threads() == 3 && wrong_parts(crew, 100, 10) == 0;
        _exit(works ? 0 : 1);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void test_fork(bool emulated) {
    for (int round = 0; round < 5; ++round) {
        {
            Crew crew(4);
            CHECK(wrong_parts(crew, 100, 10) == 0);
        }
        CHECK(child_works());
    }
    if (emulated) return;  // qemu 7.2 itself ends a child that was forked beside a running thread
    // In the middle of another thread's work, which goes on.
    std::atomic<bool> stop{false};
    std::atomic<long> wrong{0}, rounds{0};
    std::thread other([&] {
        while (!stop) {
            Crew crew(3);
            wrong += wrong_parts(crew, 30, 5);
            ++rounds;
        }
    });
    for (int round = 0; round < 10; ++round) {
        while (rounds < round) sched_yield();
        CHECK(child_works());
    }
    stop = true;
    other.join();
    CHECK(wrong == 0);
    Crew crew(4);
    CHECK(crew.threads() == 4 && wrong_parts(crew, 100, 10) == 0);
}

}  // namespace

int main(int count, char** arguments) {
    test_parts();
    test_helpers_help();
    test_owner_waits_for_parts_in_work();
    test_crews_side_by_side();
    test_floats_and_signals();
    test_fork(count > 1 && std::strcmp(arguments[1], "--emulated") == 0);
    return check::finish("pool");
}
