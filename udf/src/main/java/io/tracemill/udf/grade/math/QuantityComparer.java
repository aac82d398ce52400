package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.List;
import java.util.Optional;

/**
 * Compares numbers with units. Units of one dimension convert. A unit that only one side names is
 * taken as understood; a percent or degree sign may then also be meant as part of the value.
 */
final class QuantityComparer {
  private final ExprComparer comparer;

  QuantityComparer(ExprComparer comparer) {
    this.comparer = comparer;
  }

  boolean same(Expr a, Expr b) {
    if (a instanceof Quantity x && b instanceof Quantity y) {
      return both(x, y);
    }
    Quantity quantity = a instanceof Quantity x ? x : (Quantity) b;
    Expr plain = a instanceof Quantity ? b : a;
    Optional<Quantity> hidden = withHiddenUnit(plain);
    if (hidden.isPresent()) {
      return both(quantity, hidden.get());
    }
    if (comparer.same(quantity.magnitude(), plain)) {
      return true;
    }
    return quantity.unit().isValueBearing() && comparer.same(ValueOf.signs(quantity), plain);
  }

  /** {@code 5m} without a space reads as five times m, unless the other side has units. */
  private static Optional<Quantity> withHiddenUnit(Expr expr) {
    if (expr instanceof Product product
        && product.factors().size() == 2
        && product.factors().get(0) instanceof Num number
        && product.factors().get(1) instanceof Sym symbol) {
      return Units.known(symbol.name()).map(unit -> new Quantity(number, unit));
    }
    return Optional.empty();
  }

  private boolean both(Quantity a, Quantity b) {
    if (!a.unit().sameDimensions(b.unit())) {
      return false;
    }
    return comparer.same(inBaseUnits(a), inBaseUnits(b));
  }

  private static Expr inBaseUnits(Quantity quantity) {
    Expr scaled = Exprs.product(List.of(new Num(quantity.unit().factor()), quantity.magnitude()));
    if (quantity.unit().piPower() == 0) {
      return scaled;
    }
    Expr pi = Exprs.power(new Sym("π"), Exprs.number(quantity.unit().piPower()));
    return Exprs.product(List.of(scaled, pi));
  }
}
