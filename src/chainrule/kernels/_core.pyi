"""The compiled core. What it computes, the reference backend defines."""



def build_info() -> dict[str, str]:
    """
    Say how this module was built: compiler, compiler_version, cpp_standard (the value
    of __cplusplus), instruction_set (the least that a processor must offer) and
    nanobind_version.
    """
