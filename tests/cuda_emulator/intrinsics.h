// What CUDA C has and C++ has not: qualifiers, built-in variables, warp functions, atomics, casts.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "grid.h"

#define __global__ __attribute__((visibility("default")))
#define __device__
#define __host__
#define __constant__
#define __shared__ thread_local  // inside a function: static too; legal after `extern`
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

#define threadIdx (emulator::current->thread)
#define blockIdx (emulator::current->block->index)
#define blockDim (emulator::current->block->block_size)
#define gridDim (emulator::current->block->grid_size)
static constexpr int warpSize = 32;

// ---- barriers and warps. The line goes with each call: barriers of two lines do not meet.
#define __syncthreads() ((void)emulator::barrier(__LINE__, false))
#define __syncthreads_count(p) (emulator::barrier(__LINE__, (p) != 0).count)
#define __syncthreads_and(p) (emulator::barrier(__LINE__, (p) != 0).all)
#define __syncthreads_or(p) (emulator::barrier(__LINE__, (p) != 0).any)
#define __syncwarp(...) emulator::syncwarp(__LINE__ __VA_OPT__(, ) __VA_ARGS__)
#define __shfl_sync(...) emulator::shuffle("shfl", __LINE__, emulator::FROM, __VA_ARGS__)
#define __shfl_up_sync(...) emulator::shuffle("shfl_up", __LINE__, emulator::UP, __VA_ARGS__)
#define __shfl_down_sync(...) emulator::shuffle("shfl_down", __LINE__, emulator::DOWN, __VA_ARGS__)
#define __shfl_xor_sync(...) emulator::shuffle("shfl_xor", __LINE__, emulator::XOR, __VA_ARGS__)
#define __ballot_sync(mask, p) emulator::ballot("ballot", __LINE__, (mask), (p))
#define __any_sync(mask, p) (emulator::ballot("any", __LINE__, (mask), (p)) != 0)
#define __all_sync(mask, p) (emulator::ballot("all", __LINE__, (mask), !(p)) == 0)
#define __match_any_sync(mask, v) emulator::match("match_any", __LINE__, (mask), (v))
#define __trap() emulator::fail("__trap()", __LINE__)

namespace emulator {
enum Direction { FROM, UP, DOWN, XOR };

template <class To, class From>
inline To bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
template <class T>
inline uint64_t widen(T value) {
  static_assert(sizeof(T) <= 8, "");
  uint64_t wide = 0;
  memcpy(&wide, &value, sizeof value);
  return wide;
}
inline void syncwarp(unsigned line, unsigned mask = ~0u) { meet("syncwarp", line, mask, 0); }

template <class T>
inline T shuffle(const char* what, unsigned line, Direction direction, unsigned mask, T value,
                 int by, int width = 32) {
  int lane = current->linear & 31, base = lane & ~(width - 1), from = lane ^ by;
  const uint64_t* values = meet(what, line, mask, widen(value));
  if (direction == FROM) from = base + (by & (width - 1));
  if (direction == UP) from = lane - by < base ? lane : lane - by;
  if (direction == DOWN) from = lane + by >= base + width ? lane : lane + by;
  if (direction == XOR && from >= base + width) from = lane;
  if (!(mask >> from & 1)) fail("shuffle reads a lane outside its mask", line);
  T got;
  memcpy(&got, &values[from], sizeof got);
  return got;
}
inline unsigned lanes_here() {  // a last warp may be partial
  unsigned lanes = current->block->threads - (current->linear & ~31u);
  return lanes < 32 ? (1u << lanes) - 1 : ~0u;
}
inline unsigned ballot(const char* what, unsigned line, unsigned mask, bool vote) {
  const uint64_t* votes = meet(what, line, mask, vote);
  unsigned got = 0;
  for (int lane = 0; lane < 32; ++lane)
    if ((mask & lanes_here()) >> lane & 1) got |= (unsigned)votes[lane] << lane;
  return got;
}
template <class T>
inline unsigned match(const char* what, unsigned line, unsigned mask, T value) {
  const uint64_t* values = meet(what, line, mask, widen(value));
  unsigned got = 0;
  for (int lane = 0; lane < 32; ++lane)
    if (((mask & lanes_here()) >> lane & 1) && values[lane] == widen(value)) got |= 1u << lane;
  return got;
}
}  // namespace emulator

