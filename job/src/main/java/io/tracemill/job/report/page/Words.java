package io.tracemill.job.report.page;

import io.tracemill.job.report.data.Overview.Share;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Numbers as people read them. */
final class Words {
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final String NONE = "–";

  private Words() {}

  static String number(double value) {
    return Double.isNaN(value) ? NONE : String.format(Locale.ROOT, "%,d", Math.round(value));
  }

  /** Whole percents; tenths below ten, so that 0.4 % is not nothing. */
  static String percent(double share) {
    if (Double.isNaN(share)) {
      return NONE;
    }
    double percent = 100 * share;
    boolean small = percent != 0 && Math.abs(percent) < 9.95;
    return small ? String.format(Locale.ROOT, "%.1f %%", percent) : Math.round(percent) + " %";
  }

  /** A difference of shares with its sign, in points. */
  static String points(double difference) {
    return String.format(
        Locale.ROOT, "%s%.1f", difference < 0 ? "−" : "+", Math.abs(100 * difference));
  }

  static String interval(Share share) {
    return "95 %% interval %d to %d %%"
        .formatted(Math.round(100 * share.low()), Math.round(100 * share.high()));
  }

  static String factor(double ratio) {
    return Double.isNaN(ratio) ? NONE : String.format(Locale.ROOT, "%.2f×", ratio);
  }

  /** Three digits and a unit of powers of 1000. */
  static String bytes(double bytes) {
    if (Double.isNaN(bytes)) {
      return NONE;
    }
    String[] units = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    double value = bytes;
    while (value >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    String digits = value < 10 && unit > 0 ? "%.2f" : value < 100 && unit > 0 ? "%.1f" : "%.0f";
    return String.format(Locale.ROOT, digits + " %s", value, units[unit]);
  }

  static String seconds(double seconds) {
    if (Double.isNaN(seconds)) {
      return NONE;
    }
    if (seconds < 100) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long minutes = Math.round(seconds / 60);
    return minutes < 120 ? minutes + " min" : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
  }

  static String time(Instant time) {
    return MINUTE.format(time) + " UTC";
  }

  static String pValue(double p) {
    return p < 0.001 ? "p < 0.001" : String.format(Locale.ROOT, "p = %.3f", p);
  }
}
