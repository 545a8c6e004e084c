#pragma once
#include "callsheet/job_types.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// Adds the kind callsheet.http: one HTTP request, whose answer is the job's result. However many run, one thread
/// carries them all out. Its parameters are {"url",
/// "method", "headers", "body" (JSON) or "text", "connectTimeout", "idleTimeout", "totalTimeout" (ms)}. A time-out, a
/// connection that fails, 429 and 5xx may be tried again; any other answer than one of success fails for good. In the
/// url, headers, body and text, ${env:NAME} and ${file:PATH} are replaced when the request is made. `store` must
/// outlive its jobs.
void addHttpKind(JobTypes& types, const StoreDirectory& store);

}  // namespace v1
}  // namespace callsheet
