// Writes of the host into the lane state, in stream order: state[word[i]] = value[i].
//   updates  [count][2] int32 (word index, value) in mapped page-locked memory; the host leaves
//       them alone until the step
//            that follows has been published
//   state    int32 words of all lane arrays (LaneState.java lays them out)
// Word indices of one launch are distinct. Launch: grid (ceil(count / 256)), block 256. No shared
// memory.
// CPU twin: none; a plain scatter (exact).
extern "C" __global__ void __launch_bounds__(256)
    lane_update(const int2* updates, int* state, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    int2 update = updates[i];
    state[update.x] = update.y;
  }
}
