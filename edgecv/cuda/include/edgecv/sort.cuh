// Sorting in a block (bitonic, in shared memory) and over blocks (stable radix passes of 8 bits).
#pragma once
#include "edgecv/scan.cuh"
#include "edgecv/types.cuh"

// Smallest power of two that is at least `n`, for n >= 1.
__device__ inline int power_of_two(int n) {
  int size = 1;
  while (size < n) size <<= 1;
  return size;
}

// Sort `size` keys (a power of two, in shared memory), highest first. The caller synchronises
// before; the keys are sorted for every thread after. All threads call it with the same size.
__device__ inline void block_sort_falling(bits64_t* keys, int size) {
  for (int width = 2; width <= size; width <<= 1) {
    for (int stride = width >> 1; stride > 0; stride >>= 1) {
      for (int i = threadIdx.x; i < size / 2; i += blockDim.x) {
        const int low = 2 * i - (i & (stride - 1)), high = low + stride;
        const bits64_t a = keys[low], b = keys[high];
        if ((a < b) == ((low & width) == 0)) {
          keys[low] = b;
          keys[high] = a;
        }
      }
      __syncthreads();
    }
  }
}

// One pass of a stable radix sort, highest keys first, tiles of RADIX_TILE keys, a tile a block of
// RADIX_TILE threads: radix_count, then radix_offsets (one block of RADIX_DIGITS threads), then
// radix_position. `counts` is (tiles, RADIX_DIGITS).
constexpr int RADIX_DIGITS = 256, RADIX_TILE = 1024;
constexpr int RADIX_AT_ONCE = 8;  // counts a thread loads before it waits for memory

__device__ inline int radix_digit(unsigned key, int shift) {
  return 255 - static_cast<int>((key >> shift) & 255u);
}

// How often each digit occurs in the tile `blockIdx.x`.
__device__ inline void radix_count(const unsigned* keys, int n, int shift, int* counts) {
  __shared__ int digits[RADIX_DIGITS];
  const int i = blockIdx.x * RADIX_TILE + threadIdx.x;
  if (threadIdx.x < RADIX_DIGITS) digits[threadIdx.x] = 0;
  __syncthreads();
  if (i < n) atomicAdd(&digits[radix_digit(keys[i], shift)], 1);
  __syncthreads();
  if (threadIdx.x < RADIX_DIGITS) counts[blockIdx.x * RADIX_DIGITS + threadIdx.x] = digits[threadIdx.x];
}

// Turn counts into where each tile's keys of each digit begin.
__device__ inline void radix_offsets(int tiles, int* counts) {
  int sum = 0, all;
  for (int t = 0; t < tiles; ++t) sum += counts[t * RADIX_DIGITS + threadIdx.x];
  int at = block_scan(sum, all);
  for (int t = 0; t < tiles; t += RADIX_AT_ONCE) {
    int here[RADIX_AT_ONCE];
#pragma unroll
    for (int j = 0; j < RADIX_AT_ONCE; ++j)
      here[j] = t + j < tiles ? counts[(t + j) * RADIX_DIGITS + threadIdx.x] : 0;
#pragma unroll
    for (int j = 0; j < RADIX_AT_ONCE; ++j) {
      if (t + j < tiles) counts[(t + j) * RADIX_DIGITS + threadIdx.x] = at;
      at += here[j];
    }
  }
}

// Where this thread's key goes; -1 beyond `n`. Equal digits keep their order. All threads call it.
__device__ inline int radix_position(const unsigned* keys, int n, int shift, const int* counts) {
  __shared__ unsigned short before[RADIX_TILE / 32][RADIX_DIGITS];
  const int i = blockIdx.x * RADIX_TILE + threadIdx.x, lane = threadIdx.x & 31;
  for (int at = threadIdx.x; at < RADIX_TILE / 32 * RADIX_DIGITS; at += RADIX_TILE)
    before[at / RADIX_DIGITS][at % RADIX_DIGITS] = 0;
  __syncthreads();
  const int digit = i < n ? radix_digit(keys[i], shift) : RADIX_DIGITS;
  unsigned peers = 0xffffffffu;  // lanes of this warp with the same digit
  for (int bit = 0; bit < 9; ++bit) {
    const bool set = (digit >> bit) & 1;
    const unsigned lanes = __ballot_sync(0xffffffffu, set);
    peers &= set ? lanes : ~lanes;
  }
  const int rank = __popc(peers & ((1u << lane) - 1));
  if (i < n && rank == 0) before[threadIdx.x >> 5][digit] = static_cast<unsigned short>(__popc(peers));
  __syncthreads();
  if (threadIdx.x < RADIX_DIGITS) {
    int sum = 0;
    for (int warp = 0; warp < RADIX_TILE / 32; ++warp) {
      const int here = before[warp][threadIdx.x];
      before[warp][threadIdx.x] = static_cast<unsigned short>(sum);
      sum += here;
    }
  }
  __syncthreads();
  if (i >= n) return -1;
  return counts[blockIdx.x * RADIX_DIGITS + digit] + before[threadIdx.x >> 5][digit] + rank;
}
