// Embedding, RMSNorm, RoPE with append, and the end of a step.
#include <algorithm>

#include "../../main/cuda/advance.cu"
#include "../../main/cuda/embed.cu"
#include "../../main/cuda/lane_update.cu"
#include "../../main/cuda/rms_norm.cu"
#include "../../main/cuda/rope_append.cu"
#include "paged_cache.cuh"

namespace check {
namespace {

void checkEmbed() {
  int hidden = 264, vocab = 50;
  std::vector<uint16_t> table = normalBf16(static_cast<size_t>(vocab) * hidden, 1.0f, 41);
  std::vector<int> tokens = {3, 49, 0, -1}, laneOf = {2, -1, 0, 3};
  Buffer<uint16_t> tableBuffer(table);
  Buffer<int> tokenBuffer(tokens), laneBuffer(laneOf);
  Buffer<float> out(4 * hidden);
  embed_decode<<<4, 256>>>(tableBuffer.get(), tokenBuffer.get(), laneBuffer.get(), out.get(),
                           hidden);
  settle("embed_decode");
  std::vector<float> result = out.download();
  for (int row = 0; row < 4; row++) {
    bool same = true;
    for (int i = 0; i < hidden; i++) {
      if (laneOf[row] < 0) {
        same &= std::isnan(result[row * hidden + i]);
      } else {
        same &= result[row * hidden + i] ==
                fromBf16(table[std::max(0, tokens[laneOf[row]]) * hidden + i]);
      }
    }
    expect(same, "embed_decode row %d", row);
  }
  embed_prefill<<<4, 256>>>(tableBuffer.get(), tokenBuffer.get(), out.get(), hidden);
  settle("embed_prefill");
  result = out.download();
  bool same = true;
  for (int i = 0; i < 4 * hidden; i++) {
    same &= result[i] == fromBf16(table[std::max(0, tokens[i / hidden]) * hidden + i % hidden]);
  }
  expect(same, "embed_prefill");
}

void checkNorm(int hidden) {
  int rows = 3;
  std::vector<float> x = normalFloat(static_cast<size_t>(rows) * hidden, 3.0f, 42),
                     weight = normalFloat(hidden, 1.0f, 43);
  std::vector<int> laneOf = {0, -1, 1}, source = {2, -1, 0};
  Buffer<float> xBuffer(x), weightBuffer(weight);
  Buffer<int> laneBuffer(laneOf), sourceBuffer(source);
  Buffer<uint16_t> out(x.size());
  for (int mode = 0; mode < 3; mode++) {
    out.poison();
    if (mode == 0)
      rms_norm_decode<<<rows, 512>>>(xBuffer.get(), weightBuffer.get(), out.get(), laneBuffer.get(),
                                     hidden, 1e-6f);
    if (mode == 1)
      rms_norm_prefill<<<rows, 512>>>(xBuffer.get(), weightBuffer.get(), out.get(), hidden, 1e-6f);
    if (mode == 2)
      rms_norm_gather<<<rows, 512>>>(xBuffer.get(), weightBuffer.get(), out.get(),
                                     sourceBuffer.get(), hidden, 1e-6f);
    settle("rms_norm");
    std::vector<uint16_t> result = out.download();
    Error error;
    for (int row = 0; row < rows; row++) {
      int from = mode == 0 ? (laneOf[row] < 0 ? -1 : row) : mode == 1 ? row : source[row];
      double squares = 0;
      for (int i = 0; from >= 0 && i < hidden; i++)
        squares += static_cast<double>(x[from * hidden + i]) * x[from * hidden + i];
      for (int i = 0; i < hidden; i++) {
        if (from < 0) {
          error.add(result[row * hidden + i] == 0xffff ? 0 : 1e9, 0);
        } else {
          error.add(fromBf16(result[row * hidden + i]),
                    x[from * hidden + i] * weight[i] / std::sqrt(squares / hidden + 1e-6));
        }
      }
    }
    expect(error.nmse() < 1e-5, "rms_norm hidden %d mode %d: NMSE %.3g", hidden, mode,
           error.nmse());
  }
}

template <int kDim>
void checkRope(int hq, int hkv, bool norm, bool bias, uint64_t stream) {
  int ringRows = 5, units = hq + 2 * hkv, positions = 600;
  std::vector<int> kvLen = {0, 63, 64, 200}, pos = {0, 63, 333, 599}, laneOf = {3, -1, 0, 1, 2};
  int rows = static_cast<int>(laneOf.size()), lanes = 4;
  PagedCache cache(kvLen, hkv, kDim, stream);
  std::vector<float> qkv = normalFloat(static_cast<size_t>(rows) * units * kDim, 2.0f, stream + 1);
  std::vector<float> biases = normalFloat(units * kDim, 1.0f, stream + 2);
  std::vector<float> qNorm = normalFloat(kDim, 1.0f, stream + 3),
                     kNorm = normalFloat(kDim, 1.0f, stream + 4);
  std::vector<float> cosTable, sinTable;
  for (int p = 0; p < positions; p++) {
    for (int i = 0; i < kDim / 2; i++) {
      double angle = p * std::pow(10000.0, -2.0 * i / kDim);
      cosTable.push_back(static_cast<float>(std::cos(angle)));
      sinTable.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  Buffer<float> qkvBuffer(qkv), biasBuffer(biases), qNormBuffer(qNorm), kNormBuffer(kNorm),
      cosBuffer(cosTable), sinBuffer(sinTable);
  Buffer<int> laneBuffer(laneOf), posBuffer(pos), lenBuffer(kvLen), tableBuffer(cache.table);
  Buffer<uint16_t> pool(cache.pool), query(static_cast<size_t>(rows) * hq * kDim);
  Buffer<uint16_t> ring(static_cast<size_t>(lanes) * ringRows * hq * kDim);
  auto* decode = kDim == 128 ? rope_append_decode_d128 : rope_append_decode_d64;
  decode<<<dim3(rows, (units + 3) / 4), 128>>>(
      qkvBuffer.get(), bias ? biasBuffer.get() : nullptr, norm ? qNormBuffer.get() : nullptr,
      norm ? kNormBuffer.get() : nullptr, cosBuffer.get(), sinBuffer.get(), laneBuffer.get(),
      posBuffer.get(), lenBuffer.get(), tableBuffer.get(), pool.get(), query.get(), ring.get(),
      cache.maxPages, ringRows, hq, hkv, 1e-6f);
  settle("rope_append_decode");
  std::vector<uint16_t> poolOut = pool.download(), queryOut = query.download(),
                        ringOut = ring.download();
  std::vector<uint16_t> expectedPool = cache.pool;
  Error error;
  for (int row = 0; row < rows; row++) {
    int lane = laneOf[row];
    for (int unit = 0; unit < units; unit++) {
      std::vector<double> x(kDim), y(kDim);
      double squares = 0;
      for (int i = 0; i < kDim; i++) {
        x[i] = qkv[(static_cast<size_t>(row) * units + unit) * kDim + i] +
               (bias ? biases[unit * kDim + i] : 0.0f);
        squares += x[i] * x[i];
      }
      bool isQuery = unit < hq, isValue = unit >= hq + hkv;
      if (norm && !isValue) {
        for (int i = 0; i < kDim; i++)
          x[i] *= (isQuery ? qNorm[i] : kNorm[i]) / std::sqrt(squares / kDim + 1e-6);
      }
      y = x;
      for (int i = 0; lane >= 0 && !isValue && i < kDim / 2; i++) {
        double c = cosTable[pos[lane] * (kDim / 2) + i], s = sinTable[pos[lane] * (kDim / 2) + i];
        y[i] = x[i] * c - x[i + kDim / 2] * s;
        y[i + kDim / 2] = x[i + kDim / 2] * c + x[i] * s;
      }
      for (int i = 0; i < kDim; i++) {
        size_t q = (static_cast<size_t>(row) * hq + unit) * kDim + i;
        if (lane < 0) {
          if (isQuery) expect(queryOut[q] == 0xffff, "rope wrote a padding row");
          continue;
        }
        if (isQuery) {
          size_t r =
              ((static_cast<size_t>(lane) * ringRows + pos[lane] % ringRows) * hq + unit) * kDim +
              i;
          error.add(fromBf16(queryOut[q]), y[i]);
          expect(ringOut[r] == queryOut[q], "ring differs from the query");
          ringOut[r] = 0xffff;
        } else {
          size_t at = cache.row(lane, kvLen[lane], isValue ? 1 : 0, (unit - hq) % hkv) + i;
          error.add(fromBf16(poolOut[at]), y[i]);
          expectedPool[at] = poolOut[at];
        }
      }
    }
  }
  expect(error.nmse() < 1e-5, "rope_append_decode d%d: NMSE %.3g", kDim, error.nmse());
  expect(poolOut == expectedPool, "rope_append_decode wrote outside its rows of the pool");
  expect(std::all_of(ringOut.begin(), ringOut.end(), [](uint16_t x) { return x == 0xffff; }),
         "rope_append_decode wrote elsewhere in the ring");

  // Prefill over the rows of lanes 3, 0, 1, 2 in the same places must give the same bits.
  std::vector<int> segRow = {0, 1, 2, 3, 4}, segLane = {3, 0, 1, 2};
  std::vector<float> four(qkv.begin(), qkv.begin() + units * kDim);
  four.insert(four.end(), qkv.begin() + 2 * units * kDim, qkv.end());
  std::vector<int> segPos, segSlot;
  for (int lane : segLane) segPos.push_back(pos[lane]), segSlot.push_back(kvLen[lane]);
  Buffer<float> fourBuffer(four);
  Buffer<int> rowBuffer(segRow), segLaneBuffer(segLane), segPosBuffer(segPos),
      segSlotBuffer(segSlot);
  Buffer<uint16_t> pool2(cache.pool), query2(static_cast<size_t>(4) * hq * kDim);
  auto* prefill = kDim == 128 ? rope_append_prefill_d128 : rope_append_prefill_d64;
  prefill<<<dim3(4, (units + 3) / 4), 128>>>(
      fourBuffer.get(), bias ? biasBuffer.get() : nullptr, norm ? qNormBuffer.get() : nullptr,
      norm ? kNormBuffer.get() : nullptr, cosBuffer.get(), sinBuffer.get(), rowBuffer.get(),
      segLaneBuffer.get(), segPosBuffer.get(), segSlotBuffer.get(), tableBuffer.get(), pool2.get(),
      query2.get(), 4, cache.maxPages, hq, hkv, 1e-6f);
  settle("rope_append_prefill");
  expect(pool2.download() == poolOut, "rope_append_prefill differs from decode");
  std::vector<uint16_t> query2Out = query2.download();
  expect(std::equal(query2Out.begin() + hq * kDim, query2Out.end(),
                    queryOut.begin() + 2 * hq * kDim) &&
             std::equal(query2Out.begin(), query2Out.begin() + hq * kDim, queryOut.begin()),
         "rope_append_prefill query differs from decode");
}

void checkAdvance() {
  std::vector<int> laneOf = {2, -1, 0}, tokens = {7, 8, 9}, pos = {5, 6, 7}, kvLen = {1, 2, 3};
  Buffer<int> laneBuffer(laneOf), tokenBuffer(tokens), posBuffer(pos), lenBuffer(kvLen),
      sequence(std::vector<int>{41});
  // A sequence number, then the eight slots of 256 tokens that kernels publish into.
  constexpr int kSlots = 8, kRows = 256;
  std::vector<int> untouched(1 + kSlots * kRows, -1);
  size_t bytes = untouched.size() * sizeof(int);
  int* host;
  CUDA(cudaHostAlloc(&host, bytes, cudaHostAllocMapped));
  std::memcpy(host, untouched.data(), bytes);
  int* device;
  CUDA(cudaHostGetDevicePointer(&device, host, 0));
  // Whether the mapped memory holds the tokens of step `number`, and nothing else.
  auto published = [&](int number) {
    std::vector<int> expected = untouched;
    expected[0] = number + 1;
    int* slot = expected.data() + 1 + number % kSlots * kRows;
    slot[0] = 9;
    slot[2] = 7;
    return std::equal(expected.begin(), expected.end(), host);
  };
  advance_decode<<<1, 256>>>(laneBuffer.get(), tokenBuffer.get(), posBuffer.get(), lenBuffer.get(),
                             sequence.get(), device + 1, device, 3);
  settle("advance_decode");
  expect(published(41), "advance_decode published step %d", host[0]);
  expect(posBuffer.download() == std::vector<int>({6, 6, 8}) &&
             lenBuffer.download() == std::vector<int>({2, 2, 4}),
         "advance_decode counters");
  std::memcpy(host, untouched.data(), bytes);
  publish_tokens<<<1, 256>>>(laneBuffer.get(), tokenBuffer.get(), sequence.get(), device + 1,
                             device, 3);
  settle("publish_tokens");
  expect(published(42) && posBuffer.download()[0] == 6, "publish_tokens published step %d",
         host[0]);
  cudaFreeHost(host);
}

void checkLaneUpdate() {
  int words = 1000, count = 300;
  std::vector<int> expected(words, -1);
  std::vector<int2> changes;
  for (int i = 0; i < count; i++) {
    changes.push_back({(i * 7 + 3) % words, i});
    expected[(i * 7 + 3) % words] = i;
  }
  Buffer<int> state(words);
  Buffer<int2> updates(changes);
  lane_update<<<(count + 255) / 256, 256>>>(updates.get(), state.get(), count);
  settle("lane_update");
  expect(state.download() == expected, "lane_update");
}

}  // namespace

void embedNormRope() {
  checkLaneUpdate();
  checkEmbed();
  for (int hidden : {4, 256, 3584, 5120, 8192, 10240}) checkNorm(hidden);
  checkRope<128>(28, 4, false, true, 60);
  checkRope<128>(4, 2, true, false, 61);
  checkRope<64>(4, 2, false, true, 62);
  checkRope<64>(3, 1, true, true, 63);
  checkAdvance();
}

void benchSmall() {
  std::printf("small kernels in a graph, 7B shapes\n");
  for (int rows : {1, 16, 64}) {
    int hidden = 3584, hq = 28, hkv = 4, units = hq + 2 * hkv;
    std::vector<int> lanes, len(rows, 100), table;
    for (int i = 0; i < rows; i++) {
      lanes.push_back(i);
      for (int p = 0; p < 4; p++) table.push_back(i * 4 + p);
    }
    Buffer<float> x(normalFloat(static_cast<size_t>(rows) * hidden, 1.0f, 1)),
        weight(normalFloat(hidden, 1.0f, 2));
    Buffer<float> qkv(normalFloat(static_cast<size_t>(rows) * units * 128, 1.0f, 3)),
        bias(normalFloat(units * 128, 1.0f, 4));
    Buffer<float> trig(normalFloat(200 * 64, 1.0f, 5));
    Buffer<int> laneBuffer(lanes), lenBuffer(len), tableBuffer(table);
    Buffer<uint16_t> out(static_cast<size_t>(rows) * hidden),
        pool(static_cast<size_t>(rows) * 4 * 2 * hkv * 64 * 128);
    Buffer<uint16_t> query(static_cast<size_t>(rows) * hq * 128),
        ring(static_cast<size_t>(rows) * 32 * hq * 128);
    double norm = graphMicros(50, [&](cudaStream_t s, int) {
      rms_norm_decode<<<rows, 512, 0, s>>>(x.get(), weight.get(), out.get(), laneBuffer.get(),
                                           hidden, 1e-6f);
    });
    double rope = graphMicros(50, [&](cudaStream_t s, int) {
      rope_append_decode_d128<<<dim3(rows, (units + 3) / 4), 128, 0, s>>>(
          qkv.get(), bias.get(), nullptr, nullptr, trig.get(), trig.get(), laneBuffer.get(),
          lenBuffer.get(), lenBuffer.get(), tableBuffer.get(), pool.get(), query.get(), ring.get(),
          4, 32, hq, hkv, 1e-6f);
    });
    std::printf("  B=%d: rms_norm %.2f us, rope_append %.2f us\n", rows, norm, rope);
  }
}

}  // namespace check
