// The machine that runs a program: its memory, one function per producer, and one step.
#pragma once

#include "arena.hpp"
#include "finish.hpp"
#include "narrow.hpp"
#include "pool.hpp"
#include "scalar.hpp"
#include "tape.hpp"
#include "timed.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// A product's result that is not kept meets its formula in a block of this size, so that it stays
// in the first-level cache beside the panel of B and what the formula reads. Blocks of 48 KiB and
// 384 rows took 1.4 times as long where rows x columns was 200 x 32.
constexpr std::ptrdiff_t scratch_bytes = 16384;
constexpr std::ptrdiff_t scratch_rows = 96;

// A formula with sums meets a larger result in blocks of rows, whose sums are added in order. Where
// the blocks of a result end depends on its shape only, so that threads may share them and the bits
// of a sum are the same for any number of threads.
constexpr std::ptrdiff_t summed_entries = 16384;

// Products up to this many terms run as a list of tiles that was made before; larger ones by
// blocks, where finding the way is nothing beside the work.
constexpr std::ptrdiff_t largest_bound_product = std::ptrdiff_t{1} << 19;

template <class T>
class Machine {
public:
    Machine(const Program& program, const Kernel<T>* kernels, const signed char* finish_numbers,
            const Finished<T>* finished)
        : p(program), kernels_(kernels), finish_numbers_(finish_numbers), finished_(finished), arena_(needed(program)) {
        base = arena_.take<T*>(p.value_count);
        stride = arena_.take<std::ptrdiff_t>(p.value_count);
        length = arena_.take<std::ptrdiff_t>(p.axis_count);
        slots = arena_.take<double>(p.scalar_count);
        registers_ = arena_.take<double>(p.register_count);
        counters_ = arena_.take<std::ptrdiff_t>(p.counter_count);
        scratch_ = arena_.take<T>(scratch_bytes / sizeof(T));
        bounds_ = arena_.take<Bound<T>>(2 * p.instruction_count);
        given_ = arena_.take<unsigned char>(p.value_count);
        sums_ = arena_.take<double>(most_sums * most_blocks(p));
        changing_ = arena_.take<unsigned char>(p.scalar_count);
        find_given();
        find_changing();
        timed_.find(arena_, p, changing_);
        for (Number a = 0; a < p.axis_count; ++a) length[a] = p.axes[a];
        for (Number v = 0; v < p.value_count; ++v) {
            stride[v] = row_stride<T>(length[p.values[v].columns]);
            base[v] = nullptr;
            if (p.values[v].owner == owned_by_arena) base[v] = arena_.take<T>(elements(p, v));
        }
        set_batch(p.axes[sample_axis]);
    }

    void set_batch(std::ptrdiff_t samples) {
        if (slots[p.batch_slot] == double(samples)) return;
        length[sample_axis] = samples;
        slots[p.batch_slot] = double(samples);
        stale_ = true;
    }

    void set_scalar(Number slot, double value) {
        slots[slot] = value;
        (slot == p.time_slot ? late_ : stale_) = true;
    }

    // How many threads may share a step. Small ones stay on one whatever is said here.
    void set_threads(Number threads);

    // One step over the batch that lies in its values. False: the check found a loss that is not
    // finite, and nothing has been changed yet.
    bool step() {
        if (stale_)
            settle();
        else if (late_)
            timed_.tell(slots);
        late_ = false;
        if (threads_ > 1) return step_shared();
        Bound<T>* bound = bound_;
        const Bound<T>* const end = bound_ + p.instruction_count;
        for (const Instruction* i = p.instructions; bound != end; ++i, ++bound)
            if (!(bound->action ? bound->action(*bound) : perform(*i, *bound))) return false;
        return true;
    }

    std::size_t bytes() const { return arena_.bytes(); }

    static std::size_t elements(const Program& p, Number v) {
        const Value& value = p.values[v];
        return std::size_t(p.axes[value.rows]) *
               std::size_t(row_stride<T>(p.axes[value.columns]));
    }

