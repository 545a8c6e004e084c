#include "store/lmdb_error.h"

#include <lmdb.h>

#include <cerrno>

namespace callsheet {
inline namespace v1 {

namespace {
ErrorKind kindOf(int code) {
  switch (code) {
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::storeFull;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_BAD_TXN:
    case MDB_BAD_DBI:
      return ErrorKind::corrupt;
    case MDB_VERSION_MISMATCH:
      return ErrorKind::unsupported;
    case EACCES:
    case EPERM:
      return ErrorKind::permission;
    case MDB_READERS_FULL:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::io;
  }
}

std::string adviceFor(int code) {
  switch (code) {
    case MDB_MAP_FULL:
      return "; prune done jobs or cancel waiting ones";
    case ENOSPC:
    case EDQUOT:
      return "; free space on the disk";
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
      return "; run `callsheet check`, then restore a backup";
    case MDB_READERS_FULL:
      return "; too many processes read at once, try again";
    default:
      return {};
  }
}
}  // namespace

LmdbError::LmdbError(int code, const char* doing)
    : Error(kindOf(code), std::string("the store could not ") + doing + ": " + mdb_strerror(code) + adviceFor(code)) {}

}  // namespace v1
}  // namespace callsheet
