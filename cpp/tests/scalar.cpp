// Arithmetic on single numbers against NumPy's conventions: NaN on either side of a maximum.
#include "scalar.hpp"

#include <cmath>

#include "check.hpp"

#define CHECK(condition) check::expect(condition, #condition)

using namespace chainrule;
using Op = Operation;

int main() {
    const double nan = __builtin_nan(""), infinity = __builtin_inf();
    for (const Operation operation : {Operation::maximum, Operation::minimum}) {
        for (const double other : {nan, -infinity, -1.0, 0.0, 2.0, infinity}) {
            CHECK(std::isnan(scalar_operation(operation, nan, other, 0)));
            CHECK(std::isnan(scalar_operation(operation, other, nan, 0)));
        }
    }
    CHECK(scalar_operation(Op::maximum, 1, 2, 0) == 2);
    CHECK(scalar_operation(Op::maximum, 2, 1, 0) == 2);
    CHECK(scalar_operation(Op::minimum, 1, 2, 0) == 1);
    CHECK(scalar_operation(Op::minimum, 2, 1, 0) == 1);
    CHECK(scalar_operation(Op::maximum, -infinity, infinity, 0) == infinity);
    CHECK(scalar_operation(Op::minimum, -infinity, infinity, 0) == -infinity);
    CHECK(std::isnan(scalar_operation(Op::sign, nan, 0, 0)));
    CHECK(std::signbit(scalar_operation(Op::sign, -0.0, 0, 0)));
    CHECK(scalar_operation(Op::greater, nan, 0, 0) == 0);
    CHECK(scalar_operation(Op::greater, 0, nan, 0) == 0);
    CHECK(scalar_operation(Op::equal, 2, 2, 0) == 1 && scalar_operation(Op::equal, 2, 3, 0) == 0);
    CHECK(scalar_operation(Op::equal, nan, nan, 0) == 0);
    CHECK(scalar_operation(Op::sin, 0.5, 0, 0) == std::sin(0.5));
    CHECK(scalar_operation(Op::cos, 0.5, 0, 0) == std::cos(0.5));
    CHECK(scalar_operation(Op::fnma, 2, 3, 10) == 4 && scalar_operation(Op::fma, 2, 3, 10) == 16);
    return check::finish("scalar");
}
