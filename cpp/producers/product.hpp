// Products of matrices: destination = op(a) · b, each sum started from the bias.
#pragma once

#include "../fused_products.hpp"
#include "entrywise.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {

// The formula of a product whose result is not stored is applied in blocks of this size, which stay
// in the first-level cache together with the panel of B and the formula's operands. Blocks of
// 48 KiB and 384 rows took 1.4 times as long where rows x columns was 200 x 32.
constexpr std::ptrdiff_t scratch_bytes = 16384;
constexpr std::ptrdiff_t scratch_rows = 96;
template <class T>
constexpr std::ptrdiff_t scratch_entries = scratch_bytes / std::ptrdiff_t(sizeof(T));

// Products up to this many terms run as a prepared list of tiles; larger ones by blocks, where the
// lookups take no time compared with the work.
constexpr std::ptrdiff_t largest_prepared_product = std::ptrdiff_t{1} << 19;

// How a result of this size is cut into tiles.
template <class T, class Tile>
void cut_into_tiles(PreparedInstruction<T>& prepared, Tile tile_of) {
    prepared.panels = pieces(prepared.columns, tile_vectors * lanes<T>);
    prepared.tiles = pieces(prepared.rows, tile_rows);
    prepared.height = prepared.rows / prepared.tiles;
    prepared.tall = prepared.rows % prepared.tiles;
    prepared.one_tile = prepared.tiles == 1 && prepared.panels == 1;
    const std::ptrdiff_t rest =
        prepared.columns - (prepared.panels - 1) * tile_vectors * lanes<T>;
    const int vectors[2] = {2, rest > lanes<T> ? 2 : 1};
    for (int end = 0; end < 2; ++end) {
        prepared.tile[end] = tile_of(prepared.height, vectors[end]);
        prepared.tall_tile[end] =
            prepared.tall ? tile_of(prepared.height + 1, vectors[end]) : nullptr;
    }
    prepared.last = last_lanes<T>(prepared.columns);
}

template <class T>
struct Product {
    static double work(const Instruction& i, const std::ptrdiff_t* lengths) {
        return vectors_of<T>(i, lengths) * double(lengths[i.depth]) / product_rate +
               formula_work<T>(i, lengths);
    }

    // Only products that are small enough for a list of tiles without blocks, and for one thread.
    static void prepare(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (i.formula >= 0 && !prepared.kernel) return;
        prepare_inputs(m, i, prepared);
        const FusedProducts<T>* const fused = m.fused_products_of(i);
        const std::ptrdiff_t depth = prepared.from.depth;
        const std::ptrdiff_t entries = prepared.rows * padded<T>(prepared.columns);
        if (depth > depth_block<T> || entries * depth > largest_prepared_product) return;
        if (i.formula >= 0 && !fused && entries > scratch_entries<T>) return;
        const bool by_rows = i.a_transposed;
        prepared.start = prepared.bias ? prepared.bias : zero_row<T>;
        prepared.start_steps = prepared.bias != nullptr;
        prepared.from.start_by_row = prepared.bias && i.bias_by_row;
        if (fused) {
            cut_into_tiles(prepared, fused->tile[by_rows]);
            prepared.action = fused->tiles[by_rows];
        } else if (by_rows) {
            cut_into_tiles(prepared, tile_function<T, Along::rows, Store<T>>);
            prepared.action = prepared.kernel ? run_prepared<Along::rows, true>
                                              : run_prepared<Along::rows, false>;
        } else {
            cut_into_tiles(prepared, tile_function<T, Along::depth, Store<T>>);
            prepared.action = prepared.kernel ? run_prepared<Along::depth, true>
                                              : run_prepared<Along::depth, false>;
        }
    }

    template <Along along, bool formula>
    static bool run_prepared(PreparedInstruction<T>& prepared) {
        run_tiles<T, along>(prepared, &prepared.into);
        if constexpr (formula) apply_prepared(prepared);
        return true;
    }

    static bool run(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (i.a_transposed)
            run_along<Along::rows>(m, i, prepared);
        else
            run_along<Along::depth>(m, i, prepared);
        return true;
    }

