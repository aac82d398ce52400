package io.tracemill.job.report.chart;

import java.text.FieldPosition;
import java.text.NumberFormat;
import java.text.ParsePosition;
import java.util.function.DoubleFunction;

/** Numbers as a function words them, for axes. */
final class NumberFormatOf extends NumberFormat {
  private static final long serialVersionUID = 1L;

  private final transient DoubleFunction<String> words;

  NumberFormatOf(DoubleFunction<String> words) {
    this.words = words;
  }

  @Override
  public StringBuffer format(double number, StringBuffer to, FieldPosition position) {
    return to.append(words.apply(number == 0 ? 0 : number)); // No negative zero.
  }

  @Override
  public StringBuffer format(long number, StringBuffer to, FieldPosition position) {
    return format((double) number, to, position);
  }

  @Override
  public Number parse(String source, ParsePosition position) {
    throw new IllegalStateException("axes do not read");
  }
}
