// Convolutional CRF; see edgecv/ops/conv_crf. Every sum runs in the order of the CPU twin.
// Rows of logits, Q and cells hold P labels, a multiple of 8.
#include "edgecv/crf.cuh"
#include "edgecv/types.cuh"

constexpr int FEATURES = 5, TILE = 16;

// Averages of position / spatial_sigma and colour / color_sigma over cells: (5, h w).
extern "C" __global__ void conv_crf_features(
    const uint8_t* image, float spatial_sigma, float color_sigma, int height, int width, int blur,
    int top, int left, int cells_high, int cells_wide, float* features) {
  const int cell = blockIdx.x * blockDim.x + threadIdx.x, cells = cells_high * cells_wide;
  if (cell >= cells) return;
  const int y0 = cell / cells_wide * blur - top, x0 = cell % cells_wide * blur - left;
  float sum[FEATURES] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  int inside = 0;
  for (int y = max(y0, 0); y < min(y0 + blur, height); ++y)
    for (int x = max(x0, 0); x < min(x0 + blur, width); ++x) {
      const uint8_t* pixel = image + (static_cast<int64_t>(y) * width + x) * 3;
      sum[0] += static_cast<float>(x) / spatial_sigma;
      sum[1] += static_cast<float>(y) / spatial_sigma;
      for (int c = 0; c < 3; ++c) sum[2 + c] += static_cast<float>(pixel[c]) / color_sigma;
      ++inside;
    }
  for (int f = 0; f < FEATURES; ++f) features[f * cells + cell] = sum[f] / static_cast<float>(inside);
}

// What each cell hears of the one at window place blockIdx.y: (side side, h w).
extern "C" __global__ void conv_crf_weights(
    const float* features, int cells_high, int cells_wide, int side, float spatial_weight, float color_weight,
    float* weights) {
  const int cell = blockIdx.x * blockDim.x + threadIdx.x, cells = cells_high * cells_wide;
  if (cell >= cells) return;
  const int dy = static_cast<int>(blockIdx.y) / side - side / 2, dx = static_cast<int>(blockIdx.y) % side - side / 2;
  const int y = cell / cells_wide + dy, x = cell % cells_wide + dx;
  float weight = 0.0f;
  if (y >= 0 && y < cells_high && x >= 0 && x < cells_wide) {
    float square[FEATURES];
    for (int f = 0; f < FEATURES; ++f) {
      const float step = features[f * cells + y * cells_wide + x] - features[f * cells + cell];
      square[f] = step * step;
    }
    const float near = spatial_weight * crf_exponential((square[0] + square[1]) * -0.5f);
    weight = near + color_weight * crf_exponential(((square[2] + square[3]) + square[4]) * -0.5f);
  }
  weights[static_cast<int64_t>(blockIdx.y) * cells + cell] = weight;
}

// Averages of rows over cells; a thread per cell and label.
extern "C" __global__ void conv_crf_pool(
    const float* rows, int height, int width, int padded, int blur, int top, int left, int cells_high,
    int cells_wide, float* pooled) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= static_cast<int64_t>(cells_high) * cells_wide * padded) return;
  const int cell = static_cast<int>(at / padded), label = static_cast<int>(at % padded);
  const int y0 = cell / cells_wide * blur - top, x0 = cell % cells_wide * blur - left;
  float sum = 0.0f;
  int inside = 0;
  for (int y = max(y0, 0); y < min(y0 + blur, height); ++y)
    for (int x = max(x0, 0); x < min(x0 + blur, width); ++x) {
      sum += rows[(static_cast<int64_t>(y) * width + x) * padded + label];
      ++inside;
    }
  pooled[at] = sum / static_cast<float>(inside);
}

// Sum weight * cell over the window. A block: 16 x 16 cells of eight labels (blockIdx.z), its
// cells and those `side` / 2 around in shared memory; blockDim (8, 32), eight cells a thread.
extern "C" __global__ void conv_crf_messages(
    const float* pooled, const float* weights, int cells_high, int cells_wide, int side, int padded, float* heard) {
  extern __shared__ float tile[];
  const int reach = side / 2, edge = TILE + 2 * reach, cells = cells_high * cells_wide;
  const int x0 = blockIdx.x * TILE, y0 = blockIdx.y * TILE, label = blockIdx.z * 8 + threadIdx.x;
  for (int at = threadIdx.y; at < edge * edge; at += blockDim.y) {
    const int y = y0 + at / edge - reach, x = x0 + at % edge - reach;
    const bool inside = y >= 0 && y < cells_high && x >= 0 && x < cells_wide;
    tile[at * 8 + threadIdx.x] = inside ? pooled[(static_cast<int64_t>(y) * cells_wide + x) * padded + label] : 0.0f;
  }
  __syncthreads();
  for (int own = threadIdx.y; own < TILE * TILE; own += blockDim.y) {
    const int ty = own / TILE, tx = own % TILE, y = y0 + ty, x = x0 + tx;
    if (y >= cells_high || x >= cells_wide) continue;
    const float* weight = weights + static_cast<int64_t>(y) * cells_wide + x;
    float sum = 0.0f;
    for (int v = max(0, reach - y); v < min(side, cells_high - y + reach); ++v)
      for (int u = max(0, reach - x); u < min(side, cells_wide - x + reach); ++u)
        sum += weight[static_cast<int64_t>(v * side + u) * cells] * tile[((ty + v) * edge + tx + u) * 8 + threadIdx.x];
    heard[(static_cast<int64_t>(y) * cells_wide + x) * padded + label] = sum;
  }
}

// x = keep logits + rate messages, enlarged; Q = softmax(x). blockDim (8, pixels): eight lanes a
// pixel. `heard` null: Q = softmax(logits). `pair`, `share`: rows' table, then the columns'.
extern "C" __global__ void conv_crf_update(
    const float* rows, const float* heard, const int* pair, const float* share, int height, int width, int cells_wide,
    float rate, int padded, float* q) {
  extern __shared__ float shared[];
  const int i = blockIdx.x * blockDim.y + threadIdx.y, pixels = height * width, lane = threadIdx.x;
  const int pixel = i < pixels ? i : pixels - 1;  // all lanes take part in the shuffles
  const int y = pixel / width, x = height + pixel % width;
  const float* own = rows + static_cast<int64_t>(pixel) * padded;
  float* row = shared + threadIdx.y * padded;
  const float keep = 1.0f - rate, down = share[y], across = share[x];
  const float up = 1.0f - down, back = 1.0f - across;
  for (int k = lane; k < padded; k += 8) {
    float value = own[k];
    if (heard) {
      const float* first = heard + static_cast<int64_t>(pair[y * 2]) * cells_wide * padded + k;
      const float* second = heard + static_cast<int64_t>(pair[y * 2 + 1]) * cells_wide * padded + k;
      const int a = pair[x * 2] * padded, b = pair[x * 2 + 1] * padded;
      const float before = up * first[a] + down * second[a], after = up * first[b] + down * second[b];
      value = keep * value + rate * (back * before + across * after);
    }
    row[k] = value;
  }
  const float factor = crf_softmax(row, lane, padded);
  if (i < pixels)
    for (int k = lane; k < padded; k += 8) q[static_cast<int64_t>(pixel) * padded + k] = row[k] * factor;
}