    static bool share(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        if (i.a_transposed)
            share_along<Along::rows>(m, i, prepared);
        else
            share_along<Along::depth>(m, i, prepared);
        return true;
    }

    // How a result is cut into blocks for its formula: columns outside, rows inside.
    struct Blocks {
        std::ptrdiff_t height, width, down, count;
    };
    static Blocks blocks_of(std::ptrdiff_t rows, std::ptrdiff_t columns) {
        constexpr std::ptrdiff_t narrowest = tile_vectors * lanes<T>;
        if (rows * padded<T>(columns) <= scratch_entries<T>) return {rows, columns, 1, 1};
        const std::ptrdiff_t height = rows < scratch_rows ? rows : scratch_rows;
        std::ptrdiff_t width = scratch_entries<T> / height / narrowest * narrowest;
        if (width < narrowest) width = narrowest;
        const std::ptrdiff_t down = pieces(rows, height);
        return {height, width, down, down * pieces(columns, width)};
    }

private:
    // A product, and the formula that is applied to it block by block. Columns are outside: each
    // panel of B is then read by all rows while it is in the first-level cache.
    template <Along along>
    static void run_along(Machine<T>& m, const Instruction& i, PreparedInstruction<T>& prepared) {
        const std::ptrdiff_t rows = m.length[i.rows], columns = m.length[i.columns];
        if (i.formula < 0) {
            multiply_block<along>(m, i, {0, rows, 0, columns}, m.base[i.destination],
                                  m.stride[i.destination]);
            return;
        }
        const FormulaRow& f = m.p.formulas[i.formula];
        // A depth of several blocks would need memory for the sums.
        const FusedProducts<T>* const fused = m.fused_products_of(i);
        if (fused && m.length[i.depth] <= depth_block<T>) {
            refresh(prepared);
            load_scalars(m, f, prepared.call);
            fused->product(along, {0, rows, 0, columns}, m.length[i.depth],
                           {m.base[i.a], m.stride[i.a]}, {m.base[i.b], m.stride[i.b]},
                           prepared.call);
            return;
        }
        clear_sums(m, f);
        const Blocks blocks = blocks_of(rows, columns);
        if (blocks.count == 1) {
            const bool own = i.destination >= 0;
            multiply_block<along>(m, i, {0, rows, 0, columns},
                                  own ? m.base[i.destination] : m.scratch,
                                  own ? m.stride[i.destination] : padded<T>(columns));
            apply_whole(m, i, prepared);
            return;
        }
        for (std::ptrdiff_t b = 0; b < blocks.count; ++b) {
            Call<T> call;
            multiply_and_apply<along>(m, i, blocks, b, rows, columns, call, m.scratch);
            add_sums(m, f, call.sum);
        }
    }

