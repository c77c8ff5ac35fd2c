// All memory of a training run in one block, sized before the run and never grown.
//
// Use: pass over the plan once with a Reservation, make the Arena, pass over it again in the same
// order with take(). Each piece starts on a 64-byte boundary (a cache line, and the widest
// vector); everything is zero at first, which is what the padding of rows has to be.
#pragma once

#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "isa.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

constexpr std::size_t arena_alignment = 64;

// Adds up pieces in the layout of Arena::take. A sum beyond the address space is stored as the
// largest size_t, for which the allocation of the Arena fails.
class Reservation {
public:
    template <class T>
    void add(std::size_t count) {
        std::size_t piece;
        if (__builtin_mul_overflow(count, sizeof(T), &piece) ||
            __builtin_add_overflow(piece, arena_alignment - 1, &piece) ||
            __builtin_add_overflow(bytes_, piece / arena_alignment * arena_alignment, &bytes_))
            bytes_ = ~std::size_t{0};
    }
    std::size_t bytes() const { return bytes_; }

private:
    std::size_t bytes_ = 0;
};

// Blocks of several megabytes request pages of 2 MiB: with small pages each row of a wide matrix is
// on a page of its own, and there are more of them than the first-level table of addresses holds.
constexpr std::size_t huge_page = std::size_t{1} << 21;

class Arena {
public:
    // Throws std::bad_alloc if there is not enough memory.
    explicit Arena(std::size_t bytes) : bytes_(bytes) {
#if defined(__linux__)
        if (bytes >= 2 * huge_page && map()) return;
#endif
        begin_ = static_cast<unsigned char*>(
            ::operator new(bytes ? bytes : 1, std::align_val_t{arena_alignment}));
        __builtin_memset(begin_, 0, bytes);
    }
    ~Arena() {
#if defined(__linux__)
        if (mapped_) {
            munmap(mapped_, bytes_ + huge_page);
            return;
        }
#endif
        ::operator delete(begin_, std::align_val_t{arena_alignment});
    }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    // The next `count` elements. Taking more than was reserved is an error of the caller that no
    // later check would find: it ends the process instead of returning foreign memory.
    template <class T>
    T* take(std::size_t count) {
        static_assert(alignof(T) <= arena_alignment);
        Reservation piece;
        piece.add<T>(count);
        if (piece.bytes() > bytes_ - used_) __builtin_trap();
        T* const piece_begin = reinterpret_cast<T*>(begin_ + used_);
        used_ += piece.bytes();
        return piece_begin;
    }

    std::size_t bytes() const { return bytes_; }
    std::size_t used() const { return used_; }

private:
#if defined(__linux__)
    // Pages of the system, which are zero when they are first used: to set gigabytes to zero here
    // would take seconds in which nothing can be interrupted.
    // False where there are none, which operator new then reports.
    bool map() {
        if (bytes_ > ~std::size_t{0} - huge_page) return false;
        void* const found = mmap(nullptr, bytes_ + huge_page, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (found == MAP_FAILED) return false;
        mapped_ = found;
        const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(found);
        begin_ = reinterpret_cast<unsigned char*>((start + huge_page - 1) / huge_page * huge_page);
        // A hint: without large pages, small ones are used.
        madvise(begin_, bytes_ / huge_page * huge_page, MADV_HUGEPAGE);
        return true;
    }
#endif

    std::size_t bytes_, used_ = 0;
    void* mapped_ = nullptr;
    unsigned char* begin_;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
