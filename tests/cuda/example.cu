// The smallest kernel that uses what a real one does: shared memory, a barrier, halves, an ordered key.
#include "edgecv/half.cuh"
#include "edgecv/order.cuh"

#ifndef BLOCK
#define BLOCK 64
#endif

// Each block's best element: value and index, ties by the lower index. best: one bits64_t a block.
template <class T>
__device__ void best_of(const T* values, int count, bits64_t* best) {
  __shared__ bits64_t shared[BLOCK];
  int at = blockIdx.x * BLOCK + threadIdx.x;
  shared[threadIdx.x] = at < count ? order_pack(to_float(values[at]), (uint32_t)at) : 0;
  __syncthreads();
  for (int half = BLOCK / 2; half > 0; half /= 2) {
    if (threadIdx.x < half && shared[threadIdx.x + half] > shared[threadIdx.x])
      shared[threadIdx.x] = shared[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) best[blockIdx.x] = shared[0];
}

extern "C" __global__ void example_best_f32(const float* values, int count, bits64_t* best) {
  best_of(values, count, best);
}
extern "C" __global__ void example_best_f16(const half_t* values, int count, bits64_t* best) {
  best_of(values, count, best);
}
extern "C" __global__ void __launch_bounds__(512) example_scale(float* values, int count, float factor) {
  int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < count) values[at] = values[at] * factor;
}