    const Program& p;
    T** base;
    std::ptrdiff_t* stride;
    std::ptrdiff_t* length;
    double* slots;

private:
    // Values with samples that no instruction makes: rows of the caller's data.
    void find_given() {
        for (Number v = 0; v < p.value_count; ++v)
            given_[v] = p.values[v].rows == sample_axis || p.values[v].columns == sample_axis;
        for (Number i = 0; i < p.instruction_count; ++i)
            if (p.instructions[i].destination >= 0) given_[p.instructions[i].destination] = 0;
        for (Number f = 0; f < p.formula_count; ++f)
            for (Number s = p.formulas[f].store_begin; s < p.formulas[f].store_end; ++s)
                given_[p.places[s].value] = 0;
    }

    // Scalars that change in the course of a step.
    void find_changing() {
        for (Number i = 0; i < p.instruction_count; ++i) {
            const Instruction& code = p.instructions[i];
            if (code.producer != scalars && code.producer != loops) continue;
            for (const Step* s = p.scalar_code + code.a; s != p.scalar_code + code.b; ++s)
                if (code.producer == scalars || s->operation == loop_slot) changing_[s->target] = 1;
        }
        for (Number f = 0; f < p.formula_count; ++f)
            for (Number s = p.formulas[f].sum_begin; s < p.formulas[f].sum_end; ++s)
                changing_[p.slots[s]] = 1;
    }

    // What follows from the length of the batch and the scalars that were set. Full batches and
    // the last, short one keep a list of their own.
    void settle() {
        stale_ = false;
        compute(p.scalar_code, p.scalar_code + p.prelude_count);
        timed_.settle(slots);
        timed_.tell(slots);
        const std::ptrdiff_t samples = length[sample_axis];
        const int which = samples == p.axes[sample_axis] ? 0 : 1;
        bound_ = bounds_ + which * p.instruction_count;
        if (bound_samples_[which] != samples) {
            for (Number i = 0; i < p.instruction_count; ++i) bind(p.instructions[i], bound_[i]);
            bound_samples_[which] = samples;
        }
        for (Number i = 0; i < p.instruction_count; ++i)
            if (p.instructions[i].formula >= 0)
                load_scalars(p.formulas[p.instructions[i].formula], bound_[i].call);
    }

    static std::size_t needed(const Program& program) {
        const Program& p = program;
        Reservation memory;
        memory.add<T*>(p.value_count);
        memory.add<std::ptrdiff_t>(p.value_count);
        memory.add<std::ptrdiff_t>(p.axis_count);
        memory.add<double>(p.scalar_count);
        memory.add<double>(p.register_count);
        memory.add<std::ptrdiff_t>(p.counter_count);
        memory.add<T>(scratch_bytes / sizeof(T));
        memory.add<Bound<T>>(2 * program.instruction_count);
        memory.add<unsigned char>(program.value_count);
        memory.add<unsigned char>(program.scalar_count);
        Timed::reserve(memory, p);
        memory.add<double>(most_sums * most_blocks(p));
        for (Number v = 0; v < p.value_count; ++v)
            if (p.values[v].owner == owned_by_arena) memory.add<T>(elements(p, v));
        return memory.bytes();
    }

