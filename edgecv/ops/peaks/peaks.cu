// The k highest 3x3 maxima of (C, h, w) score maps; stages in edgecv/select.cuh, an image in
// blockIdx.y. Whether a cell is a peak is decided where it is looked at: no map of peaks is kept.
#include "edgecv/select.cuh"

template <class T>
struct Peaks {
  const T* maps;
  int height, width, cells;  // cells of all maps of an image

  __device__ unsigned key(int image, int i, unsigned floor) const {
    const T* here = maps + static_cast<long long>(image) * cells;
    const float value = to_float(here[i]);
    if (is_nan(value)) return 0;
    const unsigned key = order_key(value);
    if (key < floor) return 0;
    const int x = i % width, y = i / width % height;
    for (int dy = -1; dy <= 1; ++dy) {
      if (y + dy < 0 || y + dy >= height) continue;
      for (int dx = -1; dx <= 1; ++dx) {
        if (x + dx < 0 || x + dx >= width || (dx == 0 && dy == 0)) continue;
        const int step = dy * width + dx;
        const float other = to_float(here[i + step]);
        if (other > value || (step < 0 && other == value)) return 0;  // of equals the first
      }
    }
    return key;
  }
};

extern "C" __global__ void __launch_bounds__(1024)
peaks_small_f32(const float* maps, int height, int width, int n, const int* count,
                const float* threshold, int k, int* index, float* value, int* kept, int* total) {
  select_small(Peaks<float>{maps, height, width, n}, n, count, threshold, k, index, value, kept, total);
}

extern "C" __global__ void __launch_bounds__(1024)
peaks_small_f16(const half_t* maps, int height, int width, int n, const int* count,
                const float* threshold, int k, int* index, float* value, int* kept, int* total) {
  select_small(Peaks<half_t>{maps, height, width, n}, n, count, threshold, k, index, value, kept, total);
}

extern "C" __global__ void peaks_histogram_f32(const float* maps, int height, int width, int n,
                                               const int* count, const float* threshold, int k, int pass,
                                               int* bins, SelectState* states, int* kept, int* total) {
  select_histogram(Peaks<float>{maps, height, width, n}, n, count, threshold, k, pass, bins, states, kept,
                   total);
}

extern "C" __global__ void peaks_histogram_f16(const half_t* maps, int height, int width, int n,
                                               const int* count, const float* threshold, int k, int pass,
                                               int* bins, SelectState* states, int* kept, int* total) {
  select_histogram(Peaks<half_t>{maps, height, width, n}, n, count, threshold, k, pass, bins, states,
                   kept, total);
}

extern "C" __global__ void peaks_count_f32(const float* maps, int height, int width, int n,
                                           const int* count, const float* threshold, int k, int* bins,
                                           SelectState* states, int* counts, int* kept, int* total) {
  select_count(Peaks<float>{maps, height, width, n}, n, count, threshold, k, bins, states, counts, kept,
               total);
}

extern "C" __global__ void peaks_count_f16(const half_t* maps, int height, int width, int n,
                                           const int* count, const float* threshold, int k, int* bins,
                                           SelectState* states, int* counts, int* kept, int* total) {
  select_count(Peaks<half_t>{maps, height, width, n}, n, count, threshold, k, bins, states, counts, kept,
               total);
}

extern "C" __global__ void peaks_scatter_f32(const float* maps, int height, int width, int n,
                                             const int* count, const float* threshold, int k, int* bins,
                                             const SelectState* states, const int* counts, unsigned* keys,
                                             int* index) {
  select_scatter(Peaks<float>{maps, height, width, n}, n, count, threshold, k, bins, states, counts, keys,
                 index);
}

extern "C" __global__ void peaks_scatter_f16(const half_t* maps, int height, int width, int n,
                                             const int* count, const float* threshold, int k, int* bins,
                                             const SelectState* states, const int* counts, unsigned* keys,
                                             int* index) {
  select_scatter(Peaks<half_t>{maps, height, width, n}, n, count, threshold, k, bins, states, counts,
                 keys, index);
}
