/* Must fail `live`: closing a dead incarnation alone leaves its jobs where they are, for ever. */
#define NO_ADOPT
#include "takeover.pml"
