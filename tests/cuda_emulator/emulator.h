// CUDA C on a CPU, for tests: included before an unmodified .cu file that g++ compiles.
//
// A CUDA thread is a fiber, a block is run by one OS thread, blocks come one after another. Strict on
// purpose: divergent barriers, shuffles whose mask names an exited or missing lane, overruns of
// dynamic shared memory and deadlocks are errors; shared memory is poisoned before every block; and
// threads and blocks run forward, in reverse, or shuffled, so that a missing barrier changes results.
#pragma once
#include "fibers.h"
#include "grid.h"
#include "intrinsics.h"
#include "launch.h"