    template <Along along>
    static void share_along(Machine<T>& m, const Instruction& i,
                            PreparedInstruction<T>& prepared) {
        const std::ptrdiff_t rows = m.length[i.rows], columns = m.length[i.columns];
        const bool by_rows = along == Along::depth && rows > columns;
        const Grid grid(rows, columns, tile_vectors * lanes<T>, work(i, m.length), m.threads(),
                        by_rows);
        if (i.formula < 0) {
            m.share(grid.count(), [&](std::ptrdiff_t part, int) {
                multiply_block<along>(m, i, grid(part), m.base[i.destination],
                                      m.stride[i.destination]);
            });
            return;
        }
        const FormulaRow& f = m.p.formulas[i.formula];
        const FusedProducts<T>* const fused = m.fused_products_of(i);
        if (fused && m.length[i.depth] <= depth_block<T>) {
            refresh(prepared);
            load_scalars(m, f, prepared.call);
            m.share(grid.count(), [&](std::ptrdiff_t part, int) {
                fused->product(along, grid(part), m.length[i.depth],
                               {m.base[i.a], m.stride[i.a]}, {m.base[i.b], m.stride[i.b]},
                               prepared.call);
            });
            return;
        }
        Blocks blocks = blocks_of(rows, columns);
        if (blocks.count == 1) {
            // A small result of a long sum: its formula takes no time.
            const bool own = i.destination >= 0;
            T* const to = own ? m.base[i.destination] : m.scratch;
            const std::ptrdiff_t step = own ? m.stride[i.destination] : padded<T>(columns);
            m.share(grid.count(), [&](std::ptrdiff_t part, int) {
                multiply_block<along>(m, i, grid(part), to, step);
            });
            apply_formula(m, i, prepared);
            return;
        }
        const bool sums = f.sum_end > f.sum_begin;
        if (!sums) {
            // Blocks of equal height, some for each thread.
            const std::ptrdiff_t threads = m.threads();
            const std::ptrdiff_t each = pieces(rows, threads * blocks.height);
            blocks.height = pieces(rows, threads * each);
            blocks.down = pieces(rows, blocks.height);
            blocks.count = blocks.down * pieces(columns, blocks.width);
        }
        const std::ptrdiff_t across = blocks.count / blocks.down;
        m.share(blocks.count, [&](std::ptrdiff_t part, int) {
            const std::ptrdiff_t b = by_rows ? part % across * blocks.down + part / across : part;
            alignas(64) T scratch[scratch_entries<T>];
            Call<T> call;
            multiply_and_apply<along>(m, i, blocks, b, rows, columns, call, scratch);
            if (sums)
                for (int n = 0; n < most_sums; ++n) m.block_sums[b * most_sums + n] = call.sum[n];
        });
        clear_sums(m, f);
        if (sums)
            for (std::ptrdiff_t b = 0; b < blocks.count; ++b)
                add_sums(m, f, m.block_sums + b * most_sums);
    }

    // Block b of a product, and its formula, whose sums are left in the call.
    template <Along along>
    static void multiply_and_apply(Machine<T>& m, const Instruction& i, const Blocks& blocks,
                                   std::ptrdiff_t b, std::ptrdiff_t rows, std::ptrdiff_t columns,
                                   Call<T>& call, T* scratch) {
        const std::ptrdiff_t row = b % blocks.down * blocks.height;
        const std::ptrdiff_t column = b / blocks.down * blocks.width;
        const std::ptrdiff_t bottom = rows - row < blocks.height ? rows : row + blocks.height;
        const std::ptrdiff_t right =
            columns - column < blocks.width ? columns : column + blocks.width;
        const bool own = i.destination >= 0;
        const std::ptrdiff_t step = own ? m.stride[i.destination] : padded<T>(right - column);
        T* const block = own ? m.base[i.destination] + row * step + column : scratch;
        multiply_block<along>(m, i, {row, bottom, column, right}, block - row * step - column,
                              step);
        const FormulaRow& f = m.p.formulas[i.formula];
        set_block<T>(m, call, f, row, column, bottom - row, right - column, block, step);
        call_formula(m, f, call);
    }

    // One block of a product; `origin` is where the whole result would begin.
    template <Along along>
    CHAINRULE_INLINE static void multiply_block(Machine<T>& m, const Instruction& i, Block block,
                                                T* origin, std::ptrdiff_t step) {
        const Left<T> a = {m.base[i.a], m.stride[i.a]};
        const Right<T> b = {m.base[i.b], m.stride[i.b]};
        const T* const bias = i.bias < 0 ? nullptr : m.base[i.bias];
        Store<T> to{origin, step};
        if (bias && i.bias_by_row) {
            // The sums start from the block itself, filled with each row's bias (not its padding).
            const Ints<T> last = last_lanes<T>(block.column_end);
            for (std::ptrdiff_t r = block.row_begin; r < block.row_end; ++r)
                for (std::ptrdiff_t c = block.column_begin; c < block.column_end; c += lanes<T>)
                    store<T>(origin + r * step + c,
                             masked<T>(broadcast<T>(bias[r]),
                                       c + lanes<T> <= block.column_end ? ~Ints<T>{} : last));
            pass<T, along>(block, m.length[i.depth], a, b, origin, step, to);
        } else {
            multiply<T, along>(block, m.length[i.depth], a, b, bias, to,
                               Partial<T>{origin, step});
        }
    }
};

}  // namespace CHAINRULE_ISA_NAMESPACE
}  // namespace chainrule
