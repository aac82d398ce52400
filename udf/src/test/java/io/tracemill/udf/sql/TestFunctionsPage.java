package io.tracemill.udf.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TestFunctionsPage {
  private static final Path PAGE = Path.of("../docs/functions.md");

  @Test
  void thePageInDocsIsTheOneThatTheListWrites() throws IOException {
    if (Boolean.getBoolean("tests.write-docs")) {
      Files.writeString(PAGE, TracemillFunctions.page());
    }
    assertThat(Files.readString(PAGE))
        .as("run with -Dtests.write-docs=true to write it anew")
        .isEqualTo(TracemillFunctions.page());
  }

  @Test
  void everyNameStartsAlikeAndAppearsOnce() {
    assertThat(TracemillFunctions.names()).allMatch(name -> name.startsWith("tm_"));
    assertThat(TracemillFunctions.names()).doesNotHaveDuplicates();
  }
}
