// The table of functions through which the bindings reach one number type of one instruction set.
#pragma once

#include "kernels.hpp"
#include "run.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// The functions of one number type behind plain pointers.
template <class T>
struct Table {
    using M = Machine<T>;
    static M& of(void* self) { return *static_cast<M*>(self); }

    static void* create(const Program& program) {
        return new M(program, kernels<T>(), fused_product_numbers<T>(), fused_products<T>());
    }
    static void destroy(void* self) { delete static_cast<M*>(self); }
    static Number bytes(void* self) { return Number(of(self).bytes()); }
    static void write(void* self, Number v, const void* from, Number row_stride,
                      Number column_stride) {
        M& m = of(self);
        const T* const source = static_cast<const T*>(from);
        const ValueRow& value = m.p.values[v];
        for (std::ptrdiff_t r = 0; r < m.length[value.rows]; ++r)
            for (std::ptrdiff_t c = 0; c < m.length[value.columns]; ++c)
                m.base[v][r * m.stride[v] + c] = source[r * row_stride + c * column_stride];
    }
    static void read(void* self, Number v, void* to, Number row_stride, Number column_stride) {
        copy_out<T>(of(self), v, static_cast<T*>(to), row_stride, column_stride);
    }
    static void set_scalar(void* self, Number slot, double value) {
        of(self).set_scalar(slot, value);
    }
    static void set_threads(void* self, Number threads) { of(self).set_threads(threads); }
    static void set_draws(void* self, std::uint64_t seed, Number step) {
        of(self).set_draws(seed, step);
    }
    static double get_scalar(void* self, Number slot) { return of(self).slots[slot]; }
    static void set_batch(void* self, Number samples) { of(self).set_batch(samples); }
    static void gather_rows(void* self, const Source& source, const Number* rows, Number first,
                            Number count) {
        gather<T>(of(self), source, rows, first, count);
    }
    static int step(void* self) {
        const FlushToZero flush;
        return of(self).step();
    }
    static void run(void* self, RunArguments& arguments) { run_epochs<T>(of(self), arguments); }

    static constexpr Engine engine = {lanes<T>,   create,      destroy,    bytes,       write,
                                      read,       set_scalar,  get_scalar, set_threads, set_draws,
                                      set_batch,  gather_rows, step,       run};
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
