package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.model.RopeFrequencies;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.PolicyExpectedKernel.Calibration;
import io.tracemill.gpu.internal.memory.DeviceBuffer;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import io.tracemill.gpu.internal.memory.Purpose;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import jcuda.driver.CUstream;

/**
 * Mean queries on the device: a calibration is uploaded when a rule first asks for it and stays
 * until it is the oldest of too many, which only rows that name files of their own can make.
 */
final class DeviceCalibrations implements AutoCloseable {
  private static final int MOST = 4;
  private static final int VALUES = 3;

  private final CudaDriver driver;
  private final DeviceMemory memory;
  private final CUstream stream;
  private final HeadShape heads;
  private final int numLayers;
  private final RopeFrequencies frequencies;
  private final Map<QueryCalibration, DeviceBuffer> uploaded = new LinkedHashMap<>(8, 0.75f, true);

  DeviceCalibrations(
      CudaDriver driver,
      DeviceMemory memory,
      CUstream stream,
      HeadShape heads,
      int numLayers,
      RopeFrequencies frequencies) {
    this.driver = driver;
    this.memory = memory;
    this.stream = stream;
    this.heads = heads;
    this.numLayers = numLayers;
    this.frequencies = frequencies;
  }

  /**
   * Where a calibration lies. Waits for the stream where it has to be uploaded.
   *
   * @throws IllegalArgumentException where it is of another network
   * @throws io.tracemill.engine.error.ReasoningException with code {@code OUT_OF_MEMORY}
   */
  Calibration of(QueryCalibration calibration) {
    DeviceBuffer buffer = uploaded.get(calibration);
    if (buffer == null) {
      requireThisNetwork(calibration);
      makeRoom();
      buffer = upload(calibration);
      uploaded.put(calibration, buffer);
    }
    return new Calibration(
        buffer.address(), buffer.address(meanBytes()), frequencies.attentionFactor());
  }

  private void requireThisNetwork(QueryCalibration calibration) {
    if (calibration.numLayers() != numLayers
        || calibration.numHeads() != heads.numQueryHeads()
        || 2 * calibration.numPairs() != heads.headDim()) {
      throw new IllegalArgumentException(
          "a calibration of %d layers of %d heads of %d elements"
              .formatted(
                  calibration.numLayers(), calibration.numHeads(), 2 * calibration.numPairs()));
    }
  }

  private void makeRoom() {
    for (Iterator<DeviceBuffer> oldest = uploaded.values().iterator(); uploaded.size() >= MOST; ) {
      // Freeing waits for kernels that still read it.
      oldest.next().close();
      oldest.remove();
    }
  }

  private DeviceBuffer upload(QueryCalibration calibration) {
    int bytes = Math.toIntExact(meanBytes()) + frequencies.numPairs() * Float.BYTES;
    DeviceBuffer buffer = memory.allocate(Purpose.WORKSPACE, "mean queries", bytes);
    try (PinnedBuffer host = new PinnedBuffer(driver, bytes)) {
      ByteBuffer to = host.bytes();
      for (int layer = 0; layer < numLayers; layer++) {
        for (int head = 0; head < calibration.numHeads(); head++) {
          for (int pair = 0; pair < calibration.numPairs(); pair++) {
            to.putFloat(calibration.meanReal(layer, head, pair));
            to.putFloat(calibration.meanImaginary(layer, head, pair));
            to.putFloat(calibration.meanModulus(layer, head, pair));
          }
        }
      }
      for (int pair = 0; pair < frequencies.numPairs(); pair++) {
        to.putFloat(frequencies.inverseFrequency(pair));
      }
      driver.copyToDevice(buffer.address(), host.memory(), 0, bytes, stream);
      driver.synchronize(stream);
      return buffer;
    } catch (RuntimeException e) {
      buffer.close();
      throw e;
    }
  }

  private long meanBytes() {
    return (long) numLayers * heads.queryDim() / 2 * VALUES * Float.BYTES;
  }

  /** Frees all of them. */
  @Override
  public void close() {
    uploaded.values().forEach(DeviceBuffer::close);
    uploaded.clear();
  }
}
