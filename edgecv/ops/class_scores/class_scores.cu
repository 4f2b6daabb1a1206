// Probabilities of the classes that edgecv/ops/topk chose: a block an image.
#include "edgecv/half.cuh"

constexpr int CLASS_THREADS = 256;

// Sum of one float of each thread in a fixed order, in every thread.
__device__ inline float class_sum(float value) {
  __shared__ float sums[CLASS_THREADS];
  sums[threadIdx.x] = value;
  __syncthreads();
  for (int half = CLASS_THREADS / 2; half > 0; half >>= 1) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  return sums[0];
}

// `activation`: 0 none, 1 sigmoid, 2 softmax. `index` and `scores` are (B, k); where index is -1
// the score is 0.
template <class T>
__device__ void class_scores(const T* logits, int classes, int k, int activation, const int* index,
                             float* scores) {
  logits += static_cast<long long>(blockIdx.x) * classes;
  index += blockIdx.x * k;
  scores += blockIdx.x * k;
  const float highest = to_float(logits[index[0]]);  // a row has at least one class
  float sum = 1.0f;
  if (activation == 2) {
    sum = 0.0f;
    for (int i = threadIdx.x; i < classes; i += CLASS_THREADS) sum += expf(to_float(logits[i]) - highest);
    sum = class_sum(sum);
  }
  for (int i = threadIdx.x; i < k; i += CLASS_THREADS) {
    float score = 0.0f;
    if (index[i] >= 0) {
      const float value = to_float(logits[index[i]]);
      score = activation == 2   ? expf(value - highest) / sum
              : activation == 1 ? 1.0f / (1.0f + expf(-value))
                                : value;
    }
    scores[i] = score;
  }
}

extern "C" __global__ void class_scores_f32(const float* logits, int classes, int k, int activation,
                                            const int* index, float* scores) {
  class_scores(logits, classes, k, activation, index, scores);
}

extern "C" __global__ void class_scores_f16(const half_t* logits, int classes, int k, int activation,
                                            const int* index, float* scores) {
  class_scores(logits, classes, k, activation, index, scores);
}
