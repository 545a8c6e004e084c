/* Must fail `safe`: between the look at the fence and the write, a takeover can hand the job to somebody else. */
#define FENCE_EARLY
#include "takeover.pml"
