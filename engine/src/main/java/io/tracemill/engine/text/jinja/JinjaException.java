package io.tracemill.engine.text.jinja;

import java.util.OptionalInt;

/**
 * A template that cannot be compiled or rendered; the message is one sentence that names the line
 * where known.
 */
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  public enum Kind {
    /** The source is not Jinja. */
    SYNTAX,
    /** The source is Jinja, but uses something that this engine does not offer. */
    UNSUPPORTED,
    /** An operation failed on the values given. */
    RUNTIME,
    /** The template itself refused the messages by {@code raise_exception}. */
    RAISED,
    /** The template ran into a limit on output, steps or recursion. */
    LIMIT
  }

  private final Kind kind;
  private final int line;
  private final String reason;

  private JinjaException(Kind kind, String reason, int line) {
    super(line > 0 ? reason + " (template line " + line + ")" : reason);
    this.kind = kind;
    this.line = line;
    this.reason = reason;
  }

  static JinjaException syntax(int line, String reason) {
    return new JinjaException(Kind.SYNTAX, reason, line);
  }

  static JinjaException unsupported(int line, String reason) {
    return new JinjaException(Kind.UNSUPPORTED, reason, line);
  }

  static JinjaException runtime(String reason) {
    return new JinjaException(Kind.RUNTIME, reason, 0);
  }

  static JinjaException raised(String reason) {
    return new JinjaException(Kind.RAISED, reason, 0);
  }

  static JinjaException limit(String reason) {
    return new JinjaException(Kind.LIMIT, reason, 0);
  }

  /** This error with a line number, unless it has one already. */
  JinjaException atLine(int templateLine) {
    if (line > 0 || templateLine <= 0) {
      return this;
    }
    JinjaException located = new JinjaException(kind, reason, templateLine);
    located.setStackTrace(getStackTrace());
    return located;
  }

  /** What went wrong. */
  public Kind kind() {
    return kind;
  }

  /** The message without the line; for {@link Kind#RAISED} exactly the template author's text. */
  public String reason() {
    return reason;
  }

  /** The line in the template, counted from 1. */
  public OptionalInt line() {
    return line > 0 ? OptionalInt.of(line) : OptionalInt.empty();
  }
}
