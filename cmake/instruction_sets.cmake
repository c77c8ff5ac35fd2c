# Which instruction sets the core is compiled for: the list `instruction_sets`.
#
#   pip install . -C cmake.define.CHAINRULE_ISA=native
#
# all (default): each that there is, one of which is chosen at import; native: the best one for this
# machine, with the same bits as in a build of all; or a list such as v3;v4.
set(CHAINRULE_ISA all CACHE STRING "Instruction sets: all, native, or a list of v2, v3, v4")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(known v4 v3 v2)
else()
  set(known aarch64)
endif()

if(CHAINRULE_ISA STREQUAL "all")
  set(instruction_sets ${known})
elseif(CHAINRULE_ISA STREQUAL "native" AND known STREQUAL "aarch64")
  set(instruction_sets aarch64)
elseif(CHAINRULE_ISA STREQUAL "native")
  file(WRITE ${CMAKE_BINARY_DIR}/nothing.cpp "")
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -march=native -dM -E ${CMAKE_BINARY_DIR}/nothing.cpp
    OUTPUT_VARIABLE macros COMMAND_ERROR_IS_FATAL ANY)
  set(instruction_sets v4)
  foreach(feature AVX512F AVX512BW AVX512CD AVX512DQ AVX512VL)
    if(NOT macros MATCHES "__${feature}__ ")
      set(instruction_sets v3)
    endif()
  endforeach()
  foreach(feature AVX2 BMI BMI2 F16C FMA LZCNT MOVBE)
    if(NOT macros MATCHES "__${feature}__ ")
      set(instruction_sets v2)
    endif()
  endforeach()
else()
  set(instruction_sets ${CHAINRULE_ISA})
  if(NOT instruction_sets)
    message(FATAL_ERROR "CHAINRULE_ISA must be all, native, or a list of ${known}, got nothing")
  endif()
  foreach(set IN LISTS instruction_sets)
    if(NOT set IN_LIST known)
      message(FATAL_ERROR "CHAINRULE_ISA must be all, native, or a list of ${known}, got '${set}'")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES instruction_sets)
endif()