    bool perform(const Instruction& i, Bound<T>& bound) {
        const std::ptrdiff_t rows = length[i.rows], columns = length[i.columns];
        switch (i.producer) {
        case nothing: break;
        case product:
            if (i.a_turned)
                multiplied<Along::rows>(i, bound, rows, columns);
            else
                multiplied<Along::depth>(i, bound, rows, columns);
            return true;
        case dot: {
            Store<T> keep{base[i.destination], stride[i.destination]};
            forward_narrow<T>(0, columns, rows, length[i.depth], base[i.b], stride[i.b], base[i.a],
                              stride[i.a], i.bias < 0 ? nullptr : base[i.bias],
                              [&](std::ptrdiff_t o, std::ptrdiff_t s, Vec<T> sum, Ints<T> live) {
                                  keep(o, s, kept<T>(sum, live), live);
                              });
            break;
        }
        case total_of_rows: {
            T* const to = base[i.destination];
            column_sums<T>(length[i.depth], 0, columns, base[i.a], stride[i.a],
                           [&](std::ptrdiff_t, std::ptrdiff_t column, Vec<T> sum, Ints<T>) {
                               store<T>(to + column, sum);
                           });
            break;
        }
        case total_of_columns:
            row_sums<T>(columns, length[i.depth], base[i.a], stride[i.a],
                        StoreLive<T>{base[i.destination], 0});
            break;
        case largest_of_rows: largest_rows(i, columns); break;
        case largest_of_columns: largest_columns(i, columns); break;
        case transposition:
            transpose<T>(columns, 0, rows, base[i.a], stride[i.a], base[i.destination],
                         stride[i.destination]);
            break;
        case scalars: compute(p.scalar_code + i.a, p.scalar_code + i.b); return true;
        case loops: run_loops(i); break;
        case check:
            return __builtin_isfinite(slots[i.a]) && __builtin_isfinite(slots[i.b]);
        default: __builtin_trap();
        }
        if (i.formula >= 0) {
            clear_sums(i.formula);
            apply_whole(i, bound);
        }
        return true;
    }

    // A product, and the formula that meets it block by block. Columns go outside: each panel of B
    // is then read by all rows while it is in the first-level cache.
    template <Along along>
    void multiplied(const Instruction& i, Bound<T>& bound, std::ptrdiff_t rows,
                    std::ptrdiff_t columns) {
        if (i.formula < 0) {
            product_block<along>(i, {0, rows, 0, columns}, base[i.destination],
                                 stride[i.destination]);
            return;
        }
        const Formula& f = p.formulas[i.formula];
        // A depth of several blocks would need room for the sums.
        const Finished<T>* const light = light_finish(i);
        if (light && length[i.depth] <= depth_block<T>) {
            refresh(bound);
            load_scalars(f, bound.call);
            light->product(along, {0, rows, 0, columns}, length[i.depth], {base[i.a], stride[i.a]},
                           {base[i.b], stride[i.b]}, bound.call);
            return;
        }
        clear_sums(i.formula);
        const Blocks blocks = blocks_of(rows, columns);
        if (blocks.count == 1) {
            const bool own = i.destination >= 0;
            product_block<along>(i, {0, rows, 0, columns}, own ? base[i.destination] : scratch_,
                                 own ? stride[i.destination] : padded<T>(columns));
            apply_whole(i, bound);
            return;
        }
        for (std::ptrdiff_t b = 0; b < blocks.count; ++b) {
            Call<T> call;
            multiply_and_apply<along>(i, blocks, b, rows, columns, call, scratch_);
            add_sums(f, call.sum);
        }
    }

    // How a product's result is cut for its formula: columns outside, rows inside.
    struct Blocks {
        std::ptrdiff_t height, width, down, count;
    };
    static constexpr std::ptrdiff_t scratch_room = scratch_bytes / std::ptrdiff_t(sizeof(T));

    static Blocks blocks_of(std::ptrdiff_t rows, std::ptrdiff_t columns) {
        constexpr std::ptrdiff_t narrowest = tile_vectors * lanes<T>;
        if (rows * padded<T>(columns) <= scratch_room) return {rows, columns, 1, 1};
        const std::ptrdiff_t height = rows < scratch_rows ? rows : scratch_rows;
        std::ptrdiff_t width = scratch_room / height / narrowest * narrowest;
        if (width < narrowest) width = narrowest;
        const std::ptrdiff_t down = pieces(rows, height);
        return {height, width, down, down * pieces(columns, width)};
    }

