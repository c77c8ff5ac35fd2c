// The engine for one instruction set. The build compiles this file once for each, with
// CHAINRULE_ENGINES the name of the table and CHAINRULE_ISA_NAMESPACE of everything else.
#include "engine.hpp"

namespace chainrule {

extern const Engines CHAINRULE_ENGINES;
const Engines CHAINRULE_ENGINES = {CHAINRULE_ISA_TEXT, &Table<float>::engine,
                                   &Table<double>::engine, formula_texts, formula_count};

}  // namespace chainrule
