package io.tracemill.udf.sql;

import io.tracemill.udf.sql.SqlFunction.Group;
import java.util.List;

/** Writes the page of functions. */
final class FunctionsPage {
  private FunctionsPage() {}

  static String render(List<SqlFunction> functions) {
    StringBuilder page =
        new StringBuilder(
            """
            # SQL functions

            Registered for one session by `TracemillFunctions.register(spark)`, or for all sessions of an
            application by `spark.sql.extensions=io.tracemill.udf.sql.TracemillExtensions`. All are
            deterministic, take null for null, and throw on no text. `DESCRIBE FUNCTION EXTENDED tm_...`
            prints the same texts.

            This page is written from the list of functions; `TestFunctionsPage` compares the two.
            """);
    for (Group group : Group.values()) {
      page.append("\n## ").append(group.title).append('\n');
      for (SqlFunction function : functions) {
        if (function.group() == group) {
          page.append("\n### ").append(function.name()).append("\n\n`");
          page.append(function.signature()).append("`\n\n");
          page.append(function.usage()).append("\n\n```sql\nSELECT ");
          page.append(function.example()).append(";\n-- ");
          page.append(function.exampleValue()).append("\n```\n");
        }
      }
    }
    return page.toString();
  }
}