    // Block b of a product, and its formula, whose sums are left in the call.
    template <Along along>
    void multiply_and_apply(const Instruction& i, const Blocks& blocks, std::ptrdiff_t b,
                            std::ptrdiff_t rows, std::ptrdiff_t columns, Call<T>& call,
                            T* scratch) {
        const std::ptrdiff_t row = b % blocks.down * blocks.height;
        const std::ptrdiff_t column = b / blocks.down * blocks.width;
        const std::ptrdiff_t bottom = rows - row < blocks.height ? rows : row + blocks.height;
        const std::ptrdiff_t right =
            columns - column < blocks.width ? columns : column + blocks.width;
        const bool own = i.destination >= 0;
        const std::ptrdiff_t step = own ? stride[i.destination] : padded<T>(right - column);
        T* const block = own ? base[i.destination] + row * step + column : scratch;
        product_block<along>(i, {row, bottom, column, right}, block - row * step - column, step);
        const Formula& f = p.formulas[i.formula];
        describe(call, f, row, column, bottom - row, right - column, block, step);
        call_formula(f, call);
    }

    // One block of a product; `origin` is where the whole result would begin.
    template <Along along>
    CHAINRULE_INLINE void product_block(const Instruction& i, Block block, T* origin,
                                        std::ptrdiff_t step) {
        const Left<T> a = {base[i.a], stride[i.a]};
        const Right<T> b = {base[i.b], stride[i.b]};
        const T* const bias = i.bias < 0 ? nullptr : base[i.bias];
        Store<T> keep{origin, step};
        if (bias && i.bias_by_row) {
            // The sums start from the block itself, filled with each row's bias (not its padding).
            const Ints<T> last = last_lanes<T>(block.column_end);
            for (std::ptrdiff_t r = block.row_begin; r < block.row_end; ++r)
                for (std::ptrdiff_t c = block.column_begin; c < block.column_end; c += lanes<T>)
                    store<T>(origin + r * step + c,
                             kept<T>(broadcast<T>(bias[r]),
                                     c + lanes<T> <= block.column_end ? ~Ints<T>{} : last));
            pass<T, along>(block, length[i.depth], a, b, origin, step, keep);
        } else {
            multiply<T, along>(block, length[i.depth], a, b, bias, keep, Partial<T>{origin, step});
        }
    }

    void clear_sums(Number number) {
        const Formula& f = p.formulas[number];
        for (Number s = f.sum_begin; s < f.sum_end; ++s) slots[p.slots[s]] = 0.0;
    }

    // What a formula is given over a block of its result; `block` is the producer's result there,
    // if it has no value of its own.
    void describe(Call<T>& call, const Formula& f, std::ptrdiff_t row, std::ptrdiff_t column,
                  std::ptrdiff_t rows, std::ptrdiff_t columns, const T* block,
                  std::ptrdiff_t block_step) {
        call.rows = rows;
        call.columns = columns;
        bool even = rows > 1 && columns % lanes<T> == 0;  // could run as one long row
        int n = 0;
        for (Number o = f.operand_begin; o < f.operand_end; ++o, ++n) {
            const Place& place = p.places[o];
            if (place.value < 0) {
                call.in[n] = block;
                call.step[n] = block_step;
            } else {
                const T* const from = base[place.value];
                const std::ptrdiff_t step = stride[place.value];
                switch (place.spread) {
                case entrywise:
                    call.in[n] = from + row * step + column;
                    call.step[n] = step;
                    break;
                case each_row:
                    call.in[n] = from + column;
                    call.step[n] = 0;
                    break;
                case each_column:
                    call.in[n] = from + row;
                    call.step[n] = 1;
                    break;
                default:
                    call.in[n] = from;
                    call.step[n] = 0;
                }
            }
            even = even && (call.step[n] == columns || place.spread == everywhere);
        }
        n = 0;
        for (Number s = f.store_begin; s < f.store_end; ++s, ++n) {
            const Number value = p.places[s].value;
            call.out_step[n] = stride[value];
            call.out[n] = base[value] + row * stride[value] + column;
            even = even && call.out_step[n] == columns;
        }
        if (even) {
            call.columns = rows * columns;
            call.rows = 1;
        }
    }

