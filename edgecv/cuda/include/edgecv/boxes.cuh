// What the box decoders of edgecv/ops share: candidates of a row are written best first.
#pragma once
#include "edgecv/half.cuh"

__device__ inline float box_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// No score is this: a threshold, even -inf, never takes it.
__device__ inline float box_no_score() { return __uint_as_float(0x7fc00000u); }

// Where the i-th best candidates of all rows go; entries beyond a row's count are zero, id -1.
struct BoxOutputs {
  float* boxes;   // (B, k, 4) xyxy
  float* scores;  // (B, k) probabilities
  int* ids;       // (B, k)

  __device__ void clear(int at) const {
    for (int j = 0; j < 4; ++j) boxes[4 * at + j] = 0.0f;
    scores[at] = 0.0f;
    ids[at] = -1;
  }
  __device__ void put(int at, float x0, float y0, float x1, float y1, float score, int id) const {
    float* box = boxes + 4 * at;
    box[0] = x0;
    box[1] = y0;
    box[2] = x1;
    box[3] = y1;
    scores[at] = score;
    ids[at] = id;
  }
  // NaN stays NaN.
  __device__ void clip(int at, float width, float height) const {
    for (int j = 0; j < 4; ++j) {
      float& side = boxes[4 * at + j];
      const float limit = j & 1 ? height : width;
      side = side < 0.0f ? 0.0f : side > limit ? limit : side;
    }
  }
  __device__ void put_centred(int at, float x, float y, float width, float height, float score,
                              int id) const {
    const float half_width = width * 0.5f, half_height = height * 0.5f;
    put(at, x - half_width, y - half_height, x + half_width, y + half_height, score, id);
  }
};
