// IEEE half precision as 16 bits, without cuda_fp16.h (NVRTC does not carry it).
// On a GPU one instruction each; elsewhere the same bits by integer arithmetic.
#pragma once
#include "edgecv/types.cuh"

typedef unsigned short half_t;

__device__ __forceinline__ float half_to_float(half_t bits) {
#ifdef __CUDA_ARCH__
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
#else
  uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
  uint32_t exponent = (bits >> 10) & 31u, mantissa = bits & 1023u;
  if (exponent == 31u) return __uint_as_float(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0u) return __uint_as_float(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  float small = (float)mantissa * 5.9604644775390625e-8f;  // subnormal: mantissa * 2^-24, exact
  return sign ? -small : small;
#endif
}

// Rounds to nearest, ties to even; beyond the largest half to infinity; every NaN becomes 0x7fff.
__device__ __forceinline__ half_t float_to_half(float value) {
#ifdef __CUDA_ARCH__
  half_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
#else
  uint32_t word = __float_as_uint(value), sign = (word >> 16) & 0x8000u;
  uint32_t magnitude = word & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (half_t)0x7fffu;
  if (magnitude >= 0x47800000u) return (half_t)(sign | 0x7c00u);  // 65536 and more, infinity
  if (magnitude < 0x33000000u) return (half_t)sign;  // below half of the smallest subnormal
  uint32_t exponent = magnitude >> 23, mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  // How many low bits go: 13 for a normal half, more the deeper it is subnormal.
  uint32_t drop = exponent >= 113u ? 13u : 126u - exponent;
  uint32_t kept = mantissa >> drop, rest = mantissa & ((1u << drop) - 1u), tie = 1u << (drop - 1u);
  if (rest > tie || (rest == tie && (kept & 1u))) ++kept;
  // A carry out of the mantissa raises the exponent by itself, up to infinity.
  if (exponent >= 113u) kept += (exponent - 113u) << 10;
  return (half_t)(sign | kept);
#endif
}

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(half_t value) { return half_to_float(value); }

// The other way, for template bodies: store(pointer, value) rounds to the pointer's type.
__device__ __forceinline__ void store_float(float* to, float value) { *to = value; }
__device__ __forceinline__ void store_float(half_t* to, float value) { *to = float_to_half(value); }
