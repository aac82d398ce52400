package io.tracemill.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.Usability;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TestBackendSelection {
  private static final BackendProvider CPU = provider("cpu", 0, Usability.usableOn("2 cores"));
  private static final BackendProvider FAST = provider("fast", 100, Usability.usableOn("a card"));
  private static final BackendProvider ABSENT =
      provider("absent", 200, Usability.unusable("There is no driver; install one."));

  @Test
  void autoTakesTheHighestPreferenceThatCanRun() {
    assertThat(BackendSelection.select("auto", List.of(CPU, FAST))).isSameAs(FAST);
    assertThat(BackendSelection.select("auto", List.of(ABSENT, CPU, FAST))).isSameAs(FAST);
    assertThat(BackendSelection.select("auto", List.of(ABSENT, CPU))).isSameAs(CPU);
  }

  @Test
  void aNamedOneIsTakenOrAnError() {
    assertThat(BackendSelection.select("cpu", List.of(FAST, CPU))).isSameAs(CPU);
    assertUnavailable(
        "absent",
        List.of(CPU, ABSENT),
        "Backend absent was asked for but cannot run here: There is no driver; install one.");
    assertUnavailable(
        "tpu",
        List.of(CPU, FAST),
        "Backend 'tpu' is not on the class path; choose auto or one of: cpu, fast.");
    assertUnavailable(
        "auto",
        List.of(ABSENT),
        "No backend can run here: absent: There is no driver; install one.");
  }

  @Test
  void theCpuBackendIsOnTheClassPath() {
    assertThat(BackendSelection.providers()).extracting(BackendProvider::name).contains("cpu");
  }

  private static void assertUnavailable(
      String wanted, List<BackendProvider> providers, String message) {
    assertThatThrownBy(() -> BackendSelection.select(wanted, providers))
        .isInstanceOfSatisfying(
            ReasoningException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.BACKEND_UNAVAILABLE))
        .hasMessage(message);
  }

  private static BackendProvider provider(String name, int preference, Usability usability) {
    return new BackendProvider() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public int preference() {
        return preference;
      }

      @Override
      public Usability usability() {
        return usability;
      }

      @Override
      public Backend open(BackendRequest request) {
        throw new AssertionError("nobody opens " + name);
      }
    };
  }
}
