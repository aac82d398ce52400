package io.tracemill.udf.grade.math;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes an answer in one alphabet: signs in place of TeX commands and look-alike characters, no
 * spacing or sizing, no wrappers ({@code $..$}, {@code \boxed{..}}, bold), no lead-in such as "the
 * answer is". Linear in the length of the text but for the number of wrappers, which is bounded.
 */
final class LatexCleaner {
  private static final int MAX_WRAPPERS = 8;
  private static final Pattern LEAD_IN =
      Pattern.compile(
          "^(?:either |(?:\\\\text ?\\{ ?)?(?:(?:so|thus|hence|therefore)[, ]+)?"
              + "(?:(?:the|my|our) )?(?:final |correct )?(?:answer|solution|result)(?: is|:|=)[: ]*}?"
              + "|(?:about|approximately|around|roughly)(?= ?[0-9$\\\\]))",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern SUPERSCRIPT_DEGREE = Pattern.compile("\\^(?:\\{ ?° ?}| ?°)");
  private static final Pattern SUPERSCRIPT_RUN = Pattern.compile("}\\^\\{(?=[0-9+\\-n])");
  private static final Pattern SUBSCRIPT_RUN = Pattern.compile("}_\\{(?=[0-9])");
  private static final Pattern NEGATED_EQUALS = Pattern.compile("\\\\not ?=|!=|/=");
  private static final Pattern TEMPERATURE =
      Pattern.compile("° ?(?:\\\\(?:text|mathrm) ?\\{ ?)?([CF])(?![A-Za-z]) ?}?");
  private static final Pattern SHARE_OF = Pattern.compile("(?<=[0-9}]) of an? ");
  private static final Pattern TEXT_DOLLAR =
      Pattern.compile("\\\\(?:text|mathrm|mbox) ?\\{ ?" + Characters.DOLLAR + " ?}");
  private static final Pattern MODULUS =
      Pattern.compile("\\( ?(?:\\\\(?:text|mathrm|operatorname) ?\\{ ?)?mod ?}? ?([^()]*)\\)");
  private static final Pattern SPACES = Pattern.compile("\\s+");

  private LatexCleaner() {}

  /** The answer in the cleaned alphabet; never longer than a few times the input. */
  static String clean(String raw) {
    String text = raw.strip();
    for (int i = 0; i < MAX_WRAPPERS; i++) {
      String inner = unwrapOnce(text);
      if (inner.equals(text)) {
        break;
      }
      text = inner;
    }
    text = markDollars(text);
    text = translate(text);
    text = SUPERSCRIPT_RUN.matcher(text).replaceAll("");
    text = SUBSCRIPT_RUN.matcher(text).replaceAll("");
    text = SUPERSCRIPT_DEGREE.matcher(text).replaceAll("°");
    text = NEGATED_EQUALS.matcher(text).replaceAll("≠");
    text = text.replace("<=", "≤").replace(">=", "≥").replace("**", "^").replace("+-", "±");
    text = text.replace("==", "=").replace("+/-", "±");
    text = SHARE_OF.matcher(text).replaceAll(" ");
    text = TEMPERATURE.matcher(text).replaceAll("°$1");
    text = TEXT_DOLLAR.matcher(text).replaceAll(String.valueOf(Characters.DOLLAR));
    text = MODULUS.matcher(text).replaceAll(" mod $1");
    text = text.replace("...", "…");
    return SPACES.matcher(text).replaceAll(" ").strip();
  }

  private static String unwrapOnce(String text) {
    String inner = stripEnds(text, "$$", "$$");
    inner = stripEnds(inner, "$", "$");
    inner = stripEnds(inner, "\\(", "\\)");
    inner = stripEnds(inner, "\\[", "\\]");
    inner = stripEnds(inner, "**", "**");
    inner = stripEnds(inner, "`", "`");
    for (String box : new String[] {"\\boxed", "\\fbox", "\\ensuremath", "\\displaystyle"}) {
      inner = unwrapCommand(inner, box);
    }
    Matcher leadIn = LEAD_IN.matcher(inner);
    if (leadIn.find() && leadIn.end() < inner.length()) {
      inner = inner.substring(leadIn.end()).strip();
    }
    return stripPunctuation(inner);
  }

  private static String stripPunctuation(String text) {
    int end = text.length();
    while (end > 1 && ".,;:".indexOf(text.charAt(end - 1)) >= 0) {
      if (text.charAt(end - 1) == '.' && text.charAt(end - 2) == '.') {
        break;
      }
      if (text.charAt(end - 2) == '\\') {
        break;
      }
      end--;
    }
    return text.substring(0, end).strip();
  }

  private static String stripEnds(String text, String open, String close) {
    int inner = text.length() - open.length() - close.length();
    if (inner <= 0 || !text.startsWith(open) || !text.endsWith(close)) {
      return text;
    }
    String body = text.substring(open.length(), open.length() + inner);
    // Two formulas side by side are not one formula in a wrapper.
    return body.contains(open) || body.endsWith("\\") ? text : body.strip();
  }

  private static String unwrapCommand(String text, String command) {
    if (!text.startsWith(command + "{") || !text.endsWith("}")) {
      return text;
    }
    int depth = 0;
    for (int i = command.length(); i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '{') {
        depth++;
      } else if (c == '}' && --depth == 0 && i < text.length() - 1) {
        return text;
      }
    }
    return depth == 0 ? text.substring(command.length() + 1, text.length() - 1).strip() : text;
  }

  /** Dollars in front of a digit are money where they do not pair up; others are TeX. */
  private static String markDollars(String text) {
    if (text.indexOf('$') < 0) {
      return text;
    }
    int count = 0;
    boolean allBeforeDigits = true;
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '$' && (i == 0 || text.charAt(i - 1) != '\\')) {
        count++;
        allBeforeDigits &= beforeDigit(text, i);
      }
    }
    boolean money = allBeforeDigits || count == 1;
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '$' && (i == 0 || text.charAt(i - 1) != '\\')) {
        out.append(money ? String.valueOf(Characters.DOLLAR) : " ");
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  private static boolean beforeDigit(String text, int index) {
    int next = index + 1;
    while (next < text.length() && text.charAt(next) == ' ') {
      next++;
    }
    return next < text.length()
        && (Character.isDigit(text.charAt(next)) || text.charAt(next) == '.');
  }

  private static String translate(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        int end = i + 1;
        while (end < text.length() && isAsciiLetter(text.charAt(end))) {
          end++;
        }
        if (end == i + 1) {
          end++;
        }
        String name = text.substring(i + 1, end);
        i = end - 1;
        appendCommand(out, name, text, end);
        if (name.equals("left") || name.equals("right")) {
          // "\left." opens nothing.
          if (end < text.length() && text.charAt(end) == '.') {
            i = end;
          }
        }
      } else if (c == '~') {
        out.append(' ');
      } else {
        String replacement = Characters.ofSign(c);
        if (replacement == null) {
          out.append(c);
        } else {
          out.append(replacement);
        }
      }
    }
    return out.toString();
  }

  private static void appendCommand(StringBuilder out, String name, String text, int end) {
    if (name.equals("mathbb") || name.equals("Bbb")) {
      out.append("\\mathbb");
      return;
    }
    String replacement = Characters.ofCommand(name);
    if (replacement == null) {
      out.append('\\').append(name);
      // A command ends where its letters end: keep "\alpha x" apart from "\alphax".
      if (end < text.length() && !isAsciiLetter(text.charAt(end))) {
        return;
      }
      out.append(' ');
    } else {
      out.append(replacement);
    }
  }

  static boolean isAsciiLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
}
