// Alignment, order, zeros, sizes, and that nothing is allocated after the arena is made.
#include "../arena.hpp"

#include <cstdint>
#include <cstdlib>

#include "check.hpp"

namespace {
int allocations = 0;
}

void* operator new(std::size_t bytes, std::align_val_t alignment) {
    ++allocations;
    const std::size_t unit = static_cast<std::size_t>(alignment);
    if (bytes > (std::size_t{1} << 60)) throw std::bad_alloc();
    if (void* memory = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

int main() {
    chainrule::Reservation reservation;
    reservation.add<float>(3);
    reservation.add<double>(17);
    reservation.add<unsigned char>(0);
    reservation.add<std::int32_t>(16);
    check::expect(reservation.bytes() == 64 + 192 + 0 + 64, "reserved bytes");

    chainrule::Arena arena(reservation.bytes());
    check::expect(allocations == 1, "one allocation");
    float* a = arena.take<float>(3);
    double* b = arena.take<double>(17);
    unsigned char* c = arena.take<unsigned char>(0);
    std::int32_t* d = arena.take<std::int32_t>(16);
    check::expect(allocations == 1 && arena.used() == arena.bytes(), "taken to the last byte");
    bool zero = true;
    for (int i = 0; i < 3; ++i) zero = zero && a[i] == 0;
    for (int i = 0; i < 17; ++i) zero = zero && b[i] == 0;
    for (int i = 0; i < 16; ++i) zero = zero && d[i] == 0;
    check::expect(zero, "zero at first");
    const auto address = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p); };
    check::expect(address(a) % 64 == 0 && address(b) == address(a) + 64 &&
                      address(c) == address(b) + 192 && address(d) == address(c),
                  "aligned, in order, empty pieces take nothing");
    a[2] = 1;
    b[16] = 2;
    d[15] = 3;
    check::expect(a[2] == 1 && b[16] == 2 && d[15] == 3, "pieces do not overlap");

    chainrule::Reservation huge;
    huge.add<double>(~std::size_t{0} / 4);
    check::expect(huge.bytes() == ~std::size_t{0}, "an overflow sticks");
    huge.add<double>(8);
    check::expect(huge.bytes() == ~std::size_t{0}, "and stays");
    bool refused = false;
    try {
        chainrule::Arena impossible(huge.bytes());
    } catch (const std::bad_alloc&) {
        refused = true;
    }
    check::expect(refused, "what cannot be had is refused");

    chainrule::Arena nothing(0);
    check::expect(nothing.take<double>(0) != nullptr && nothing.used() == 0, "an empty arena");
    return check::finish("arena");
}
