package io.tracemill.job.length;

import io.tracemill.job.output.OutputTables;
import java.io.Serializable;
import java.util.Locale;
import java.util.Objects;

/**
 * Which length model a run uses. It never decides a row's text, so a run may go on with another one
 * or with none.
 *
 * @param kind where it is looked for
 * @param path the user's own, for {@link Kind#PATH}; empty otherwise
 */
public record LengthModelChoice(Kind kind, String path) implements Serializable {
  /** Where a length model is looked for. */
  public enum Kind {
    /** In the output's own folder, and there may be none. */
    AUTO,
    /** Nowhere. */
    NONE,
    /** Where the user says, and it must be there. */
    PATH
  }

  /** The output's own where it has one. */
  public static final LengthModelChoice USUAL = new LengthModelChoice(Kind.AUTO, "");

  /** No model, whatever lies beside the tables. */
  public static final LengthModelChoice NONE = new LengthModelChoice(Kind.NONE, "");

  public LengthModelChoice {
    Objects.requireNonNull(kind, "kind");
    if ((kind == Kind.PATH) == path.isEmpty()) {
      throw new IllegalArgumentException(kind + " with the path '" + path + "'");
    }
  }

  /** What an option says: auto, none, or a path. */
  public static LengthModelChoice parse(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "auto", "" -> USUAL;
      case "none" -> NONE;
      default -> new LengthModelChoice(Kind.PATH, text);
    };
  }

  /** Where a model of an output lies by custom. */
  public static String beside(OutputTables output) {
    return output.folder() + (output.folder().endsWith("/") ? "" : "/") + "length-model";
  }

  /** Where to look; empty for nowhere. */
  String place(OutputTables output) {
    return kind == Kind.AUTO ? beside(output) : path;
  }
}
