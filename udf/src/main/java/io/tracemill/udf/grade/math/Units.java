package io.tracemill.udf.grade.math;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The units that answers are given in, by name, with their size in base units. */
final class Units {
  private static final Map<String, Unit> BY_NAME = new HashMap<>();
  private static final Map<String, Rational> SCALE_WORDS =
      Map.of(
          "dozen", Rational.of(12),
          "hundred", Rational.of(100),
          "thousand", Rational.of(1_000),
          "million", Rational.of(1_000_000),
          "billion", Rational.of(1_000_000_000),
          "trillion", Rational.of(1_000_000_000_000L));

  /** Words that never belong to a unit; they make an answer a sentence. */
  private static final Set<String> NOT_UNITS =
      Set.of(
          "and",
          "or",
          "to",
          "if",
          "is",
          "are",
          "for",
          "where",
          "when",
          "with",
          "then",
          "than",
          "in",
          "at",
          "by",
          "from",
          "as",
          "mod",
          "modulo",
          "not",
          "no",
          "any",
          "all",
          "only",
          "but",
          "the",
          "a",
          "an",
          "i",
          "e",
          "pi",
          "infinity");

  static {
    // Lengths in metres.
    add("length", 1, 1, "m", "meter", "metre");
    add("length", 1000, 1, "km", "kilometer", "kilometre");
    add("length", 1, 100, "cm", "centimeter", "centimetre");
    add("length", 1, 1000, "mm", "millimeter", "millimetre");
    add("length", 254, 10_000, "inch", "inches", "in");
    add("length", 3048, 10_000, "ft", "foot", "feet");
    add("length", 9144, 10_000, "yd", "yard");
    add("length", 1_609_344, 1000, "mi", "mile");
    // Times in seconds.
    add("time", 1, 1, "s", "sec", "second");
    add("time", 1, 1000, "ms", "millisecond");
    add("time", 60, 1, "min", "minute");
    add("time", 3600, 1, "h", "hr", "hour");
    add("time", 86_400, 1, "day");
    add("time", 604_800, 1, "week", "wk");
    add("month", 1, 1, "month");
    add("month", 12, 1, "year", "yr");
    // Masses in grams.
    add("mass", 1, 1, "g", "gram", "gm");
    add("mass", 1000, 1, "kg", "kilogram");
    add("mass", 1, 1000, "mg", "milligram");
    add("mass", 45_359_237, 100_000, "lb", "pound");
    add("mass", 45_359_237, 1_600_000, "oz", "ounce");
    add("mass", 1_000_000, 1, "tonne");
    // Volumes are lengths cubed.
    BY_NAME.put("l", new Unit(Rational.of(1, 1000), 0, Map.of("length", 3)));
    BY_NAME.put("liter", BY_NAME.get("l"));
    BY_NAME.put("litre", BY_NAME.get("l"));
    BY_NAME.put("ml", new Unit(Rational.of(1, 1_000_000), 0, Map.of("length", 3)));
    BY_NAME.put("milliliter", BY_NAME.get("ml"));
    BY_NAME.put("millilitre", BY_NAME.get("ml"));
    BY_NAME.put("mph", BY_NAME.get("mile").times(BY_NAME.get("hour").power(-1)));
    BY_NAME.put("kph", BY_NAME.get("km").times(BY_NAME.get("hour").power(-1)));
    // Money in its main unit; a currency never converts into another.
    add("usd", 1, 1, "usd", "dollar", "buck", "＄");
    add("usd", 1, 100, "cent", "¢");
    add("eur", 1, 1, "eur", "euro", "€");
    add("gbp", 1, 1, "gbp", "£");
    add("jpy", 1, 1, "jpy", "yen", "¥");
    add("inr", 1, 1, "inr", "rupee", "₹");
    // Physics, in base units without conversion between them.
    add("newton", 1, 1, "n", "newton");
    add("joule", 1, 1, "j", "joule");
    add("joule", 1000, 1, "kj", "kilojoule");
    add("watt", 1, 1, "w", "watt");
    add("watt", 1000, 1, "kw", "kilowatt");
    add("volt", 1, 1, "v", "volt");
    add("ampere", 1, 1, "amp", "ampere");
    add("ohm", 1, 1, "ohm", "ω");
    add("hertz", 1, 1, "hz", "hertz");
    add("pascal", 1, 1, "pa", "pascal");
    add("mole", 1, 1, "mol", "mole");
    add("kelvin", 1, 1, "k", "kelvin");
    add("celsius", 1, 1, "celsius", "°c");
    add("fahrenheit", 1, 1, "fahrenheit", "°f");
    BY_NAME.put("percent", Unit.PERCENT);
    BY_NAME.put("degree", Unit.DEGREE);
    BY_NAME.put("deg", Unit.DEGREE);
    add("angle", 1, 1, "rad", "radian");
    // Counting words that say nothing about the amount.
    for (String empty : new String[] {"unit", "units", "approximately"}) {
      BY_NAME.put(empty, Unit.NONE);
    }
  }

  private Units() {}

  private static void add(String dimension, long numerator, long denominator, String... names) {
    for (String name : names) {
      BY_NAME.put(name, Unit.of(Rational.of(numerator, denominator), dimension));
    }
  }

  /** The unit of this name in singular or plural; letter case only matters for one-letter names. */
  static Optional<Unit> known(String word) {
    String lower = Words.lower(word);
    if (word.length() == 1
        && LatexCleaner.isAsciiLetter(word.charAt(0))
        && !"mshglLNJWVK".contains(word)) {
      return Optional.empty();
    }
    Unit unit = BY_NAME.get(lower);
    if (unit == null) {
      unit = BY_NAME.get(Words.singular(lower));
    }
    return Optional.ofNullable(unit);
  }

  /** The unit of this name, or a dimension of its own for a word that is not known. */
  static Unit of(String word) {
    return known(word).orElseGet(() -> Unit.of(Rational.ONE, Words.singular(Words.lower(word))));
  }

  /** What {@code million} and the like multiply by. */
  static Optional<Rational> scaleWord(String word) {
    return Optional.ofNullable(SCALE_WORDS.get(Words.lower(word)));
  }

  static boolean mayBeUnit(String word) {
    return !NOT_UNITS.contains(Words.lower(word));
  }
}