inline void __threadfence() {}  // blocks run one after another: a missing fence is not seen here
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// ---- atomics. The value's type is the pointer's, as in CUDA.
namespace emulator {
template <class T>
using same = std::common_type_t<T>;
template <class T, class F>
inline T change(T* at, F function) {
  T old = *at, value;
  do value = function(old);
  while (!__atomic_compare_exchange(at, &old, &value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return old;
}
}  // namespace emulator
#define EMULATOR_ATOMIC(name, result)                                  \
  template <class T>                                                   \
  inline T name(T* at, emulator::same<T> v) {                          \
    return emulator::change(at, [=](T o) -> T { return T(result); });  \
  }
EMULATOR_ATOMIC(atomicAdd, o + v)
EMULATOR_ATOMIC(atomicSub, o - v)
EMULATOR_ATOMIC(atomicExch, v)
EMULATOR_ATOMIC(atomicMax, o < v ? v : o)
EMULATOR_ATOMIC(atomicMin, v < o ? v : o)
EMULATOR_ATOMIC(atomicAnd, o& v)
EMULATOR_ATOMIC(atomicOr, o | v)
EMULATOR_ATOMIC(atomicXor, o ^ v)
EMULATOR_ATOMIC(atomicInc, o >= v ? 0 : o + 1)
EMULATOR_ATOMIC(atomicDec, o == 0 || o > v ? v : o - 1)

template <class T>
inline T atomicCAS(T* at, emulator::same<T> expected, emulator::same<T> value) {
  static thread_local unsigned misses = 0;
  T old = expected;
  bool took =
      __atomic_compare_exchange(at, &old, &value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  if (!took && (++misses & 255) == 0) emulator::spin(0);  // a lock: let its holder run
  return old;
}

// ---- integers
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v ? __builtin_clz((unsigned)v) : 32; }
inline int __clzll(long long v) { return v ? __builtin_clzll(v) : 64; }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (uint64_t)a * b >> 32; }
inline unsigned __brev(unsigned v) {
  unsigned r = 0;
  for (int i = 0; i < 32; ++i) r |= (v >> i & 1) << (31 - i);
  return r;
}

// ---- casts
inline float __int_as_float(int v) { return emulator::bits<float>(v); }
inline int __float_as_int(float v) { return emulator::bits<int>(v); }
inline float __uint_as_float(unsigned v) { return emulator::bits<float>(v); }
inline unsigned __float_as_uint(float v) { return emulator::bits<unsigned>(v); }
inline long long __double_as_longlong(double v) { return emulator::bits<long long>(v); }
inline double __longlong_as_double(long long v) { return emulator::bits<double>(v); }

// A GPU saturates where C++ leaves it open: out of range to the nearest, NaN to 0.
namespace emulator {
inline int to_int(float v) {
  if (v != v) return 0;
  if (v >= 2147483648.f) return INT32_MAX;
  return v <= -2147483648.f ? INT32_MIN : (int)v;
}
inline unsigned to_unsigned(float v) {
  if (!(v > 0)) return 0;
  return v >= 4294967296.f ? UINT32_MAX : (unsigned)v;
}
}  // namespace emulator
inline int __float2int_rn(float v) { return emulator::to_int(nearbyintf(v)); }
inline int __float2int_rd(float v) { return emulator::to_int(floorf(v)); }
inline int __float2int_ru(float v) { return emulator::to_int(ceilf(v)); }
inline int __float2int_rz(float v) { return emulator::to_int(truncf(v)); }
inline unsigned __float2uint_rn(float v) { return emulator::to_unsigned(nearbyintf(v)); }
inline unsigned __float2uint_rd(float v) { return emulator::to_unsigned(floorf(v)); }
inline unsigned __float2uint_rz(float v) { return emulator::to_unsigned(truncf(v)); }
inline float __int2float_rn(int v) { return (float)v; }
inline float __uint2float_rn(unsigned v) { return (float)v; }

// ---- floats. Fast forms are the exact ones here; a device may differ in the last bits.
inline float __expf(float v) { return expf(v); }
inline float __logf(float v) { return logf(v); }
inline float __log2f(float v) { return log2f(v); }
inline float __powf(float a, float b) { return powf(a, b); }
inline float __sinf(float v) { return sinf(v); }
inline float __cosf(float v) { return cosf(v); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float v) { return 1.f / v; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fsqrt_rn(float v) { return sqrtf(v); }
inline float rsqrtf(float v) { return 1.f / sqrtf(v); }
inline float __saturatef(float v) { return v > 0 ? (v < 1 ? v : 1) : 0; }  // a NaN becomes 0
template <class T>
inline T __ldg(const T* at) {
  return *at;
}
#define EMULATOR_MIN_MAX(T)                                \
  inline T min(T a, T b) { return b < a ? b : a; }         \
  inline T max(T a, T b) { return a < b ? b : a; }
EMULATOR_MIN_MAX(int)
EMULATOR_MIN_MAX(unsigned)
EMULATOR_MIN_MAX(long)
EMULATOR_MIN_MAX(unsigned long)
EMULATOR_MIN_MAX(long long)
EMULATOR_MIN_MAX(unsigned long long)
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
