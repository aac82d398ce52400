package io.tracemill.udf.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ReasoningException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** From what Spark, the user and the environment say to CUDA's number of a card. */
class TestDeviceWish {
  static final String A = "GPU-aaaa1111-0000-0000-0000-000000000000";
  static final String B = "GPU-bbbb2222-0000-0000-0000-000000000000";
  static final String C = "GPU-bbbc3333-0000-0000-0000-000000000000";
  static final List<HostGpu> HOST =
      HostGpu.parse(
          """
          GPU 0: NVIDIA H100 80GB HBM3 (UUID: %s)
          GPU 1: NVIDIA H100 80GB HBM3 (UUID: %s)
          GPU 2: NVIDIA H100 80GB HBM3 (UUID: %s)
          """
              .formatted(A, B, C));

  @Test
  void theListingOfTheToolIsReadWithInstances() {
    List<HostGpu> cards =
        HostGpu.parse(
            """
            Some notice.
            GPU 0: NVIDIA A100 (40 GB) (UUID: %s)
              MIG 1g.5gb      Device  0: (UUID: MIG-11)
              MIG 1g.5gb      Device  1: (UUID: MIG-12)
            GPU 1: Tesla T4 (UUID: %s)
            """
                .formatted(A, B));
    assertThat(cards)
        .containsExactly(
            new HostGpu(0, A, "NVIDIA A100 (40 GB)", List.of("MIG-11", "MIG-12")),
            new HostGpu(1, B, "Tesla T4", List.of()));
  }

  @Test
  void allCardsAreVisibleWhereTheVariableIsNotSet() {
    assertThat(ordinals(Optional.empty())).containsExactly(A, B, C);
  }

  @Test
  void theVariableNumbersCardsInItsOwnOrderAndEndsAtTheFirstWrongEntry() {
    assertThat(ordinals(Optional.of("2,0"))).containsExactly(C, A);
    assertThat(ordinals(Optional.of(B))).containsExactly(B);
    assertThat(ordinals(Optional.of("GPU-bbbc, 1"))).containsExactly(C, B);
    assertThat(ordinals(Optional.of("1,-1,0"))).containsExactly(B);
    assertThat(ordinals(Optional.of("7,0"))).isEmpty();
    assertThat(ordinals(Optional.of(""))).isEmpty();
    assertThat(ordinals(Optional.of("MIG-12"))).containsExactly("MIG-12");
  }

  @Test
  void aNumberedLabelIsFoundByItsIdentityAmongTheVisibleCards() {
    // Spark says 2, CUDA shows cards 1 and 2 to this process: there it is number 1.
    assertThat(ordinal("2", "1,2")).isEqualTo(1);
    assertThat(ordinal("2", "2")).isZero();
    assertThat(ordinal(C, "1,2")).isEqualTo(1);
    assertThat(ordinal("GPU-bbbc", null)).isEqualTo(2);
    assertThat(ordinal("1", null)).isEqualTo(1);
  }

  @Test
  void insideAContainerTheOneVisibleCardIsMeantWhateverItsLabel() {
    assertThat(ordinal("3", "1")).isZero();
  }

  @Test
  void withoutAToolNumbersAreTakenAsCudaCountsThem() {
    assertThat(candidate(List.of("1"), List.of(), null).ordinal()).isEqualTo(1);
    assertThat(candidate(List.of("5"), List.of(), "4,5").ordinal()).isEqualTo(1);
    assertThat(candidate(List.of(B), List.of(), A + "," + B).uuid()).contains(B);
  }

  @Test
  void withoutALabelTheUsersChoiceOrAnyCardWillDo() {
    assertThat(wish(2).candidates(VisibleGpu.of(HOST, Optional.empty())))
        .extracting(VisibleGpu::ordinal)
        .containsExactly(2);
    assertThat(
            new DeviceWish(List.of(), OptionalInt.empty())
                .candidates(VisibleGpu.of(HOST, Optional.empty())))
        .hasSize(3);
    assertThat(wish(1).candidates(List.of())).extracting(VisibleGpu::ordinal).containsExactly(1);
  }

  @Test
  void everyRefusalSaysWhatToDo() {
    refuses(
        () -> candidate(List.of("7"), HOST, "0,1"),
        "Spark assigned GPU 7, which this process does not see (it sees 0 ("
            + A
            + "), 1 ("
            + B
            + ")); let the discovery script print what executors see, as bin/gpu-discovery does, or"
            + " correct CUDA_VISIBLE_DEVICES.");
    refuses(
        () -> candidate(List.of("GPU-eeee"), List.of(), null),
        "Spark assigned GPU GPU-eeee, which this process does not see (it sees none); let the"
            + " discovery script print what executors see, as bin/gpu-discovery does, or correct"
            + " CUDA_VISIBLE_DEVICES.");
    refuses(
        () -> candidate(List.of("0", "1"), HOST, null),
        "Spark assigned 2 GPUs (0, 1) to a task, but an executor runs one engine on one GPU; set"
            + " spark.executor.resource.gpu.amount=1 and spark.task.resource.gpu.amount to 1 divided"
            + " by spark.executor.cores, and start an executor for each GPU.");
    refuses(
        () -> wish(3).candidates(VisibleGpu.of(HOST, Optional.of("1"))),
        "--device is 3, but this process sees 1 GPU (1 (" + B + ")); numbers begin at 0.");
    refuses(
        () -> new DeviceWish(List.of("0"), OptionalInt.of(1)).candidates(List.of()),
        "Spark assigned GPU 0, but --device 1 was given; leave one of the two out.");
  }

  private static void refuses(Runnable claim, String sentence) {
    assertThatThrownBy(claim::run).isInstanceOf(ReasoningException.class).hasMessage(sentence);
  }

  private static DeviceWish wish(int ordinal) {
    return new DeviceWish(List.of(), OptionalInt.of(ordinal));
  }

  private static List<String> ordinals(Optional<String> variable) {
    return VisibleGpu.of(HOST, variable).stream().map(gpu -> gpu.uuid().orElseThrow()).toList();
  }

  private static int ordinal(String label, String variable) {
    return candidate(List.of(label), HOST, variable).ordinal();
  }

  private static VisibleGpu candidate(List<String> labels, List<HostGpu> host, String variable) {
    List<VisibleGpu> found =
        new DeviceWish(labels, OptionalInt.empty())
            .candidates(VisibleGpu.of(host, Optional.ofNullable(variable)));
    assertThat(found).hasSize(1);
    return found.get(0);
  }
}
