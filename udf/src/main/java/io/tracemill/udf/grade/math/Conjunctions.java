package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What "and" makes of items, and assignments against tuples. */
final class Conjunctions {
  private Conjunctions() {}

  /**
   * Items joined by "and": two bounds of one variable as a chain, amounts of one dimension as their
   * sum ("8 minutes and 30 seconds"), anything else as a list.
   */
  static Expr join(List<Expr> items) {
    if (items.size() == 2
        && items.get(0) instanceof Relation first
        && items.get(1) instanceof Relation second) {
      Optional<Expr> chain = chain(first, second).or(() -> chain(second, first));
      if (chain.isPresent()) {
        return chain.get();
      }
    }
    if (items.stream().allMatch(Quantity.class::isInstance)) {
      Expr sum = Exprs.sum(items);
      boolean descending =
          items.size() == 2
              && ((Quantity) items.get(0))
                      .unit()
                      .factor()
                      .compareTo(((Quantity) items.get(1)).unit().factor())
                  > 0;
      if (descending && sum instanceof Quantity) {
        return sum;
      }
    }
    return new Seq(Kind.LIST, items);
  }

  /** {@code x > 2} and {@code x < 5} as {@code 2 < x < 5}. */
  private static Optional<Expr> chain(Relation low, Relation high) {
    Optional<Expr> below = Intervals.of(low);
    Optional<Expr> above = Intervals.of(high);
    if (below.isEmpty()
        || above.isEmpty()
        || !Intervals.variable(low).equals(Intervals.variable(high))
        || !(below.get() instanceof Seq from)
        || !(above.get() instanceof Seq to)
        || !from.kind().isInterval()
        || !to.kind().isInterval()
        || !from.items().get(1).equals(new Sym("∞"))
        || to.items().get(1).equals(new Sym("∞"))) {
      return Optional.empty();
    }
    boolean fromIn = from.kind() == Kind.CLOSED_OPEN;
    boolean toIn = to.kind() == Kind.OPEN_CLOSED;
    return Optional.of(
        new Relation(
            List.of(
                from.items().get(0),
                new Sym(Intervals.variable(low).orElseThrow()),
                to.items().get(1)),
            List.of(fromIn ? "≤" : "<", toIn ? "≤" : "<")));
  }

  /** Whether an item only says what a parameter ranges over: {@code k ∈ Z}. */
  static boolean isRange(Expr item) {
    return item instanceof Relation relation
        && relation.operators().equals(List.of("∈"))
        && relation.last() instanceof Sym set
        && (set.name().equals("\\mathbb Z") || set.name().equals("\\mathbb N"));
  }

  /** {@code (a, b) = (1, 2)} as {@code a = 1} and {@code b = 2}; empty for other relations. */
  static List<Expr> assignments(Relation relation) {
    List<Expr> assignments = new ArrayList<>();
    if (relation.operators().equals(List.of("="))
        && relation.sides().get(0) instanceof Seq names
        && relation.last() instanceof Seq values
        && names.items().size() == values.items().size()
        && names.items().stream().allMatch(Sym.class::isInstance)) {
      for (int i = 0; i < names.items().size(); i++) {
        assignments.add(
            new Relation(List.of(names.items().get(i), values.items().get(i)), List.of("=")));
      }
    }
    return assignments;
  }

  /** {@code y = 2, x = 1} as {@code (1, 2)}: values in the order of their variables' names. */
  static Optional<Expr> tuple(Seq list) {
    Map<String, Expr> values = new TreeMap<>();
    for (Expr item : list.items()) {
      if (!(item instanceof Relation relation)
          || !relation.operators().equals(List.of("="))
          || !(relation.sides().get(0) instanceof Sym symbol)
          || values.put(symbol.name(), relation.last()) != null) {
        return Optional.empty();
      }
    }
    return values.size() < 2
        ? Optional.empty()
        : Optional.of(new Seq(Kind.OPEN, new ArrayList<>(values.values())));
  }
}
