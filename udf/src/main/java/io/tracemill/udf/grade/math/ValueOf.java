package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.List;

/** The plain number behind a percent or degree sign. */
final class ValueOf {
  private ValueOf() {}

  /** {@code 50%} as 1/2, {@code 90°} as pi/2. */
  static Expr signs(Quantity quantity) {
    Expr scaled = Exprs.product(List.of(new Num(quantity.unit().factor()), quantity.magnitude()));
    return quantity.unit().piPower() == 1 ? Exprs.product(List.of(scaled, new Sym("π"))) : scaled;
  }
}
