package io.tracemill.job.progress;

import java.io.PrintStream;

/**
 * Where a person reads. On a terminal the progress line is rewritten in place; elsewhere each is a
 * line of its own.
 */
public final class Console {
  /** Whether lines can be rewritten. */
  public enum Screen {
    TERMINAL,
    PLAIN
  }

  /** Set by the launcher, since a JVM cannot tell whether one of its outputs is a terminal. */
  private static final String TERMINAL_PROPERTY = "tracemill.terminal";

  private static final String REWRITE = "\r\033[K";

  private final PrintStream out;
  private final Screen screen;
  private boolean lineOpen;

  /** A console on a stream. */
  public Console(PrintStream out, Screen screen) {
    this.out = out;
    this.screen = screen;
  }

  /** Standard output, on a terminal where the launcher says so. */
  public static Console standard() {
    return new Console(
        System.out, Boolean.getBoolean(TERMINAL_PROPERTY) ? Screen.TERMINAL : Screen.PLAIN);
  }

  /** Whether lines can be rewritten. */
  public Screen screen() {
    return screen;
  }

  /** A line that stays. */
  public synchronized void print(String line) {
    if (lineOpen) {
      out.print(REWRITE);
      lineOpen = false;
    }
    out.println(line);
    out.flush();
  }

  /** A line that the next one replaces, where the screen can do that. */
  public synchronized void progress(String line) {
    if (screen == Screen.TERMINAL) {
      out.print(REWRITE + line);
      out.flush();
      lineOpen = true;
    } else {
      print(line);
    }
  }
}
