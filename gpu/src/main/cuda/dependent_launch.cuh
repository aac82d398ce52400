// Programmatic dependent launch (sm_90): a kernel may start while the one before it drains. Both
// functions do nothing in a launch without that attribute, or on older devices.
//
// Rules that keep a chain of such launches right: every kernel of the chain waits, in all threads
// and before any of them returns, so that a finished kernel means that all before it are finished;
// nothing but constants (weights, tables) is read, and nothing is written, before the wait; what an
// earlier kernel wrote is not read by __ldg, which the compiler may move ahead of the wait.
#pragma once

namespace tracemill {

// The next kernel may start once every thread block of this one has come here or has ended.
__device__ __forceinline__ void allow_dependents() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Returns when the kernel before this one has ended and what it wrote can be read.
__device__ __forceinline__ void wait_for_inputs() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// The start of a kernel that has nothing to do before its inputs are there.
__device__ __forceinline__ void begin_dependent() {
  allow_dependents();
  wait_for_inputs();
}

}  // namespace tracemill
