// CUDA twin of colorize (the contract: edgecv/ops/colorize/__init__.py): a thread per pixel.
// Labels lie as label_map leaves them; a picture may have a pitch.

typedef unsigned char u8;

#define WORDS 8  // int32 per slot of label_map's parameter block: height and width come first

// A slot's pictures begin `picture_bytes` apart, pitch bytes from row to row (0: no padding); a null
// picture is black. grid (ceil(capacity / 256), 1, batch), block 256.
extern "C" __global__ void colorize_blend(const u8* labels, long long capacity, const int* blocks, const int* paint,
                                          const u8* picture, long long picture_bytes, int pitch, u8* out) {
  const int* size = blocks + blockIdx.z * WORDS;
  int height = size[0], width = size[1];
  long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= (long long)height * width) return;
  int y = (int)(at / width), x = (int)(at - (long long)y * width);
  const int* color = paint + 4 * labels[blockIdx.z * capacity + at];
  const u8* from = nullptr;
  if (picture) from = picture + blockIdx.z * picture_bytes + (long long)y * (pitch ? pitch : 3 * width) + 3 * x;
  u8* to = out + (blockIdx.z * capacity + at) * 3;
  int alpha = color[3];
  for (int c = 0; c < 3; ++c) to[c] = (u8)(((from ? from[c] : 0) * (256 - alpha) + color[c] * alpha + 128) >> 8);
}
