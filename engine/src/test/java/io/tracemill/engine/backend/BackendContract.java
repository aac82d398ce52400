package io.tracemill.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeConfig;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.engine.weights.ModelWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What every backend must do, whatever it runs on: tokens that depend on a lane's own calls alone,
 * pages anywhere, compressions that move nothing but what they are told to. A backend's test
 * extends this and names its provider; arithmetic itself is compared elsewhere, with golden files
 * and with the CPU backend.
 *
 * <p>Models have random weights; tokens are drawn at temperature 1, since greedy outputs of random
 * weights soon repeat and would hide differences.
 */
public abstract class BackendContract {
  private static final int LANES = 8;
  private static final int MAX_ROWS = 512;
  static final int CHUNK = 96;
  private static final int POOL_PAGES = 48;
  private static final int FLOAT32_BYTES = 4;
  static final int[] PROMPT_LENGTHS = {1, 63, 64, 65, 7, 130, 33, 128};
  static final SamplingParams DRAWN = new SamplingParams(1, 0, 1, 0, 1, 1000, List.of(), 0);

  final Random random = TestSeeds.random(getClass().getSimpleName());

  /** The provider under test; usable on this machine. */
  protected abstract BackendProvider provider();

  /** Networks to try, small ones. Others where a backend's kernels are made for certain sizes. */
  protected List<ModelConfig> models() {
    return List.of(
        model(Architecture.QWEN2, 48, 80, 4, 2, 16, true, false),
        model(Architecture.QWEN3, 40, 72, 6, 2, 24, false, true),
        model(Architecture.LLAMA, 64, 96, 4, 1, 16, false, false));
  }

  /** A network of two layers and 301 tokens. */
  protected static ModelConfig model(
      Architecture architecture,
      int hiddenSize,
      int intermediateSize,
      int numQueryHeads,
      int numKvHeads,
      int headDim,
      boolean attentionBias,
      boolean queryKeyNorm) {
    return new ModelConfig(
        architecture,
        2,
        hiddenSize,
        intermediateSize,
        numQueryHeads,
        numKvHeads,
        headDim,
        301,
        1e-6f,
        new RopeConfig(10_000, new RopeScaling.None()),
        4096,
        false,
        attentionBias,
        queryKeyNorm);
  }

  ContractLanes open(ModelConfig config) {
    return open(config, DummyWeights.of(config, 3));
  }

  ContractLanes open(ModelConfig config, ModelWeights weights) {
    long pageBytes =
        new KvLayout(config.numLayers(), config.numKvHeads(), config.headDim(), FLOAT32_BYTES)
            .pageBytes();
    BackendOptions options =
        new BackendOptions(
            LANES,
            ContractLanes.RING,
            MAX_ROWS,
            CHUNK,
            // Twice, since a backend may pad rows.
            OptionalLong.of(2 * POOL_PAGES * pageBytes),
            0.5,
            KvElement.BACKEND_DEFAULT,
            OptionalInt.of(2),
            OptionalInt.empty());
    return new ContractLanes(provider().open(new BackendRequest(config, weights, options)), random);
  }

  @Test
  public void itSaysWhatItIs() {
    for (ModelConfig config : models()) {
      try (ContractLanes lanes = open(config)) {
        BackendInfo info = lanes.backend.info();
        assertThat(info.name()).isEqualTo(provider().name());
        assertThat(info.numPages()).isGreaterThanOrEqualTo(POOL_PAGES);
        assertThat(info.maxLanes()).isEqualTo(LANES);
        assertThat(info.stepsInFlight()).isBetween(1, 2);
        assertThat(info.kvLayout().numLayers()).isEqualTo(config.numLayers());
        assertThat(info.kvLayout().numKvHeads()).isEqualTo(config.numKvHeads());
        assertThat(info.kvLayout().headDim()).isEqualTo(config.headDim());
        assertThat(info.memoryBytes()).isNotEmpty();
      }
    }
  }

