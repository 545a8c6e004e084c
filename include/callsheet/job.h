#pragma once
// All that a job's own code needs.
#include "callsheet/any_job.h"
#include "callsheet/job_batch.h"
#include "callsheet/job_context.h"
#include "callsheet/job_environment.h"
#include "callsheet/job_error_types.h"
#include "callsheet/job_input.h"
#include "callsheet/job_modifiers.h"
#include "callsheet/job_result.h"
#include "callsheet/job_steps.h"
#include "callsheet/struct_node.h"