    void load_scalars(const Formula& f, Call<T>& call) {
        int n = 0;
        for (Number s = f.scalar_begin; s < f.scalar_end; ++s, ++n)
            call.scalar[n] = T(slots[p.slots[s]]);
    }

    // The sums over what the call covers are left in it.
    void call_formula(const Formula& f, Call<T>& call) {
        load_scalars(f, call);
        const Number sums = f.sum_end - f.sum_begin;
        for (int n = 0; n < sums; ++n) call.sum[n] = 0.0;
        if (f.native >= 0)
            kernels_[f.native](call);
        else
            run_tape<T>(call, p.tape + f.code_begin, p.tape + f.code_end, p.constants);
    }

    void add_sums(const Formula& f, const double* sums) {
        for (Number s = f.sum_begin; s < f.sum_end; ++s)
            slots[p.slots[s]] += sums[s - f.sum_begin];
    }

    // A formula over its whole result.
    void apply_whole(const Instruction& i, Bound<T>& bound) {
        const Formula& f = p.formulas[i.formula];
        if (summed_in_blocks(i)) {
            const std::ptrdiff_t height = summed_rows(bound.columns);
            for (std::ptrdiff_t row = 0; row < bound.rows; row += height) {
                Call<T> call;
                apply_rows(i, f, row, height, bound.rows, bound.columns, call);
                add_sums(f, call.sum);
            }
            return;
        }
        refresh(bound);
        call_formula(f, bound.call);
        add_sums(f, bound.call.sum);
    }

    bool summed_in_blocks(const Instruction& i) const {
        const Formula& f = p.formulas[i.formula];
        return f.sum_end > f.sum_begin && length[i.rows] * length[i.columns] > summed_entries;
    }

    static std::ptrdiff_t summed_rows(std::ptrdiff_t columns) {
        return columns < summed_entries ? summed_entries / columns : 1;
    }

    // A formula over some rows of its result, the sums left in the call.
    void apply_rows(const Instruction& i, const Formula& f, std::ptrdiff_t row,
                    std::ptrdiff_t height, std::ptrdiff_t rows, std::ptrdiff_t columns,
                    Call<T>& call) {
        const bool own = i.destination >= 0;
        const std::ptrdiff_t step = own ? stride[i.destination] : padded<T>(columns);
        const T* const from = (own ? base[i.destination] : scratch_) + row * step;
        describe(call, f, row, 0, rows - row < height ? rows - row : height, columns, from, step);
        call_formula(f, call);
    }

    // Into how many blocks a result with sums is cut, at most.
    static std::size_t most_blocks(const Program& p) {
        std::ptrdiff_t most = 0;
        for (Number n = 0; n < p.instruction_count; ++n) {
            const Instruction& i = p.instructions[n];
            if (i.formula < 0 ||
                p.formulas[i.formula].sum_end == p.formulas[i.formula].sum_begin)
                continue;
            const std::ptrdiff_t rows = p.axes[i.rows], columns = p.axes[i.columns];
            const std::ptrdiff_t count =
                i.producer == product ? blocks_of(rows, columns).count
                                      : pieces(rows, summed_rows(columns));
            if (count > most) most = count;
        }
        return std::size_t(most);
    }