  @Test
  public void chunksOfAPromptDoNotChangeTheTokens() {
    for (ModelConfig config : models()) {
      int[] prompt = prompt(150);
      try (ContractLanes lanes = open(config)) {
        int[] expected = null;
        for (int chunk : new int[] {96, 64, 65, 63, 7, 1}) {
          int first = lanes.start(3, prompt, DRAWN, 11, chunk);
          int[] tokens = join(first, lanes.decodeAlone(3, 12));
          lanes.end(3);
          expected = expected == null ? tokens : expected;
          assertThat(tokens).as("chunks of %d", chunk).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  public void promptsOfOneBatchDoNotTouchEachOther() {
    for (ModelConfig config : models()) {
      try (ContractLanes lanes = open(config)) {
        int[][] prompts = {prompt(20), prompt(31), prompt(45)};
        int[] alone = new int[3];
        for (int lane = 0; lane < 3; lane++) {
          alone[lane] = lanes.start(lane, prompts[lane], DRAWN, lane, CHUNK);
          lanes.end(lane);
        }
        for (int lane = 0; lane < 3; lane++) {
          lanes.begin(lane, prompts[lane], DRAWN, lane);
        }
        int[] together =
            lanes
                .backend
                .prefill(
                    List.of(
                        lanes.chunk(2, prompts[2], 0, 45),
                        lanes.chunk(0, prompts[0], 0, 20),
                        lanes.chunk(1, prompts[1], 0, 11)))
                .await();
        assertThat(together).as("only last chunks sample").containsExactly(alone[2], alone[0]);
        int[] rest = lanes.backend.prefill(List.of(lanes.chunk(1, prompts[1], 11, 31))).await();
        assertThat(rest).containsExactly(alone[1]);
      }
    }
  }

  @Test
  public void aLaneDoesNotKnowWhoRunsBesideIt() {
    int steps = 70;
    for (ModelConfig config : models()) {
      try (ContractLanes lanes = open(config)) {
        int[][] prompts = new int[LANES][];
        int[][] alone = new int[LANES][];
        for (int lane = 0; lane < LANES; lane++) {
          prompts[lane] = prompt(PROMPT_LENGTHS[lane]);
          int first = lanes.start(lane, prompts[lane], DRAWN, 100 + lane, CHUNK);
          alone[lane] = join(first, lanes.decodeAlone(lane, steps));
          lanes.end(lane);
        }
        int[] done = new int[LANES];
        for (int lane = LANES - 1; lane >= 0; lane--) {
          assertThat(lanes.start(lane, prompts[lane], DRAWN, 100 + lane, CHUNK))
              .isEqualTo(alone[lane][0]);
        }
        while (minimum(done) < steps) {
          int[] batch = batch(done, steps);
          int[] tokens = lanes.decode(batch).await();
          for (int i = 0; i < batch.length; i++) {
            int lane = batch[i];
            done[lane]++;
            assertThat(tokens[i])
                .as("lane %d, step %d, batch of %d", lane, done[lane], batch.length)
                .isEqualTo(alone[lane][done[lane]]);
          }
        }
      }
    }
  }

  @Test
  public void stepsMayBeEnqueuedBeforeTokensAreRead() {
    for (ModelConfig config : models()) {
      try (ContractLanes lanes = open(config)) {
        int[] prompt = prompt(62);
        int first = lanes.start(0, prompt, DRAWN, 5, CHUNK);
        int[] expected = join(first, lanes.decodeAlone(0, 6));
        lanes.end(0);
        lanes.begin(0, prompt, DRAWN, 5);
        PendingTokens prefill = lanes.backend.prefill(List.of(lanes.chunk(0, prompt, 0, 62)));
        int inFlight = lanes.backend.info().stepsInFlight();
        PendingTokens[] pending = new PendingTokens[7];
        for (int step = 1; step <= 6; step++) {
          pending[step] = lanes.decode(0);
          int read = step - inFlight + 1;
          if (read >= 1) {
            assertThat(pending[read].await()).containsExactly(expected[read]);
            assertThat(pending[read].isDone()).isTrue();
          }
        }
        lanes.end(0);
        assertThat(prefill.await()).containsExactly(first);
        assertThat(pending[6].await()).as("read after the lane ended").containsExactly(expected[6]);
      }
    }
  }

  /**
   * Lanes that share a prompt's whole pages draw what each would alone: while others decode and
   * compress beside them, and after the lane that wrote the pages is gone.
   */
  @Test
  public void lanesMayShareTheWholePagesOfTheirPrompt() {
    for (ModelConfig config : models()) {
      try (ContractLanes lanes = open(config)) {
        for (int length : new int[] {65, 129, 150}) {
          int[] prompt = prompt(length);
          int preset = (length - 1) / KvLayout.PAGE_SIZE_TOKENS * KvLayout.PAGE_SIZE_TOKENS;
          int[][] alone = new int[3][];
          for (int lane = 0; lane < 3; lane++) {
            int first = lanes.start(lane, prompt, DRAWN, 300 + lane, CHUNK);
            alone[lane] = join(first, compressedRun(lanes, lane, length));
            lanes.end(lane);
          }
          int[][] shared = new int[3][];
          int first = lanes.start(0, prompt, DRAWN, 300, CHUNK);
          int second = lanes.startSharing(1, 0, preset, prompt, DRAWN, 301);
          shared[0] = join(first, compressedRun(lanes, 0, length));
          lanes.end(0);
          int third = lanes.startSharing(2, 1, preset, prompt, DRAWN, 302);
          shared[1] = join(second, compressedRun(lanes, 1, length));
          lanes.end(1);
          shared[2] = join(third, compressedRun(lanes, 2, length));
          lanes.end(2);
          assertThat(shared).as("prompt of %d", length).isDeepEqualTo(alone);
        }
      }
    }
  }

  /** Decodes, compresses the output to a third, and decodes on. */
  private static int[] compressedRun(ContractLanes lanes, int lane, int promptRows) {
    int[] before = lanes.decodeAlone(lane, 70);
    lanes.compress(
        new int[] {lane}, new int[] {promptRows}, 8, new int[] {20}, rule(HeadAggregation.ALL));
    int[] after = lanes.decodeAlone(lane, 30);
    int[] all = Arrays.copyOf(before, before.length + after.length);
    System.arraycopy(after, 0, all, before.length, after.length);
    return all;
  }

  @Test
  public void aKeyFixesEveryDraw() {
    try (ContractLanes lanes = open(models().get(0))) {
      int[] prompt = prompt(12);
      int[][] tokens = new int[3][];
      long[] keys = {77, 77, 78};
      for (int i = 0; i < keys.length; i++) {
        int first = lanes.start(i, prompt, DRAWN, keys[i], CHUNK);
        tokens[i] = join(first, lanes.decodeAlone(i, 30));
      }
      assertThat(tokens[1]).isEqualTo(tokens[0]);
      assertThat(tokens[2]).isNotEqualTo(tokens[0]);
      SamplingParams greedy = SamplingParams.greedy(100);
      int first = lanes.start(3, prompt, greedy, 77, CHUNK);
      int[] drawnWithoutChance = join(first, lanes.decodeAlone(3, 10));
      assertThat(lanes.start(4, prompt, greedy, 1234, CHUNK)).isEqualTo(first);
      assertThat(join(first, lanes.decodeAlone(4, 10))).isEqualTo(drawnWithoutChance);
      SamplingParams one = new SamplingParams(1, 1, 1, 0, 1, 100, List.of(), 0);
      assertThat(lanes.start(5, prompt, one, 99, CHUNK)).as("top-k of 1").isEqualTo(first);
    }
  }

  /** A prompt whose arithmetic overflows: its lane gives no token, and nobody else notices. */
  @Test
  public void aLaneOfNoNumbersHarmsNobody() {
    for (ModelConfig config : models()) {
      int poison = 300;
      try (ContractLanes lanes = open(config, PoisonedWeights.of(config, 3, poison))) {
        int[] sound = random.ints(70, 0, poison).toArray();
        int[] poisoned = random.ints(70, 0, poison).toArray();
        poisoned[66] = poison;
        int first = lanes.start(0, sound, DRAWN, 21, CHUNK);
        int[] alone = join(first, lanes.decodeAlone(0, 10));
        lanes.end(0);

        lanes.begin(0, sound, DRAWN, 21);
        lanes.begin(1, poisoned, DRAWN, 22);
        int[] firsts =
            lanes
                .backend
                .prefill(List.of(lanes.chunk(1, poisoned, 0, 40), lanes.chunk(0, sound, 0, 50)))
                .await();
        assertThat(firsts).isEmpty();
        firsts =
            lanes
                .backend
                .prefill(List.of(lanes.chunk(1, poisoned, 40, 70), lanes.chunk(0, sound, 50, 70)))
                .await();
        assertThat(firsts).containsExactly(PendingTokens.NO_TOKEN, alone[0]);
        assertThat(join(firsts[1], lanes.decodeAlone(0, 10))).isEqualTo(alone);
        lanes.end(0);
        lanes.end(1);

        // The pages of both are the next to be handed out.
        for (int lane = 0; lane < 4; lane++) {
          int again = lanes.start(lane, sound, DRAWN, 21, CHUNK);
          assertThat(join(again, lanes.decodeAlone(lane, 10))).isEqualTo(alone);
        }
      }
    }
  }

  @Test
  public void aTakenLaneIsNotStartedAgain() {
    try (ContractLanes lanes = open(models().get(0))) {
      lanes.start(2, prompt(5), DRAWN, 1, CHUNK);
      assertThatThrownBy(
              () ->
                  lanes.backend.startLane(
                      new LaneStart(2, DRAWN, 2, prompt(5), ContractLanes.RING)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("2");
      assertThat(lanes.decodeAlone(2, 2)).as("the first one goes on").hasSize(2);
    }
  }

  @Test
  public void closingTwiceIsAllowed() {
    ContractLanes lanes = open(models().get(0));
    lanes.start(0, prompt(5), DRAWN, 1, CHUNK);
    lanes.close();
    lanes.backend.close();
  }

  static void run(ContractLanes lanes, int lane, int[] prompt) {
    lanes.start(lane, prompt, DRAWN, 200 + prompt.length, CHUNK);
    lanes.decodeAlone(lane, 90);
  }

  static ScoreRule rule(HeadAggregation aggregation) {
    return new ScoreRule.SelectorAttention(
        Collections.nCopies(ContractLanes.RING, 1f), aggregation, 7);
  }

  int[] prompt(int length) {
    return random.ints(length, 0, 301).toArray();
  }

  /** Some of the lanes that are not done, in a random order. */
  int[] batch(int[] done, int steps) {
    List<Integer> lanes = new ArrayList<>();
    for (int lane = 0; lane < done.length; lane++) {
      if (done[lane] < steps && random.nextInt(3) > 0) {
        lanes.add(lane);
      }
    }
    for (int lane = 0; lanes.isEmpty(); lane++) {
      if (done[lane] < steps) {
        lanes.add(lane);
      }
    }
    Collections.shuffle(lanes, random);
    return lanes.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int minimum(int[] values) {
    return Arrays.stream(values).min().orElseThrow();
  }

  private static int[] join(int first, int[] rest) {
    int[] all = new int[rest.length + 1];
    all[0] = first;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }
}
