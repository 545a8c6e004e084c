#pragma once

namespace callsheet {
inline namespace v1 {

// What an interpreter runs around a script: it reads {"file", "source", "config"} from stdin, calls the script's main
// with the configuration, and writes {"result": ...} or {"error": {"message", "stack"}} to descriptor 3.
extern const char* const nodeWrapper;
extern const char* const pythonWrapper;

}  // namespace v1
}  // namespace callsheet
