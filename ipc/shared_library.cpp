#include "ipc/shared_library.h"

#include <dlfcn.h>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
Error whyNot(const std::string& what) {
  const char* const why = ::dlerror();
  return {ErrorKind::unsupported, what + ": " + (why == nullptr ? "unknown" : why)};
}
}  // namespace

SharedLibrary::SharedLibrary(const char* file) : file_(file), handle_(::dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) throw whyNot(file_ + ", which this needs, cannot be loaded");
}

void* SharedLibrary::find(const char* name) const {
  void* const found = ::dlsym(handle_, name);
  if (found == nullptr) throw whyNot(file_ + " is not the library that this was built with");
  return found;
}

}  // namespace v1
}  // namespace callsheet
