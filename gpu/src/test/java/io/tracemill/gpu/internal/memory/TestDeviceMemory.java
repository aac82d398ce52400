package io.tracemill.gpu.internal.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.gpu.internal.device.FakeDriver;
import org.junit.jupiter.api.Test;

class TestDeviceMemory {
  private final FakeDriver driver = new FakeDriver();
  private final DeviceMemory memory = new DeviceMemory(driver);

  @Test
  void everyByteIsBookedUnderItsPurpose() {
    try (DeviceBuffer weights = memory.allocate(Purpose.WEIGHTS, "layer 0", 1000);
        DeviceBuffer more = memory.allocate(Purpose.WEIGHTS, "layer 1", 24);
        DeviceBuffer pages = memory.allocate(Purpose.KV_PAGES, "pool", 7)) {
      assertThat(memory.table()).containsEntry("weights", 1024L).containsEntry("kv pages", 7L);
      assertThat(memory.bytesInUse())
          .isEqualTo(weights.byteSize() + more.byteSize() + pages.byteSize())
          .isEqualTo(driver.allocatedBytes());
      assertThat(memory.openBuffers()).isEqualTo(3);
    }
    assertThat(memory.openBuffers()).isZero();
    assertThat(memory.bytesInUse()).isZero();
    assertThat(memory.peakBytes()).isEqualTo(1031);
    assertThat(driver.allocatedBytes()).isZero();
  }

  @Test
  void noRoomIsOneSentenceWithRequestedAndFree() {
    driver.totalBytes = 20_000_000_000L;
    try (DeviceBuffer weights = memory.allocate(Purpose.WEIGHTS, "weights", 15_200_000_000L)) {
      assertThatThrownBy(() -> memory.allocate(Purpose.KV_PAGES, "the KV cache", 6_000_000_000L))
          .isInstanceOfSatisfying(
              ReasoningException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.OUT_OF_MEMORY))
          .hasMessage(
              "The GPU has no room for the KV cache: 6.00 GB requested, 4.80 GB free, in use here:"
                  + " weights 15.20 GB; use a smaller model, fewer slots, or free the GPU.");
      assertThat(memory.openBuffers()).isEqualTo(1);
      assertThat(weights.byteSize()).isEqualTo(15_200_000_000L);
    }
  }

  @Test
  void aClosedBufferHasNoAddressAndClosesTwice() {
    DeviceBuffer buffer = memory.allocate(Purpose.WORKSPACE, "logits", 64);
    buffer.close();
    buffer.close();
    assertThat(memory.openBuffers()).isZero();
    assertThatThrownBy(buffer::address)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a closed workspace buffer was used");
  }

  @Test
  void offsetsOutsideABufferAreRefused() {
    try (DeviceBuffer buffer = memory.allocate(Purpose.WORKSPACE, "logits", 64)) {
      assertThat(buffer.address(63)).isEqualTo(buffer.address() + 63);
      assertThatThrownBy(() -> buffer.address(64))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("offset 64 is outside a buffer of 64 bytes");
    }
  }

  @Test
  void resourcesCloseNewestFirstAndAllOfThem() {
    StringBuilder order = new StringBuilder();
    ResourceStack stack = new ResourceStack();
    stack.add(() -> order.append("first"));
    stack.add(
        () -> {
          throw new IllegalStateException("broken");
        });
    stack.add(() -> order.append("last "));
    assertThatThrownBy(stack::close).isInstanceOf(IllegalStateException.class).hasMessage("broken");
    assertThat(order).hasToString("last first");
    stack.close();
  }
}
