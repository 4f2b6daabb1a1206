// Fixed-width integers, infinity and a NaN test. NVRTC predefines none of them; elsewhere (nvcc, the
// CPU emulator of the tests) the standard headers do.
#pragma once

#ifdef __CUDACC_RTC__
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#else
#include <cstdint>
#endif

// 64 bits as atomicMax, atomicAdd and __shfl_sync take them on every compiler.
typedef unsigned long long bits64_t;

#define EDGECV_INF __int_as_float(0x7f800000)

// Whether a value is a NaN, from its bits: no compiler flag can fold it away.
__device__ __forceinline__ bool is_nan(float value) {
  return (__float_as_uint(value) & 0x7fffffffu) > 0x7f800000u;
}
