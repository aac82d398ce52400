package io.tracemill.engine.text.jinja;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Dates written by C's {@code strftime} directives, in English as in the C locale. */
final class Strftime {
  private Strftime() {}

  static String format(String format, ZonedDateTime time) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      boolean unpadded = directive == '-' && i + 1 < format.length();
      if (unpadded) {
        directive = format.charAt(++i);
      }
      String value = value(directive, time);
      out.append(unpadded ? value.replaceFirst("^0(?=.)", "") : value);
    }
    return out.toString();
  }

  private static String value(char directive, ZonedDateTime time) {
    return switch (directive) {
      case 'Y' -> Integer.toString(time.getYear());
      case 'y' -> two(time.getYear() % 100);
      case 'm' -> two(time.getMonthValue());
      case 'd' -> two(time.getDayOfMonth());
      case 'e' -> String.format("%2d", time.getDayOfMonth());
      case 'H' -> two(time.getHour());
      case 'I' -> two((time.getHour() + 11) % 12 + 1);
      case 'M' -> two(time.getMinute());
      case 'S' -> two(time.getSecond());
      case 'f' -> String.format("%06d", time.getNano() / 1000);
      case 'j' -> String.format("%03d", time.getDayOfYear());
      case 'p' -> time.getHour() < 12 ? "AM" : "PM";
      case 'B' -> name("MMMM", time);
      case 'b', 'h' -> name("MMM", time);
      case 'A' -> name("EEEE", time);
      case 'a' -> name("EEE", time);
      case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
      case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
      case 'F' -> format("%Y-%m-%d", time);
      case 'D', 'x' -> format("%m/%d/%y", time);
      case 'T', 'X' -> format("%H:%M:%S", time);
      case 'R' -> format("%H:%M", time);
      case '%' -> "%";
      default -> throw JinjaException.runtime("strftime_now does not support %" + directive);
    };
  }

  private static String two(int number) {
    return String.format("%02d", number);
  }

  private static String name(String pattern, ZonedDateTime time) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time);
  }
}
