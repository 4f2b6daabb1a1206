// Integers that sort as floats do. Larger float, larger key; -0 and +0 share a key; every NaN has
// the lowest, 0, below minus infinity.
#pragma once
#include "edgecv/types.cuh"

__device__ __forceinline__ uint32_t order_key(float value) {
  if (is_nan(value)) return 0u;
  uint32_t word = __float_as_uint(value);
  if (word == 0x80000000u) word = 0u;
  return word & 0x80000000u ? ~word : word | 0x80000000u;
}

// The float of a key; of 0 a NaN.
__device__ __forceinline__ float order_value(uint32_t key) {
  return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

// A score and an index in one integer: larger is better, among equal scores the lower index wins.
__device__ __forceinline__ bits64_t order_pack(float score, uint32_t index) {
  return ((bits64_t)order_key(score) << 32) | (uint32_t)~index;
}

__device__ __forceinline__ float order_score(bits64_t packed) {
  return order_value((uint32_t)(packed >> 32));
}

__device__ __forceinline__ uint32_t order_index(bits64_t packed) { return ~(uint32_t)packed; }
