// CUDA twin of letterbox (the contract and its arithmetic: edgecv/ops/letterbox/__init__.py).
//
// One thread per output pixel; a batch slot per blockIdx.z. What changes from frame to frame comes
// from a row of BLOCK_WORDS int32 per slot, written by cuda.py's `parameters`; a slot of height 0
// becomes zeros. What a grey level becomes (mean, std, rounding to half or int8) is looked up in a
// table of 256 entries per channel that cuda.py computes as the CPU twin does, so the bits are
// the CPU's whatever the output type is. Every step is an integer, or a float or double operation
// that rounds once: compile with -fmad=false and no result depends on the device.

typedef unsigned char u8;

#define TILE_X 32
#define TILE_Y 8
#define BLOCK_WORDS 32
#define PRECISION 22  // Pillow's bits of a weight

enum Kind { LINEAR = 0, LINEAR_AREA = 1, HALF = 2, AREA = 3, AREA_WHOLE = 4, ANTIALIAS = 5 };

// A slot's parameter block. The order is that of `_WORDS` in cuda.py.
struct Slot {
    int height, width, pitch, uv, uv_pitch;  // of the frame: pixels, pixels, bytes, bytes, bytes
    int top, left, rows, columns;            // the Fit: where the resized image lies
    int kind, whole_y, whole_x;              // which arithmetic; whole scales of AREA_WHOLE
    int swapped, nv12;                       // 1: the frame's channel order is not the network's (gray: red first)
    int luma_offset, luma, blue_u, green_u, green_v, red_v;  // YUV to RGB, 20 bits
    double scale_y, inverse_y, scale_x, inverse_x;
};

__device__ double wide(const int* words) {
    long long bits = (long long)(((unsigned long long)(unsigned)words[1] << 32) | (unsigned)words[0]);
#ifdef __CUDA_ARCH__
    return __longlong_as_double(bits);
#else
    double value;
    __builtin_memcpy(&value, &bits, 8);
    return value;
#endif
}

__device__ Slot slot_of(const int* blocks, int index) {
    const int* w = blocks + index * BLOCK_WORDS;
    Slot s = {w[0],  w[1],  w[2],  w[3],  w[4],  w[5],  w[6],  w[7],         w[8],         w[9],         w[10],       w[11],
              w[12], w[13], w[14], w[15], w[16], w[17], w[18], w[19], wide(w + 20), wide(w + 22), wide(w + 24), wide(w + 26)};
    return s;
}

// What never changes between frames, in one launch argument: cuda.py's `_form`.
struct Form {
    int bytes;     // of an output element: 1, 2, 4
    int channels;  // 1 or 3
    bool hwc8;     // pixels of 8 interleaved channels, those past the third 0
    int pad;
};

__device__ Form form_of(int packed) {
    Form f = {packed & 15, packed >> 4 & 15, (packed >> 8 & 1) != 0, packed >> 16 & 255};
    return f;
}

