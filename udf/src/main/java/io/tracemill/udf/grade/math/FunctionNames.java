package io.tracemill.udf.grade.math;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The functions that answers use, under one name each. */
final class FunctionNames {
  private static final Map<String, String> CANONICAL =
      Map.ofEntries(
          Map.entry("sin", "sin"),
          Map.entry("cos", "cos"),
          Map.entry("tan", "tan"),
          Map.entry("tg", "tan"),
          Map.entry("cot", "cot"),
          Map.entry("sec", "sec"),
          Map.entry("csc", "csc"),
          Map.entry("arcsin", "asin"),
          Map.entry("arccos", "acos"),
          Map.entry("arctan", "atan"),
          Map.entry("asin", "asin"),
          Map.entry("acos", "acos"),
          Map.entry("atan", "atan"),
          Map.entry("sinh", "sinh"),
          Map.entry("cosh", "cosh"),
          Map.entry("tanh", "tanh"),
          Map.entry("ln", "ln"),
          Map.entry("log", "log"),
          Map.entry("lg", "log10"),
          Map.entry("exp", "exp"),
          Map.entry("sqrt", "sqrt"),
          Map.entry("cbrt", "cbrt"),
          Map.entry("abs", "abs"),
          Map.entry("min", "min"),
          Map.entry("max", "max"),
          Map.entry("gcd", "gcd"),
          Map.entry("lcm", "lcm"),
          Map.entry("floor", "floor"),
          Map.entry("ceil", "ceil"));

  private static final Set<String> TRIGONOMETRIC =
      Set.of("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh");

  private static final Set<String> GREEK =
      Set.of(
          "alpha",
          "beta",
          "gamma",
          "delta",
          "epsilon",
          "varepsilon",
          "zeta",
          "eta",
          "theta",
          "vartheta",
          "iota",
          "kappa",
          "lambda",
          "mu",
          "nu",
          "xi",
          "rho",
          "sigma",
          "tau",
          "upsilon",
          "phi",
          "varphi",
          "chi",
          "psi",
          "omega",
          "Gamma",
          "Delta",
          "Theta",
          "Lambda",
          "Xi",
          "Pi",
          "Sigma",
          "Phi",
          "Psi",
          "Omega",
          "ell");

  private FunctionNames() {}

  static boolean isFunction(String name) {
    return CANONICAL.containsKey(name);
  }

  static Optional<String> canonical(String name) {
    return Optional.ofNullable(CANONICAL.get(name));
  }

  /** Whether {@code f^2 x} means the square of the value and {@code f^{-1}} the inverse. */
  static boolean isTrigonometric(String canonical) {
    return TRIGONOMETRIC.contains(canonical);
  }

  static boolean isGreek(String name) {
    return GREEK.contains(name);
  }
}