    // Looks up what stays the same from step to step for batches of this length.
    void bind(const Instruction& i, Bound<T>& o) {
        __builtin_memset(static_cast<void*>(&o), 0, sizeof o);
        o.rows = length[i.rows];
        o.columns = length[i.columns];
        const bool own = i.destination >= 0;
        o.into = {own ? base[i.destination] : scratch_,
                  own ? stride[i.destination] : padded<T>(o.columns)};
        if (i.formula >= 0) bind_formula(i, o);
        if (i.producer == scalars || i.producer == check) {
            o.machine = this;
            if (i.producer == check) {
                o.checked[0] = slots + i.a;
                o.checked[1] = slots + i.b;
                o.action = run_check<T>;
            } else {
                o.code = p.scalar_code + i.a;
                o.code_end = p.scalar_code + i.b;
                o.action = run_scalars;
            }
            return;
        }
        if (i.producer == loops || (i.formula >= 0 && !o.kernel)) return;  // loops, the tape
        if (i.formula >= 0 && i.producer != product && summed_in_blocks(i)) return;
        o.a = base + i.a;
        o.b = base + i.b;
        o.a_stride = stride + i.a;
        o.b_stride = stride + i.b;
        o.from.depth = length[i.depth];
        o.bias = i.bias < 0 ? nullptr : base[i.bias];
        const Finished<T>* light = light_finish(i);
        switch (i.producer) {
        case nothing: o.action = run_formula<T>; break;
        case product: bind_product(i, o, light); break;
        case dot: o.action = light && light->dot ? light->dot : run_dot<T>; break;
        case total_of_rows: o.action = light && light->dot ? light->column_sums : run_column_sums<T>; break;
        case total_of_columns: o.action = light && light->dot ? light->row_sums : run_row_sums<T>; break;
        case transposition: o.action = run_transposition<T>; break;
        default: break;
        }
    }

    void bind_formula(const Instruction& i, Bound<T>& o) {
        const Formula& f = p.formulas[i.formula];
        describe(o.call, f, 0, 0, o.rows, o.columns, o.into.data, o.into.stride);
        o.kernel = f.native >= 0 ? kernels_[f.native] : nullptr;
        for (Number n = f.operand_begin; n < f.operand_end; ++n) {
            const Number value = p.places[n].value;
            if (value < 0 || !given_[value]) continue;
            o.moved[o.moving] = int(n - f.operand_begin);
            o.moved_from[o.moving++] = base + value;
        }
        for (Number s = f.sum_begin; s < f.sum_end; ++s) o.sum_into[o.sums++] = slots + p.slots[s];
        for (Number s = f.scalar_begin; s < f.scalar_end; ++s) {
            if (!changing_[p.slots[s]]) continue;
            o.unsettled_number[o.unsettled] = int(s - f.scalar_begin);
            o.unsettled_from[o.unsettled++] = slots + p.slots[s];
        }
    }

    // What finishes a producer's result in its registers, if its formula is a light one, whose
    // first operand is that result, and nobody else reads it.
    const Finished<T>* light_finish(const Instruction& i) const {
        if (i.formula < 0 || i.bias >= 0 || (i.destination >= 0 && !i.passing)) return nullptr;
        const Formula& f = p.formulas[i.formula];
        if (f.native < 0 || !finish_numbers_ || p.places[f.operand_begin].value >= 0)
            return nullptr;
        const int number = finish_numbers_[f.native];
        return number < 0 ? nullptr : finished_ + number;
    }

    // Products that are small enough for a list of tiles without blocks, and for one thread.
    void bind_product(const Instruction& i, Bound<T>& o, const Finished<T>* light) {
        const std::ptrdiff_t depth = o.from.depth, whole = o.rows * padded<T>(o.columns);
        if (depth > depth_block<T> || whole * depth > largest_bound_product) return;
        if (i.formula >= 0 && !light && whole > scratch_room) return;
        const Along along = i.a_turned ? Along::rows : Along::depth;
        const bool by_rows = along == Along::rows;
        o.start = o.bias ? o.bias : zero_row<T>;
        o.start_steps = o.bias != nullptr;
        o.from.start_by_row = o.bias && i.bias_by_row;
        if (light) {
            cut(o, light->tile[by_rows]);
            o.action = light->tiles[by_rows];
        } else if (by_rows) {
            cut(o, tile_function<T, Along::rows, Store<T>>);
            o.action = o.kernel ? run_product<T, Along::rows, true>
                                : run_product<T, Along::rows, false>;
        } else {
            cut(o, tile_function<T, Along::depth, Store<T>>);
            o.action = o.kernel ? run_product<T, Along::depth, true>
                                : run_product<T, Along::depth, false>;
        }
    }

