// Sums over a block, in the order of the threads: the same result in every schedule.
#pragma once

// Inclusive sum over the lanes of a warp; all 32 lanes call it.
__device__ inline int warp_scan(int value) {
  const int lane = threadIdx.x & 31;
  for (int step = 1; step < 32; step <<= 1) {
    const int other = __shfl_up_sync(0xffffffffu, value, step);
    if (lane >= step) value += other;
  }
  return value;
}

// Sum of the values of all earlier threads; `total` is the sum of all, in every thread.
// One-dimensional blocks of a multiple of 32 threads; all threads call it.
__device__ inline int block_scan(int value, int& total) {
  __shared__ int sums[32];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  const int inclusive = warp_scan(value);
  if (lane == 31) sums[warp] = inclusive;
  __syncthreads();
  if (warp == 0) {
    const int scanned = warp_scan(lane < warps ? sums[lane] : 0);
    sums[lane] = scanned;
  }
  __syncthreads();
  const int before = warp > 0 ? sums[warp - 1] : 0;
  total = sums[31];
  __syncthreads();  // the next call writes `sums`
  return before + inclusive - value;
}

// Sum of one value of each thread, in every thread; all threads call it.
__device__ inline int block_sum(int value) {
  int total;
  block_scan(value, total);
  return total;
}
