package io.tracemill.job.eval;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.job.eval.CompressionCheck.Recorded;
import io.tracemill.job.input.KvPolicyText;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestCompressionCheck {
  /** P = 16, R = 4, T = 4: compressions after steps 20 and 36, each of which drops 12 rows. */
  private static final KvCompressionPolicy RPC = policy("rpc interval=16 window=4 ratio=4");

  private static final Recorded FIRST = new Recorded(20, 30, 18);
  private static final Recorded SECOND = new Recorded(36, 34, 22);

  private static KvCompressionPolicy policy(String text) {
    return KvPolicies.create(KvPolicyText.ofOption("--policy", text));
  }

  private static int check(KvCompressionPolicy policy, int tokens, long last, Recorded... events) {
    return CompressionCheck.check(policy, 10, tokens, List.of(events), last);
  }

  @Test
  void whatThePaperSaysIsAsPlanned() {
    assertThat(check(RPC, 41, 26, FIRST, SECOND)).isEqualTo(CompressionCheck.AS_PLANNED);
    assertThat(check(RPC, 20, 29)).isEqualTo(CompressionCheck.AS_PLANNED);
    assertThat(check(policy("full"), 41, 50)).isEqualTo(CompressionCheck.AS_PLANNED);
  }

  @Test
  void aMissingALateOrADifferentCompressionIsSeen() {
    assertThat(check(RPC, 41, 50)).as("none").isEqualTo(CompressionCheck.OTHERWISE);
    assertThat(check(RPC, 41, 38, FIRST)).as("one").isEqualTo(CompressionCheck.OTHERWISE);
    assertThat(check(RPC, 41, 26, new Recorded(21, 31, 19), SECOND))
        .as("late")
        .isEqualTo(CompressionCheck.OTHERWISE);
    assertThat(check(RPC, 41, 25, FIRST, new Recorded(36, 34, 21)))
        .as("one row too few")
        .isEqualTo(CompressionCheck.OTHERWISE);
    assertThat(check(RPC, 41, 27, FIRST, SECOND))
        .as("another end")
        .isEqualTo(CompressionCheck.OTHERWISE);
    assertThat(check(policy("full"), 41, 38, FIRST))
        .as("a full cache that was compressed")
        .isEqualTo(CompressionCheck.OTHERWISE);
  }

  @Test
  void aPolicyThatDecidesHowManyStayHasABound() {
    KvCompressionPolicy threshold =
        policy("snapkv budget=threshold interval=16 window=4 rows=20 threshold=0.1");
    // After step 16 with 10 rows of prompt: 26 rows, of which 20 at most stay.
    assertThat(check(threshold, 20, 15, new Recorded(16, 26, 12)))
        .isEqualTo(CompressionCheck.WITHIN_BOUND);
    assertThat(check(threshold, 20, 24, new Recorded(16, 26, 21)))
        .isEqualTo(CompressionCheck.OTHERWISE);
  }
}
