// Shared by the stand-alone test programs: a count of failures and one line per check.
#pragma once

#include <cstdio>

namespace check {

inline int failures = 0;

inline void expect(bool holds, const char* what) {
    if (!holds) {
        ++failures;
        std::printf("FAILED  %s\n", what);
    }
}

inline int finish(const char* name) {
    std::printf("%s: %s\n", name, failures == 0 ? "all checks hold" : "FAILED");
    return failures == 0 ? 0 : 1;
}

}  // namespace check
