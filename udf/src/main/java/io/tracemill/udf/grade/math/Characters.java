package io.tracemill.udf.grade.math;

import java.util.HashMap;
import java.util.Map;

/** One character for each sign that answers write in several ways. */
final class Characters {
  /** Set braces, apart from TeX's grouping braces. */
  static final char SET_OPEN = '⦃';

  static final char SET_CLOSE = '⦄';

  /** The end of a matrix row, {@code \\} in TeX. */
  static final char ROW_END = '␤';

  /** The dollar as money, apart from the dollar that opens TeX. */
  static final char DOLLAR = '＄';

  private static final Map<Character, String> UNICODE = new HashMap<>();
  private static final Map<String, String> COMMANDS = new HashMap<>();

  static {
    unicode("−–—‐‑‒﹣－", "-");
    unicode("×·⋅∙•∗⁎", "*");
    unicode("÷∕⁄", "/");
    unicode("\u00a0\u2009\u202f\u2002\u2003\u2005\u2006\u2007\u2008\u200a\u3000", " ");
    unicode("\u200b\u200c\u200d\u2060\ufeff", "");
    unicode("＋", "+");
    unicode("（", "(");
    unicode("）", ")");
    unicode("，", ",");
    unicode("．", ".");
    unicode("＝", "=");
    unicode("：", ":");
    unicode("；", ";");
    unicode("％", "%");
    unicode("º˚", "°");
    unicode("𝜋", "π");
    unicode("⩽≦", "≤");
    unicode("⩾≧", "≥");
    unicode("≃≅", "≈");
    unicode("〈", "⟨");
    unicode("〉", "⟩");
    unicode("…⋯", "…");
    unicode("ø", "∅");
    unicode("√", "\\usqrt ");
    unicode("∛", "\\ucbrt ");
    unicode("½", "\\frac{1}{2}");
    unicode("⅓", "\\frac{1}{3}");
    unicode("⅔", "\\frac{2}{3}");
    unicode("¼", "\\frac{1}{4}");
    unicode("¾", "\\frac{3}{4}");
    unicode("⅕", "\\frac{1}{5}");
    unicode("⅖", "\\frac{2}{5}");
    unicode("⅗", "\\frac{3}{5}");
    unicode("⅘", "\\frac{4}{5}");
    unicode("⅙", "\\frac{1}{6}");
    unicode("⅚", "\\frac{5}{6}");
    unicode("⅛", "\\frac{1}{8}");
    unicode("⅜", "\\frac{3}{8}");
    unicode("⅝", "\\frac{5}{8}");
    unicode("⅞", "\\frac{7}{8}");

    commands("*", "cdot", "times", "ast", "bullet");
    commands("/", "div");
    commands("≤", "le", "leq", "leqslant", "leqq");
    commands("≥", "ge", "geq", "geqslant", "geqq");
    commands("<", "lt");
    commands(">", "gt");
    commands("≠", "ne", "neq");
    commands("≈", "approx", "simeq", "sim", "cong");
    commands("≡", "equiv");
    commands("∈", "in");
    commands("∪", "cup", "bigcup");
    commands("∩", "cap", "bigcap");
    commands("∖", "setminus", "smallsetminus", "backslash");
    commands("∞", "infty", "infin");
    commands("±", "pm");
    commands("∓", "mp");
    commands("°", "circ", "degree", "degrees");
    commands("…", "ldots", "dots", "cdots", "dotsc", "dotsb");
    commands("∅", "emptyset", "varnothing");
    commands("π", "pi");
    commands("Ω", "Omega", "ohm");
    commands(" mod ", "pmod", "bmod", "mod");
    commands("⟨", "langle");
    commands("⟩", "rangle");
    commands("|", "vert", "lvert", "rvert", "mid", "|");
    commands(":", "colon");
    commands("(", "lparen");
    commands(")", "rparen");
    commands("[", "lbrack");
    commands("]", "rbrack");
    commands(String.valueOf(SET_OPEN), "{", "lbrace");
    commands(String.valueOf(SET_CLOSE), "}", "rbrace");
    commands(String.valueOf(ROW_END), "\\", "cr");
    commands(String.valueOf(DOLLAR), "$");
    commands("€", "euro");
    commands("£", "pounds");
    commands("%", "%");
    commands("&", "&");
    commands("#", "#");
    commands("_", "_");
    commands("'", "prime");
    commands("!", "fact");
    commands(
        " ",
        ",",
        ";",
        ":",
        ">",
        " ",
        "quad",
        "qquad",
        "enspace",
        "thinspace",
        "space",
        "hspace*",
        "newline",
        "\n",
        "\t");
    commands(
        "",
        "!",
        "left",
        "right",
        "big",
        "Big",
        "bigg",
        "Bigg",
        "bigl",
        "bigr",
        "Bigl",
        "Bigr",
        "biggl",
        "biggr",
        "Biggl",
        "Biggr",
        "middle",
        "displaystyle",
        "textstyle",
        "scriptstyle",
        "limits",
        "nolimits",
        "mathstrut",
        "strut",
        "hfill",
        "/",
        "nobreak",
        "allowbreak",
        "boldmath",
        "rm",
        "bf",
        "it",
        "hline",
        "negthinspace",
        "-");
  }

  private Characters() {}

  private static void unicode(String signs, String replacement) {
    signs
        .codePoints()
        .filter(Character::isBmpCodePoint)
        .forEach(sign -> UNICODE.put((char) sign, replacement));
  }

  private static void commands(String replacement, String... names) {
    for (String name : names) {
      COMMANDS.put(name, replacement);
    }
  }

  /** What a sign is written as, or null where it stands for itself. */
  static String ofSign(char sign) {
    if (sign < 128) {
      return null;
    }
    int superscript = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ".indexOf(sign);
    if (superscript >= 0) {
      return "^{" + "0123456789+-n".charAt(superscript) + "}";
    }
    int subscript = "₀₁₂₃₄₅₆₇₈₉".indexOf(sign);
    if (subscript >= 0) {
      return "_{" + subscript + "}";
    }
    if (sign >= '０' && sign <= '９') {
      return String.valueOf((char) ('0' + (sign - '０')));
    }
    return UNICODE.get(sign);
  }

  /** What a TeX command without arguments is written as, or null where it stays a command. */
  static String ofCommand(String name) {
    return COMMANDS.get(name);
  }
}
