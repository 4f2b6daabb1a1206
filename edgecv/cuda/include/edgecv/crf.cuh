// What the CRF ops share: exp and softmax whose bits equal the CPU twins' (ops/dense_crf/arithmetic).
#pragma once
#include "edgecv/half.cuh"
#include "edgecv/types.cuh"

constexpr int CRF_LANES = 8;
#define CRF_FAR 1e30f

// exp(x) for x <= 0; 0 from -88 down.
__device__ inline float crf_exponential(float x) {
  const float z = x > -88.0f ? x : -88.0f;
  const float whole = rintf(z * 1.44269504f);
  const float r = (z - whole * 0.693359375f) - whole * -2.12194440e-4f;
  float p = 1.9875691500e-4f * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return ((p * (r * r) + r) + 1.0f) * __int_as_float((static_cast<int>(whole) + 127) << 23);
}

// Turn a row of `width` scores into exponentials and return what to multiply them by. Eight lanes
// share a row and each touches only its own labels; all 32 lanes of a warp call it.
__device__ inline float crf_softmax(float* x, int lane, int width) {
  float top = x[lane];
  for (int k = lane + CRF_LANES; k < width; k += CRF_LANES) top = top > x[k] ? top : x[k];
  for (int step = CRF_LANES / 2; step > 0; step >>= 1) {
    const float other = __shfl_xor_sync(0xffffffffu, top, step);
    top = top > other ? top : other;
  }
  float sum = 0.0f;
  for (int k = lane; k < width; k += CRF_LANES) {
    x[k] = crf_exponential(x[k] - top);
    sum = k == lane ? x[k] : sum + x[k];
  }
  for (int step = CRF_LANES / 2; step > 0; step >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  return 1.0f / sum;
}

__device__ inline float crf_cut(float value) {
  if (!(value > -CRF_FAR)) return -CRF_FAR;  // NaN too
  return value < CRF_FAR ? value : CRF_FAR;
}

// Logits (L, N) to rows (N, P), their maximum 0, the padding far below; a thread per pixel.
template <typename T>
__device__ inline void crf_pack(const T* logits, float* rows, int labels, int pixels, int width) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= pixels) return;
  float best = -CRF_FAR;
  for (int k = 0; k < labels; ++k) {
    const float value = crf_cut(to_float(logits[static_cast<int64_t>(k) * pixels + i]));
    best = best > value ? best : value;
  }
  float* row = rows + static_cast<int64_t>(i) * width;
  for (int k = 0; k < labels; ++k) row[k] = crf_cut(to_float(logits[static_cast<int64_t>(k) * pixels + i])) - best;
  for (int k = labels; k < width; ++k) row[k] = -CRF_FAR;
}
