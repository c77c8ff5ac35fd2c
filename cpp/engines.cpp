// The table of one instruction set, CHAINRULE_ENGINES, which is named CHAINRULE_ISA_TEXT to users.
// Constants only: all tables are read on every processor, before one is chosen.
#include "generated/texts.inc"
#include "isa.hpp"

namespace chainrule {
inline namespace CHAINRULE_ISA_NAMESPACE {
extern const Engine float_engine, double_engine;
}

extern const Engines CHAINRULE_ENGINES;
constexpr Engines CHAINRULE_ENGINES = {CHAINRULE_ISA_TEXT, &float_engine, &double_engine,
                                       formula_texts,
                                       sizeof formula_texts / sizeof *formula_texts};

}  // namespace chainrule