    static bool run_scalars(Bound<T>& o) {
        static_cast<Machine*>(o.machine)->compute(o.code, o.code_end);
        return true;
    }

    void largest_columns(const Instruction& i, std::ptrdiff_t rows) {
        T* const to = base[i.destination];
        const std::ptrdiff_t depth = length[i.depth], step = stride[i.a];
        const Vec<T> least = broadcast<T>(-Constants<T>::infinity);
        for (std::ptrdiff_t r = 0; r < rows; ++r) {
            const T* const from = base[i.a] + r * step;
            Vec<T> best = least;
            std::ptrdiff_t k = 0;
            for (; k + lanes<T> <= depth; k += lanes<T>) best = maximum<T>(best, load<T>(from + k));
            if (k < depth)
                best = maximum<T>(
                    best, select<T>(first_lanes<T>(int(depth - k)), load<T>(from + k), least));
            to[r] = largest_lane<T>(best);
        }
        for (std::ptrdiff_t r = rows; r < padded<T>(rows); ++r) to[r] = T(0);
    }

    void largest_rows(const Instruction& i, std::ptrdiff_t columns) {
        T* const to = base[i.destination];
        const std::ptrdiff_t depth = length[i.depth], step = stride[i.a];
        for (std::ptrdiff_t c = 0; c < columns; c += lanes<T>) {
            Vec<T> best = load<T>(base[i.a] + c);
            for (std::ptrdiff_t r = 1; r < depth; ++r)
                best = maximum<T>(best, load<T>(base[i.a] + r * step + c));
            store<T>(to + c, best);  // padding is zero and stays so
        }
    }

    // Loops store live entries only; what a longer batch left behind them is cleared here.
    void run_loops(const Instruction& i) {
        Loops<T>{p, base, stride, length, slots, registers_, counters_}.run(p.scalar_code + i.a,
                                                                           p.scalar_code + i.b);
        if (i.destination < 0) return;
        T* const to = base[i.destination];
        const std::ptrdiff_t columns = length[i.columns], step = stride[i.destination];
        for (std::ptrdiff_t r = 0; r < length[i.rows]; ++r)
            for (std::ptrdiff_t c = columns; c < padded<T>(columns); ++c) to[r * step + c] = T(0);
    }

    // Scalars are doubles whatever the type of the matrices.
    void compute(const Step* begin, const Step* end) {
        for (const Step* s = begin; s != end; ++s) {
            const bool reads = s->operation > op_sum;  // the others' sources are no slots
            const double x = slots[reads ? s->x : 0], y = slots[s->y], z = slots[s->z];
            double& to = slots[s->target];
            switch (s->operation) {
            case op_operand: to = double(*base[s->x]); break;
            case op_constant: to = p.constants[s->x]; break;
            default: to = scalar_operation(s->operation, x, y, z);
            }
        }
    }

    // split.hpp: instructions in parts that threads share.
    bool step_shared();
    bool split(Crew& crew, const Instruction& i, Bound<T>& bound);
    template <Along along>
    bool split_product(Crew& crew, const Instruction& i, Bound<T>& bound);
    bool split_formula(Crew& crew, const Instruction& i);
    double work(const Instruction& i, const std::ptrdiff_t* lengths) const;

    const Kernel<T>* kernels_;
    const signed char* finish_numbers_;
    const Finished<T>* finished_;
    Arena arena_;
    double* registers_;
    std::ptrdiff_t* counters_;
    T* scratch_;
    double* sums_;
    int threads_ = 1;
    Bound<T>*bounds_, *bound_ = nullptr;
    std::ptrdiff_t bound_samples_[2] = {};
    unsigned char *given_, *changing_;
    Timed timed_;
    bool stale_ = true, late_ = false;
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule

#include "split.hpp"