__device__ int clamped(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

__device__ void set(void* out, long long at, const void* table, int entry, int bytes) {
    if (bytes == 4) ((unsigned*)out)[at] = ((const unsigned*)table)[entry];
    else if (bytes == 2) ((unsigned short*)out)[at] = ((const unsigned short*)table)[entry];
    else ((u8*)out)[at] = ((const u8*)table)[entry];
}

__device__ void clear(void* out, long long at, int bytes) {
    if (bytes == 4) ((unsigned*)out)[at] = 0;
    else if (bytes == 2) ((unsigned short*)out)[at] = 0;
    else ((u8*)out)[at] = 0;
}

// Normalise and write one pixel, or zeros where `level` is null.
__device__ void put(void* out, const void* table, const Form& f, int slot, int plane, int pixel, const int* level) {
    int width = f.hwc8 ? 8 : f.channels;
    for (int c = 0; c < width; ++c) {
        long long at = f.hwc8 ? ((long long)slot * plane + pixel) * 8 + c : ((long long)slot * f.channels + c) * plane + pixel;
        if (level == nullptr || c >= f.channels) clear(out, at, f.bytes);
        else set(out, at, table, c * 256 + level[c], f.bytes);
    }
}

// The pixel in the network's channel order; gray is OpenCV's, 15 bits.
__device__ void ordered(const Form& f, const Slot& s, const int* v, int* level) {
    int first = s.swapped ? v[2] : v[0], last = s.swapped ? v[0] : v[2];
    if (f.channels == 1) {
        level[0] = (first * 3735 + v[1] * 19235 + last * 9798 + (1 << 14)) >> 15;
    } else {
        level[0] = first, level[1] = v[1], level[2] = last;
    }
}

// One source pixel as three levels 0..255; NV12 becomes blue, green, red at once, so that what is
// interpolated is what a converted picture would hold.
__device__ void fetch(const u8* frame, const Slot& s, int y, int x, int* v) {
    if (!s.nv12) {
        const u8* at = frame + (long long)y * s.pitch + 3 * x;
        v[0] = at[0], v[1] = at[1], v[2] = at[2];
        return;
    }
    const u8* chroma = frame + s.uv + (long long)(y >> 1) * s.uv_pitch + (x >> 1) * 2;
    int cb = chroma[0] - 128, cr = chroma[1] - 128, dark = frame[(long long)y * s.pitch + x] - s.luma_offset;
    int grey = (dark < 0 ? 0 : dark) * s.luma + (1 << 19);
    v[0] = clamped((grey + s.blue_u * cb) >> 20, 0, 255);
    v[1] = clamped((grey + s.green_u * cb + s.green_v * cr) >> 20, 0, 255);
    v[2] = clamped((grey + s.red_v * cr) >> 20, 0, 255);
}

// The two source indices and 11-bit weights of output `at` (OpenCV's resize, uint8).
struct Taps {
    int low, high, near, far;
};

__device__ Taps taps_of(int at, double scale, double inverse, int old, int kind, bool column) {
    float fraction;
    int low;
    if (kind == HALF) {
        Taps pair = {2 * at, 2 * at + 1, 0, 0};
        return pair;
    }
    if (kind == LINEAR_AREA) {
        low = (int)floor(at * scale);
        fraction = (float)((at + 1) - (low + 1) * inverse);
        fraction = fraction <= 0.0f ? 0.0f : fraction - floorf(fraction);
    } else {
        float place = (float)((at + 0.5) * scale - 0.5);
        low = (int)floorf(place);
        fraction = place - (float)low;
    }
    if (column && (low < 0 || low >= old - 1)) fraction = 0.0f;  // OpenCV: columns clamp before weighing, rows after
    if (column) low = clamped(low, 0, old - 1);
    Taps t = {clamped(low, 0, old - 1), clamped(low + 1, 0, old - 1), __float2int_rn((1.0f - fraction) * 2048.0f),
              __float2int_rn(fraction * 2048.0f)};
    return t;
}

__device__ void blend(const u8* frame, const Slot& s, const Taps& ty, const Taps& tx, int* level) {
    int a[3], b[3], c[3], d[3];
    fetch(frame, s, ty.low, tx.low, a);
    fetch(frame, s, ty.low, tx.high, b);
    fetch(frame, s, ty.high, tx.low, c);
    fetch(frame, s, ty.high, tx.high, d);
    for (int k = 0; k < 3; ++k) {
        if (s.kind == HALF) {  // OpenCV takes the mean of 2x2 here
            level[k] = (a[k] + b[k] + c[k] + d[k] + 2) >> 2;
            continue;
        }
        int upper = (ty.near * ((a[k] * tx.near + b[k] * tx.far) >> 4)) >> 16;
        int lower = (ty.far * ((c[k] * tx.near + d[k] * tx.far) >> 4)) >> 16;
        level[k] = clamped((upper + lower + 2) >> 2, 0, 255);
    }
}

// grid (ceil(width / 32), ceil(height / 8), batch), block (32, 8). Does nothing for slots of AREA.
extern "C" __global__ void letterbox_linear(const u8* frames, long long frame_bytes, const int* blocks, const void* table,
                                            void* out, int height, int width, int packed) {
    __shared__ Taps across[TILE_X];
    __shared__ Taps down[TILE_Y];
    Form f = form_of(packed);
    Slot s = slot_of(blocks, blockIdx.z);
    if (s.kind > HALF) return;  // the whole block
    int x = blockIdx.x * TILE_X + threadIdx.x, y = blockIdx.y * TILE_Y + threadIdx.y;
    if (threadIdx.y == 0 && s.height) {  // doubles are slow: once per column and row of the tile
        across[threadIdx.x] = taps_of(x - s.left, s.scale_x, s.inverse_x, s.width, s.kind, true);
        if (threadIdx.x < TILE_Y) {
            int row = blockIdx.y * TILE_Y + threadIdx.x - s.top;
            down[threadIdx.x] = taps_of(row, s.scale_y, s.inverse_y, s.height, s.kind, false);
        }
    }
    __syncthreads();
    if (x >= width || y >= height) return;
    int v[3] = {f.pad, f.pad, f.pad}, level[3] = {f.pad, f.pad, f.pad};
    if (y >= s.top && y < s.top + s.rows && x >= s.left && x < s.left + s.columns) {
        blend(frames + blockIdx.z * frame_bytes, s, down[threadIdx.y], across[threadIdx.x], v);
        ordered(f, s, v, level);
    }
    put(out, table, f, blockIdx.z, height * width, y * width + x, s.height ? level : nullptr);
}

// --- filters with tables: antialias (Pillow) and area (OpenCV) -----------------------------------
//
// A table of one axis: for each output index its first source index and number of taps, then the
// taps' weights, `longest(scale)` apart, as int32 (antialias) or the bits of a float (area). Only
// outputs inside the picture have an entry. Room per axis: 5 * side + 2 * old words (cuda.py).

struct Axis {
    int first, visible, old;  // first output index inside the picture, how many, source pixels
    int offset;               // output index - offset = index in the resized image
    double scale;
    int* starts;
    int* counts;
    int* weights;
};

__device__ int longest(double scale) { return 2 * (int)ceil(scale > 1.0 ? scale : 1.0) + 1; }

__device__ Axis axis_of(const Slot& s, bool column, int* tables, int slot, int height, int width, int table_words) {
    int side = column ? width : height, at = column ? s.left : s.top, size = column ? s.columns : s.rows;
    int old = column ? s.width : s.height, first = at > 0 ? at : 0, last = at + size < side ? at + size : side;
    int* base = tables + (long long)(slot * 2 + (column ? 1 : 0)) * table_words;
    double scale = column ? s.scale_x : s.scale_y;
    Axis a = {first, last - first, old, at, scale, base, base + side, base + 2 * side};
    return a;
}

__device__ void antialias_taps(const Axis& a, int entry, int at) {
    double support = a.scale > 1.0 ? a.scale : 1.0, centre = (at + 0.5) * a.scale, slope = 1.0 / support, total = 0.0;
    int start = (int)(centre - support + 0.5), taps = longest(a.scale);
    start = start < 0 ? 0 : start;
    int end = (int)(centre + support + 0.5), count = (end > a.old ? a.old : end) - start;
    a.starts[entry] = start, a.counts[entry] = count;
    for (int pass = 0; pass < 2; ++pass) {
        for (int k = 0; k < count; ++k) {
            double distance = ((k + start) - centre + 0.5) * slope;
            double weight = 1.0 - (distance < 0.0 ? -distance : distance);
            weight = weight < 0.0 ? 0.0 : weight;
            if (pass == 0) total += weight;
            else a.weights[entry * taps + k] = (int)floor(weight / total * (1 << PRECISION) + 0.5);
        }
    }
}

// OpenCV's computeResizeAreaTab: parts of the source pixels that an output pixel covers.
__device__ void area_taps(const Axis& a, int entry, int at) {
    double begin = at * a.scale, end = begin + a.scale, cell = a.old - begin < a.scale ? a.old - begin : a.scale;
    int from = (int)ceil(begin), to = (int)floor(end), count = 0, taps = longest(a.scale);
    to = to < a.old - 1 ? to : a.old - 1;
    from = from < to ? from : to;
    int* weights = a.weights + entry * taps;
    a.starts[entry] = from;
    if (from - begin > 1e-3) {
        a.starts[entry] = from - 1;
        weights[count++] = __float_as_int((float)((from - begin) / cell));
    }
    for (int k = from; k < to; ++k) weights[count++] = __float_as_int((float)(1.0 / cell));
    if (end - to > 1e-3) {
        double rest = end - to < 1.0 ? end - to : 1.0;
        weights[count++] = __float_as_int((float)((rest < cell ? rest : cell) / cell));
    }
    a.counts[entry] = count;
}

// grid (ceil(max(height, width) / 64), 2, batch), block 64: axis y in blockIdx.y 0, x in 1.
extern "C" __global__ void letterbox_tables(const int* blocks, int* tables, int height, int width, int table_words) {
    Slot s = slot_of(blocks, blockIdx.z);
    if (!s.height || (s.kind != ANTIALIAS && s.kind != AREA)) return;
    Axis a = axis_of(s, blockIdx.y == 1, tables, blockIdx.z, height, width, table_words);
    int entry = blockIdx.x * blockDim.x + threadIdx.x;
    if (entry >= a.visible) return;
    int at = a.first + entry - a.offset;
    if (s.kind == AREA) area_taps(a, entry, at);
    else antialias_taps(a, entry, at);
}

// Horizontal pass: middle (batch, rows, width, 3) of the source rows that the vertical one reads.
// grid (ceil(width / 32), ceil(rows / 8), batch), block (32, 8).
extern "C" __global__ void letterbox_across(const u8* frames, long long frame_bytes, const int* blocks, int* tables, u8* middle,
                                            int rows, int height, int width, int table_words) {
    Slot s = slot_of(blocks, blockIdx.z);
    if (!s.height) return;
    Axis ax = axis_of(s, true, tables, blockIdx.z, height, width, table_words);
    Axis ay = axis_of(s, false, tables, blockIdx.z, height, width, table_words);
    int entry = blockIdx.x * TILE_X + threadIdx.x, y = blockIdx.y * TILE_Y + threadIdx.y, last = ay.visible - 1;
    if (entry >= ax.visible || y < ay.starts[0] || y >= ay.starts[last] + ay.counts[last]) return;
    int sum[3] = {1 << (PRECISION - 1), 1 << (PRECISION - 1), 1 << (PRECISION - 1)}, taps = longest(ax.scale), v[3];
    for (int k = 0; k < ax.counts[entry]; ++k) {
        int weight = ax.weights[entry * taps + k];
        fetch(frames + blockIdx.z * frame_bytes, s, y, ax.starts[entry] + k, v);
        for (int c = 0; c < 3; ++c) sum[c] += v[c] * weight;
    }
    u8* to = middle + (((long long)blockIdx.z * rows + y) * width + entry) * 3;
    for (int c = 0; c < 3; ++c) to[c] = (u8)clamped(sum[c] >> PRECISION, 0, 255);
}

// Vertical pass, then as letterbox_linear. grid (ceil(width / 32), ceil(height / 8), batch), block (32, 8).
extern "C" __global__ void letterbox_down(const u8* middle, const int* blocks, int* tables, const void* table, void* out, int rows,
                                          int height, int width, int table_words, int packed) {
    Form f = form_of(packed);
    Slot s = slot_of(blocks, blockIdx.z);
    int x = blockIdx.x * TILE_X + threadIdx.x, y = blockIdx.y * TILE_Y + threadIdx.y;
    if (x >= width || y >= height) return;
    int v[3], level[3] = {f.pad, f.pad, f.pad};
    Axis ax = axis_of(s, true, tables, blockIdx.z, height, width, table_words);
    Axis ay = axis_of(s, false, tables, blockIdx.z, height, width, table_words);
    int column = x - ax.first, entry = y - ay.first;
    if (s.height && column >= 0 && column < ax.visible && entry >= 0 && entry < ay.visible) {
        int sum[3] = {1 << (PRECISION - 1), 1 << (PRECISION - 1), 1 << (PRECISION - 1)}, taps = longest(ay.scale);
        for (int k = 0; k < ay.counts[entry]; ++k) {
            int weight = ay.weights[entry * taps + k];
            const u8* from = middle + (((long long)blockIdx.z * rows + ay.starts[entry] + k) * width + column) * 3;
            for (int c = 0; c < 3; ++c) sum[c] += from[c] * weight;
        }
        for (int c = 0; c < 3; ++c) v[c] = clamped(sum[c] >> PRECISION, 0, 255);
        ordered(f, s, v, level);
    }
    put(out, table, f, blockIdx.z, height * width, y * width + x, s.height ? level : nullptr);
}

__device__ void mean_of_whole(const u8* frame, const Slot& s, int row, int column, int* level) {
    int sum[3] = {0, 0, 0}, v[3];
    for (int i = 0; i < s.whole_y; ++i) {
        for (int j = 0; j < s.whole_x; ++j) {
            fetch(frame, s, row * s.whole_y + i, column * s.whole_x + j, v);
            for (int c = 0; c < 3; ++c) sum[c] += v[c];
        }
    }
    float share = 1.0f / (float)(s.whole_y * s.whole_x);
    for (int c = 0; c < 3; ++c) level[c] = clamped(__float2int_rn((float)sum[c] * share), 0, 255);
}

__device__ void mean_of_parts(const u8* frame, const Slot& s, const Axis& ay, const Axis& ax, int row, int column,
                              int* level) {
    float sum[3] = {0.0f, 0.0f, 0.0f};
    int taps_y = longest(ay.scale), taps_x = longest(ax.scale), v[3];
    for (int i = 0; i < ay.counts[row]; ++i) {  // a row is summed before it is weighed, as OpenCV does
        float line[3] = {0.0f, 0.0f, 0.0f}, share = __int_as_float(ay.weights[row * taps_y + i]);
        for (int j = 0; j < ax.counts[column]; ++j) {
            float weight = __int_as_float(ax.weights[column * taps_x + j]);
            fetch(frame, s, ay.starts[row] + i, ax.starts[column] + j, v);
            for (int c = 0; c < 3; ++c) line[c] += (float)v[c] * weight;
        }
        for (int c = 0; c < 3; ++c) sum[c] += line[c] * share;
    }
    for (int c = 0; c < 3; ++c) level[c] = clamped(__float2int_rn(sum[c]), 0, 255);
}

// Area where both directions shrink; letterbox_linear does the other slots. Launched as letterbox_linear.
extern "C" __global__ void letterbox_area(const u8* frames, long long frame_bytes, const int* blocks, int* tables, const void* table,
                                          void* out, int height, int width, int table_words, int packed) {
    Form f = form_of(packed);
    Slot s = slot_of(blocks, blockIdx.z);
    int x = blockIdx.x * TILE_X + threadIdx.x, y = blockIdx.y * TILE_Y + threadIdx.y;
    if ((s.kind != AREA && s.kind != AREA_WHOLE) || x >= width || y >= height) return;
    int v[3], level[3] = {f.pad, f.pad, f.pad};
    Axis ax = axis_of(s, true, tables, blockIdx.z, height, width, table_words);
    Axis ay = axis_of(s, false, tables, blockIdx.z, height, width, table_words);
    int column = x - ax.first, row = y - ay.first;
    const u8* frame = frames + blockIdx.z * frame_bytes;
    if (column >= 0 && column < ax.visible && row >= 0 && row < ay.visible) {
        if (s.kind == AREA_WHOLE) mean_of_whole(frame, s, y - s.top, x - s.left, v);
        else mean_of_parts(frame, s, ay, ax, row, column, v);
        ordered(f, s, v, level);
    }
    put(out, table, f, blockIdx.z, height * width, y * width + x, level);
}
