// The k best scores of each row; stages in edgecv/select.cuh, a row in blockIdx.y.
// Rows of up to 4096 scores: topk_small. Longer: topk_histogram (pass 0, 1, 2), topk_count,
// topk_scatter, then topk_sort, or for more than 4096 to keep four rounds of topk_radix_count,
// topk_radix_offsets, topk_radix_scatter, and topk_write.
#include "edgecv/select.cuh"

extern "C" __global__ void __launch_bounds__(1024)
topk_small_f32(const float* scores, int skip, int pitch, int n, const int* count, const float* threshold,
               int k, int* index, float* value, int* kept, int* total) {
  select_small(SelectValues<float>{scores, skip, pitch}, n, count, threshold, k, index, value, kept, total);
}

extern "C" __global__ void __launch_bounds__(1024)
topk_small_f16(const half_t* scores, int skip, int pitch, int n, const int* count,
               const float* threshold, int k, int* index, float* value, int* kept, int* total) {
  select_small(SelectValues<half_t>{scores, skip, pitch}, n, count, threshold, k, index, value, kept, total);
}

extern "C" __global__ void topk_histogram_f32(const float* scores, int skip, int pitch, int n,
                                              const int* count, const float* threshold, int k, int pass,
                                              int* bins, SelectState* states, int* kept, int* total) {
  select_histogram(SelectValues<float>{scores, skip, pitch}, n, count, threshold, k, pass, bins, states,
                   kept, total);
}

extern "C" __global__ void topk_histogram_f16(const half_t* scores, int skip, int pitch, int n,
                                              const int* count, const float* threshold, int k, int pass,
                                              int* bins, SelectState* states, int* kept, int* total) {
  select_histogram(SelectValues<half_t>{scores, skip, pitch}, n, count, threshold, k, pass, bins, states,
                   kept, total);
}

extern "C" __global__ void topk_count_f32(const float* scores, int skip, int pitch, int n,
                                          const int* count, const float* threshold, int k, int* bins,
                                          SelectState* states, int* counts, int* kept, int* total) {
  select_count(SelectValues<float>{scores, skip, pitch}, n, count, threshold, k, bins, states, counts,
               kept, total);
}

extern "C" __global__ void topk_count_f16(const half_t* scores, int skip, int pitch, int n,
                                          const int* count, const float* threshold, int k, int* bins,
                                          SelectState* states, int* counts, int* kept, int* total) {
  select_count(SelectValues<half_t>{scores, skip, pitch}, n, count, threshold, k, bins, states, counts,
               kept, total);
}

extern "C" __global__ void topk_scatter_f32(const float* scores, int skip, int pitch, int n,
                                            const int* count, const float* threshold, int k, int* bins,
                                            const SelectState* states, const int* counts, unsigned* keys,
                                            int* index) {
  select_scatter(SelectValues<float>{scores, skip, pitch}, n, count, threshold, k, bins, states, counts,
                 keys, index);
}

extern "C" __global__ void topk_scatter_f16(const half_t* scores, int skip, int pitch, int n,
                                            const int* count, const float* threshold, int k, int* bins,
                                            const SelectState* states, const int* counts, unsigned* keys,
                                            int* index) {
  select_scatter(SelectValues<half_t>{scores, skip, pitch}, n, count, threshold, k, bins, states, counts,
                 keys, index);
}

extern "C" __global__ void __launch_bounds__(1024)
topk_sort(const unsigned* keys, const int* chosen, const int* kept, int k, int* index, float* value) {
  select_sort(keys, chosen, kept, k, index, value);
}

// `counts` is (rows, tiles, RADIX_DIGITS), tiles = ceil(k / RADIX_TILE) = gridDim.x.
extern "C" __global__ void __launch_bounds__(1024)
topk_radix_count(const unsigned* keys, const int* kept, int k, int shift, int* counts) {
  const int row = blockIdx.y;
  radix_count(keys + row * k, kept[row], shift, counts + row * gridDim.x * RADIX_DIGITS);
}

extern "C" __global__ void topk_radix_offsets(int tiles, int* counts) {
  radix_offsets(tiles, counts + blockIdx.y * tiles * RADIX_DIGITS);
}

extern "C" __global__ void __launch_bounds__(1024)
topk_radix_scatter(const unsigned* keys, const int* index, const int* kept, int k, int shift,
                   const int* counts, unsigned* keys_out, int* index_out) {
  const int row = blockIdx.y, i = blockIdx.x * RADIX_TILE + threadIdx.x;
  const int at = radix_position(keys + row * k, kept[row], shift, counts + row * gridDim.x * RADIX_DIGITS);
  if (at < 0) return;
  keys_out[row * k + at] = keys[row * k + i];
  index_out[row * k + at] = index[row * k + i];
}

extern "C" __global__ void topk_write(const unsigned* keys, const int* chosen, const int* kept, int k,
                                      int* index, float* value) {
  const int row = blockIdx.y, i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= k) return;
  const bool real = i < kept[row];
  index[row * k + i] = real ? chosen[row * k + i] : -1;
  value[row * k + i] = order_value(real ? keys[row * k + i] : SELECT_LOWEST);
}
